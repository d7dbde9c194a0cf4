#pragma once

#include <QFrame>

#include "app/session/lane.h"
#include "core/model/sampler.h"

class QCheckBox;
class QComboBox;
class QDoubleSpinBox;
class QSpinBox;

namespace headroom::pages {

/// Greedy or temperature, top-k, top-p and seed, and what happens where a text ends, in a small window below
/// its button.
class SamplingPopover : public QFrame {
  Q_OBJECT

 public:
  explicit SamplingPopover(QWidget* parent);

  void setSampling(const model::SamplingOptions& sampling);
  /// As it was set, but for what was changed here since: fields show fewer digits than it may have.
  const model::SamplingOptions& sampling() const { return m_sampling; }
  void setWhenTextEnds(session::WhenTextEnds when);
  /// "greedy", "T 0.8, k 40": for the button.
  static QString summary(const model::SamplingOptions& sampling);

 signals:
  void samplingChanged();
  void whenTextEndsChosen(headroom::session::WhenTextEnds when);

 private:
  void update();

  model::SamplingOptions m_sampling = model::SamplingOptions::forReading();
  QCheckBox* m_greedy;
  QDoubleSpinBox* m_temperature;
  QSpinBox* m_topK;
  QDoubleSpinBox* m_topP;
  QSpinBox* m_seed;
  QComboBox* m_whenTextEnds;  ///< in the order of WhenTextEnds
};

}  // namespace headroom::pages
