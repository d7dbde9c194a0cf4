#include "app/pages/heads/lane_box.h"

#include <QSignalBlocker>
#include <algorithm>

#include "app/pages/texts.h"

namespace headroom::pages {

LaneBox::LaneBox(const session::TraceStore& store, const session::Selection& selection, QWidget* parent)
    : QuietComboBox(parent), m_store(store), m_selection(selection) {
  setSizeAdjustPolicy(QComboBox::AdjustToContents);
  connect(&store, &session::TraceStore::lanesChanged, this, &LaneBox::refill);
  connect(&selection, &session::Selection::changed, this, &LaneBox::follow);
  connect(this, &QComboBox::currentIndexChanged, this, &LaneBox::laneChanged);
  refill();
}

void LaneBox::refill() {
  const int before = currentIndex();
  {
    const QSignalBlocker quiet(this);
    clear();
    for (int lane = 0; lane < m_store.laneCount(); ++lane) addItem(toQt(m_store.lane(lane).info().title));
    setCurrentIndex(std::clamp(before, std::min(0, count() - 1), count() - 1));
  }
  follow();
  emit laneChanged();
}

void LaneBox::follow() {
  const std::optional<session::HeadAddress>& head = m_selection.head();
  if (head == m_followed) return;
  m_followed = head;
  if (head && head->lane < count()) setCurrentIndex(head->lane);
}

}  // namespace headroom::pages
