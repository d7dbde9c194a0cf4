#pragma once

#include <QWidget>

#include "app/session/appearance.h"
#include "app/session/head_board.h"
#include "core/analysis/head_comparison.h"

class QLabel;

namespace headroom::pages {

class PairMatrices;
class QuietComboBox;

/// Whether heads are alike, by what somebody chooses: their attention, outputs, keys or values.
class HeadPairsView : public QWidget {
  Q_OBJECT

 public:
  HeadPairsView(const session::HeadBoard& board, QWidget* parent);

  void setAppearance(const session::Appearance& appearance);
  void refresh();
  PairMatrices& matrices() { return *m_matrices; }
  const analysis::HeadComparison& comparison() const;

 private:
  void compare();

  QuietComboBox* m_comparisons;
  QLabel* m_note;
  PairMatrices* m_matrices;
};

}  // namespace headroom::pages
