#include "app/pages/heads/inside_view.h"

#include <QGridLayout>
#include <QLabel>
#include <QToolButton>
#include <QVBoxLayout>
#include <cmath>

#include "app/pages/texts.h"
#include "app/pages/wrap_layout.h"

namespace headroom::pages {

QString signedText(double value, int decimals) {
  const QString size = fixed(std::abs(value), decimals);
  if (size == fixed(0.0, decimals)) return size;
  return (value < 0.0 ? QString("\u2212") : QString("+")) + size;
}

InsideView::InsideView(session::InsideBoard& board, const QString& name, const QString& introduction,
                       QWidget* parent)
    : QWidget(parent),
      m_board(board),
      m_name(name),
      m_introduction(new QWidget(this)),
      m_results(new QWidget(this)),
      m_resultRows(new QVBoxLayout(m_results)),
      m_copy(new QToolButton(this)),
      m_save(new QToolButton(this)) {
  setObjectName(name + "View");
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(0);
  auto* controls = new QWidget(this);
  m_controls = new WrapLayout(controls);
  m_controls->setContentsMargins(8, 4, 8, 4);
  m_controls->setSpacing(6);
  layout->addWidget(controls);
  m_form = new QGridLayout;
  m_form->setContentsMargins(8, 0, 8, 0);
  m_form->setHorizontalSpacing(8);
  m_form->setVerticalSpacing(4);
  layout->addLayout(m_form);
  auto* words = new QLabel(introduction, m_introduction);
  words->setObjectName(name + "Introduction");
  words->setWordWrap(true);
  words->setMaximumWidth(760);
  auto* introductionRows = new QVBoxLayout(m_introduction);
  introductionRows->setContentsMargins(24, 16, 24, 16);
  introductionRows->addWidget(words);
  introductionRows->addStretch(1);
  layout->addWidget(m_introduction, 1);
  layout->addWidget(m_results, 1);
  m_resultRows->setContentsMargins(0, 0, 0, 0);
  m_resultRows->setSpacing(2);
  m_copy->setText("Copy table");
  m_save->setText("Save table\u2026");
  connect(m_copy, &QToolButton::clicked, this, [this] { emit copyWanted(csv()); });
  connect(m_save, &QToolButton::clicked, this, [this] { emit saveWanted(csvName(), csv()); });
}

void InsideView::addControl(QWidget* widget, const QString& name, const QString& tip) {
  widget->setObjectName(name);
  widget->setToolTip(inLines(tip));
  m_controls->addWidget(widget);
}

void InsideView::addTableButtons() {
  addControl(m_copy, m_name + "Copy", "All that is shown as comma-separated values, to the clipboard");
  addControl(m_save, m_name + "Save", "All that is shown as comma-separated values, into a file");
}

void InsideView::showResults(bool areThere) {
  m_introduction->setVisible(!areThere);
  m_results->setVisible(areThere);
  m_copy->setEnabled(areThere);
  m_save->setEnabled(areThere);
}

QString InsideView::staleNote(const session::ReadText& text) const {
  return m_board.isCurrent(text)
             ? QString()
             : QString(" The lane has another text or other heads by now: read again to look there.");
}

}  // namespace headroom::pages
