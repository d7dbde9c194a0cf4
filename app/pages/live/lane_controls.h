#pragma once

#include <QWidget>
#include <vector>

#include "app/session/appearance.h"
#include "app/session/lane.h"

class QSpinBox;
class QToolButton;

namespace headroom::pages {

class QuietComboBox;

/// Batch, context, cache type and attention kernel of one lane or of all, and how far the context is filled.
/// Whatever is chosen is decoded at once.
class LaneControls : public QWidget {
  Q_OBJECT

 public:
  explicit LaneControls(QWidget* parent);

  /// What runs now; without `infos` what will run, which nobody can change until it does.
  void setLanes(const std::vector<session::LaneRequest>& lanes, const std::vector<session::LaneInfo>& infos);
  void setFill(int positions);
  void focusFill();

 signals:
  void lanesChosen(const std::vector<headroom::session::LaneRequest>& lanes);
  void fillChosen(int positions);
  /// By Enter, or from a list: keys are the page's again.
  void left();
  /// The lane whose kernels are to be compared; -1 for the one that shows most.
  void kernelsRequested(int lane);

 private:
  /// The lane that the controls are for; -1 for all.
  int scope() const;
  void showOptions();
  /// Applies `change(LaneOptions&)` to the lanes of the scope.
  template <typename Change>
  void choose(Change change);
  void showContexts(const session::LaneOptions& options);

  std::vector<session::LaneRequest> m_lanes;
  std::vector<model::ModelConfig> m_models;
  QuietComboBox* m_scope;
  QuietComboBox* m_batch;
  QuietComboBox* m_context;
  QuietComboBox* m_kvType;
  QuietComboBox* m_kernel;
  QSpinBox* m_fill;
  QToolButton* m_compare;
  int m_fillShown = 0;
};

}  // namespace headroom::pages
