#pragma once

#include <QFrame>

#include "app/session/head_study.h"

class QCheckBox;
class QSpinBox;

namespace headroom::pages {

/// The random tokens that tell induction heads: how many, how often they are said, from which ids, behind
/// which token; in a small window below its button.
class RepeatedTokensPopover : public QFrame {
  Q_OBJECT

 public:
  explicit RepeatedTokensPopover(QWidget* parent);

  evaluation::RepeatedTokens repeated() const;
  /// "60 random tokens said twice, seed 1": for people.
  static QString summary(const evaluation::RepeatedTokens& repeated);

 signals:
  /// As the prompt of all lanes, to be looked at.
  void readWanted(const headroom::evaluation::RepeatedTokens& repeated);
  void repeatedChanged();

 private:
  QSpinBox* m_length;
  QSpinBox* m_copies;
  QSpinBox* m_draws;
  QSpinBox* m_seed;
  QSpinBox* m_firstId;
  QSpinBox* m_endId;
  QCheckBox* m_hasStart;
  QSpinBox* m_start;
};

}  // namespace headroom::pages
