#include "app/pages/about_dialog.h"

#include <QDialogButtonBox>
#include <QFontDatabase>
#include <QHBoxLayout>
#include <QLabel>
#include <QPlainTextEdit>
#include <QTabWidget>
#include <QVBoxLayout>

namespace headroom::pages {

namespace {

constexpr int kIconSize = 64;

QPlainTextEdit* page(const QString& text, const char* name) {
  auto* page = new QPlainTextEdit(text);
  page->setObjectName(name);
  page->setReadOnly(true);
  page->setLineWrapMode(QPlainTextEdit::NoWrap);
  page->setFont(QFontDatabase::systemFont(QFontDatabase::FixedFont));
  return page;
}

}  // namespace

AboutDialog::AboutDialog(const About& about, QWidget* parent) : QDialog(parent) {
  setWindowTitle("About Headroom");
  setObjectName("about");
  auto* icon = new QLabel(this);
  icon->setPixmap(about.icon.pixmap(kIconSize, kIconSize));
  auto* name = new QLabel(QString("<b>Headroom %1</b><br>Decodes text with multi-head, grouped-query and "
                                  "multi-query attention side by side,<br>and shows what sharing keys and "
                                  "values saves. Free software, GPL-3.0-or-later, without any warranty.")
                              .arg(about.version.toHtmlEscaped()),
                          this);
  name->setTextFormat(Qt::RichText);
  auto* head = new QHBoxLayout;
  head->setSpacing(14);
  head->addWidget(icon);
  head->addWidget(name, 1);
  auto* tabs = new QTabWidget(this);
  tabs->addTab(page(about.components, "components"), "Libraries");
  tabs->addTab(page(about.license, "license"), "License");
  auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close, this);
  connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(16, 16, 16, 12);
  layout->setSpacing(12);
  layout->addLayout(head);
  layout->addWidget(tabs, 1);
  layout->addWidget(buttons);
  const QFontMetrics metrics(tabs->widget(0)->font());
  resize(metrics.horizontalAdvance(QString(122, QLatin1Char('m'))), 30 * metrics.lineSpacing());
}

}  // namespace headroom::pages
