#pragma once

#include "app/pages/quiet_combo_box.h"
#include "app/session/selection.h"

namespace headroom::pages {

/// Chooses a lane: that of the head chosen last, until another one is chosen here.
class LaneBox : public QuietComboBox {
  Q_OBJECT

 public:
  LaneBox(const session::TraceStore& store, const session::Selection& selection, QWidget* parent);

  /// -1 without lanes.
  int lane() const { return currentIndex(); }

 signals:
  void laneChanged();

 private:
  void refill();
  void follow();

  const session::TraceStore& m_store;
  const session::Selection& m_selection;
  std::optional<session::HeadAddress> m_followed;
};

}  // namespace headroom::pages
