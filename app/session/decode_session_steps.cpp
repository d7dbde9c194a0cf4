#include <QThread>
#include <algorithm>
#include <cmath>

#include "app/session/decode_session.h"

/// How a session goes on by itself: blocks of a text that is filled, then steps at the pace that was chosen.
namespace headroom::session {

namespace {
/// At full speed steps cross to the GUI in batches, so that hundreds of tokens per second cost ten redraws.
constexpr qint64 kUnlimitedFlushMs = 100;
/// A paced step crosses at once unless the pace is faster than the screen.
constexpr qint64 kPacedFlushMs = 16;
}  // namespace

void DecodeSession::takeSingleSteps() {
  while (m_singleSteps > 0 && !m_state.finished && !m_lanes.filling()) {
    --m_singleSteps;
    m_lanes.step();
    pauseIfFinished();
  }
  if (m_state.finished) m_singleSteps = 0;
}

void DecodeSession::pauseIfFinished() {
  if (m_lanes.filling()) {
    m_state.finished = false;
    return;
  }
  m_lanes.settle();
  tellStops();
  m_state.finished = m_lanes.finished();
  if (!m_state.finished) return;
  m_state.playing = false;
  flush();
  publishState();
}

void DecodeSession::tick() {
  if (QThread::currentThread()->isInterruptionRequested()) return;
  if (m_lanes.filling()) {
    m_lanes.fillBlock();
    tellStops();
    pauseIfFinished();
    takeSingleSteps();
    if (m_sinceFlush.elapsed() >= kUnlimitedFlushMs || !m_lanes.filling()) {
      flush();
      publishState();
    }
    paceFromNow();
    schedule();
    return;
  }
  if (!m_state.playing || m_state.finished) return;
  m_lanes.step();
  pauseIfFinished();
  if (!m_state.pace.unlimited()) {
    // A late step does not make the following ones hurry by more than one interval.
    const double interval = 1000.0 / m_state.pace.tokensPerSecond;
    m_nextStepMs = std::max(m_nextStepMs + interval, nowMs() - interval);
  }
  if (m_sinceFlush.elapsed() >= (m_state.pace.unlimited() ? kUnlimitedFlushMs : kPacedFlushMs)) flush();
  schedule();
}

void DecodeSession::schedule() {
  if (m_lanes.filling()) {
    m_timer.start(0);
    return;
  }
  if (!m_state.playing || m_state.finished) {
    m_timer.stop();
    return;
  }
  if (m_state.pace.unlimited()) {
    m_timer.start(0);
    return;
  }
  m_timer.start(std::max(0, static_cast<int>(std::lround(m_nextStepMs - nowMs()))));
}

}  // namespace headroom::session
