#include "app/pages/help/reference_window.h"

#include <QEvent>
#include <QLineEdit>
#include <QScrollBar>
#include <QTextBrowser>
#include <QVBoxLayout>

namespace headroom::pages {

namespace {
/// In letters and lines of the interface font.
constexpr int kWidth = 62;
constexpr int kHeight = 34;
}  // namespace

ReferenceWindow::ReferenceWindow(const QString& title, const QString& name, Page page, QWidget* parent)
    : QDialog(parent),
      m_page(std::move(page)),
      m_search(new QLineEdit(this)),
      m_text(new QTextBrowser(this)) {
  setWindowTitle(title);
  setObjectName(name);
  m_search->setObjectName("search");
  m_search->setPlaceholderText("Search");
  m_search->setClearButtonEnabled(true);
  m_text->setObjectName("text");
  m_text->setFrameShape(QFrame::NoFrame);
  m_text->setOpenLinks(false);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(12, 12, 12, 12);
  layout->setSpacing(10);
  layout->addWidget(m_search);
  layout->addWidget(m_text, 1);
  connect(m_search, &QLineEdit::textChanged, this, &ReferenceWindow::refresh);
  const QFontMetrics metrics(font());
  resize(QSize(kWidth * metrics.averageCharWidth(), kHeight * metrics.lineSpacing())
             .boundedTo(parent->window()->size()));
}

void ReferenceWindow::present() {
  refresh();
  show();
  raise();
  activateWindow();
  m_search->setFocus(Qt::ShortcutFocusReason);
  m_search->selectAll();
}

void ReferenceWindow::refresh() {
  m_text->setHtml(m_page(m_search->text().simplified()));
  m_text->verticalScrollBar()->setValue(0);
}

void ReferenceWindow::changeEvent(QEvent* event) {
  QDialog::changeEvent(event);
  const bool looksOther = event->type() == QEvent::FontChange || event->type() == QEvent::PaletteChange ||
                          event->type() == QEvent::StyleChange;
  if (looksOther && isVisible()) refresh();
}

}  // namespace headroom::pages
