#include "app/pages/heads/head_pairs_view.h"

#include <QLabel>
#include <QScrollArea>
#include <QVBoxLayout>

#include "app/pages/heads/pair_matrices.h"
#include "app/pages/quiet_combo_box.h"
#include "app/pages/texts.h"

namespace headroom::pages {

HeadPairsView::HeadPairsView(const session::HeadBoard& board, QWidget* parent)
    : QWidget(parent),
      m_comparisons(new QuietComboBox(this)),
      m_note(new QLabel(this)),
      m_matrices(new PairMatrices(board, this)) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 6, 0, 0);
  layout->setSpacing(2);
  m_comparisons->setObjectName("headComparison");
  for (const analysis::HeadComparison& comparison : analysis::headComparisons()) {
    m_comparisons->addItem(QString("Compare: %1").arg(QString(comparison.title).toLower()));
    m_comparisons->setItemData(m_comparisons->count() - 1, inLines(comparison.meaning), Qt::ToolTipRole);
  }
  m_comparisons->setToolTip("What two heads of a layer are compared by");
  m_comparisons->setSizeAdjustPolicy(QComboBox::AdjustToContents);
  auto* row = new QHBoxLayout;
  row->setContentsMargins(8, 0, 8, 0);
  row->addWidget(m_comparisons);
  row->addStretch(1);
  layout->addLayout(row);
  m_note->setObjectName("pairsNote");
  m_note->setWordWrap(true);
  m_note->setContentsMargins(8, 2, 8, 2);
  m_note->setEnabled(false);
  layout->addWidget(m_note);
  auto* scroll = new QScrollArea(this);
  scroll->setWidget(m_matrices);
  scroll->setWidgetResizable(true);
  scroll->setFrameShape(QFrame::NoFrame);
  layout->addWidget(scroll, 1);
  connect(m_comparisons, &QComboBox::activated, this, &HeadPairsView::compare);
  compare();
}

void HeadPairsView::setAppearance(const session::Appearance& appearance) {
  m_matrices->setAppearance(appearance);
}

void HeadPairsView::refresh() {
  m_matrices->refresh();
}

const analysis::HeadComparison& HeadPairsView::comparison() const {
  return m_matrices->comparison();
}

void HeadPairsView::compare() {
  const auto& chosen = analysis::headComparisons()[static_cast<std::size_t>(m_comparisons->currentIndex())];
  m_matrices->setComparison(chosen);
  m_note->setText(QString("%1%2 \u00b1: standard deviation of the pairs. A right click exports.")
                      .arg(QString(chosen.meaning),
                           QString(chosen.isOfQueryHeads ? " Heads in a frame read one KV head." : "")));
}

}  // namespace headroom::pages
