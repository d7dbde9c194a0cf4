#include "app/view/frame_pacer.h"

#include <algorithm>

namespace headroom::view {

namespace {
constexpr int kSettleFrames = 2;
}

FramePacer::FramePacer(QObject* parent) : QObject(parent), m_timer(this) {
  m_timer.setSingleShot(true);
  m_timer.setTimerType(Qt::PreciseTimer);
  connect(&m_timer, &QTimer::timeout, this, [this] {
    // Counted from here and not from the frame's beginning, which waits for the frame before.
    m_sinceFrame.restart();
    emit frameDue();
  });
  m_sinceFrame.start();
}

int FramePacer::dataIntervalMs() const {
  // With the 5 ms that Qt adds to an update request: 34 frames per second where text is read along, 8 where
  // cores are scarce.
  return m_activity == Activity::FullSpeed ? 120 : 24;
}

int FramePacer::inputIntervalMs() const {
  return m_activity == Activity::FullSpeed ? 40 : 15;
}

void FramePacer::setActivity(Activity activity) {
  if (m_activity == activity) return;
  m_activity = activity;
  requestForData();
}

void FramePacer::requestForData() {
  // What is laid out in one frame is scrolled to in the next; while decoding that one comes anyway.
  if (m_activity == Activity::Idle) m_settleFrames = kSettleFrames;
  schedule(dataIntervalMs());
}

void FramePacer::requestAtOnce() {
  schedule(0);
}

void FramePacer::requestForInput() {
  m_settleFrames = kSettleFrames;
  schedule(inputIntervalMs());
}

void FramePacer::frameBegan() {
  m_timer.stop();
  if (m_settleFrames > 0) {
    --m_settleFrames;
    schedule(inputIntervalMs());
  } else if (m_activity != Activity::Idle) {
    // While decoding the picture moves between tokens too: bars grow and tints fade.
    schedule(dataIntervalMs());
  }
}

void FramePacer::schedule(int intervalMs) {
  const int wait = std::max(0, intervalMs - static_cast<int>(m_sinceFrame.elapsed()));
  if (m_timer.isActive() && m_timer.remainingTime() <= wait) return;
  m_timer.start(wait);
}

}  // namespace headroom::view
