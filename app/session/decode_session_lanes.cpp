#include <QElapsedTimer>
#include <QThread>
#include <algorithm>
#include <exception>
#include <utility>

#include "app/session/decode_session.h"
#include "app/session/lane_change.h"
#include "app/session/lane_description.h"
#include "core/text/phrases.h"

/// How a session comes to other lanes, and to the same ones after a device was lost.
namespace headroom::session {

namespace {
/// How often an opening says how far it is.
constexpr qint64 kOpeningIntervalMs = 100;
}  // namespace

struct DecodeSession::Change {
  std::vector<lanes::LaneRequest> wanted;
  std::vector<LaneOrigin> origins;            ///< [wanted]
  std::vector<lanes::LaneSet::Place> places;  ///< [wanted]

  void leaveOut(std::size_t index) {
    const auto at = static_cast<std::ptrdiff_t>(index);
    wanted.erase(wanted.begin() + at);
    places.erase(places.begin() + at);
    origins.erase(origins.begin() + at);
  }
};

DecodeSession::Change DecodeSession::changeTo(const std::vector<lanes::LaneRequest>& wanted) const {
  Change change{.wanted = wanted, .origins = {}, .places = {}};
  change.origins = laneOrigins(m_reopen ? m_lost.requests : m_laneRequests, wanted);
  for (LaneOrigin& origin : change.origins) {
    origin.asItIs = origin.asItIs && !m_reopen;
    lanes::LaneSet::Place place{.from = m_reopen ? -1 : origin.lane, .engine = std::nullopt};
    if (m_reopen && origin.lane >= 0) place.text = m_lost.texts[static_cast<std::size_t>(origin.lane)];
    change.places.push_back(std::move(place));
  }
  return change;
}

bool DecodeSession::endsLanes(const Change& change) const {
  const auto stay = std::ranges::count(change.origins, true, &LaneOrigin::asItIs);
  return stay < m_lanes.laneCount();
}

void DecodeSession::letGo() {
  flush();
  if (m_lanes.laneCount() > 0) m_lost = {std::exchange(m_laneRequests, {}), m_lanes.release()};
}

void DecodeSession::keepAsItWas(Change& change, std::size_t index) {
  const int old = change.origins[index].lane;
  if (old < 0) {
    change.leaveOut(index);
  } else if (!m_reopen) {
    change.wanted[index] = m_laneRequests[static_cast<std::size_t>(old)];
    change.origins[index].asItIs = true;
  } else if (const lanes::LaneRequest& request = m_lost.requests[static_cast<std::size_t>(old)];
             change.wanted[index] != request) {
    change.wanted[index] = request;  // which is opened next
  } else {
    change.leaveOut(index);
  }
}

bool DecodeSession::openAll(Change& change) {
  for (std::size_t index = 0; index < change.wanted.size();) {
    if (change.origins[index].asItIs || change.places[index].engine) {
      ++index;
      continue;
    }
    try {
      measureMeans(change.wanted[index], change.origins[index].lane);
      change.places[index].engine = open(change.wanted[index]);
    } catch (const model::DeviceLost& error) {
      deviceLost(error.what(), change.wanted);
      return false;
    } catch (const model::Cancelled& cancelled) {
      emit message({Severity::Passing, cancelled.what()});
      return false;
    } catch (const std::exception& error) {
      if (dynamic_cast<const model::OutOfMemory*>(&error) != nullptr && endsLanes(change)) throw;
      emit message({Severity::Problem, model::sentenceOf(std::current_exception())});
      keepAsItWas(change, index);
    }
    if (QThread::currentThread()->isInterruptionRequested()) return false;
  }
  return true;
}

void DecodeSession::measureMeans(lanes::LaneRequest& request, int from) {
  std::vector<int> read;
  if (from >= 0 && m_reopen) {
    read = m_lost.texts[static_cast<std::size_t>(from)].tokens;
  } else if (from >= 0) {
    const lanes::LaneSet::Lane& lane = m_lanes.lane(from);
    read.assign(lane.text.begin(), lane.text.begin() + lane.fed());
  }
  StudyEvents events = studyEvents();
  events.stop = [this] {
    return m_requests.openingCancelled() || QThread::currentThread()->isInterruptionRequested();
  };
  session::measureMeans(*m_opener, request, read, events);
  m_state.studying = {};
}

DecodeSession::Outcome DecodeSession::replaceLanes(const std::vector<lanes::LaneRequest>& wanted,
                                                   bool beginsAnew) {
  if (m_reopen) {
    // Of lanes on a lost device the texts can be kept; it must be gone before the next is opened.
    m_reopen = wanted;
    letGo();
    m_opener->forgetDevice();
    m_ceilingsSought = false;  // the next device may be another one
    m_calibrated.clear();
  }
  m_requests.allowOpening();
  Change change = changeTo(wanted);
  bool goesOn = false;
  try {
    goesOn = openAll(change);
  } catch (const model::OutOfMemory&) {
    // The lanes that are to go hold what the new ones need.
    emit message({Severity::Passing, text::inWords<model::SentenceId::OldLanesCloseFirst>()});
    change = {};
    letGo();
    m_reopen = wanted;
    change = changeTo(wanted);
    goesOn = openAll(change);
  }
  m_state.opening = {};
  const bool isEmpty = change.wanted.empty() && !wanted.empty();
  const bool isSame = change.wanted == m_laneRequests && !m_reopen;
  if (!goesOn || isEmpty || isSame) {
    if (m_lanes.laneCount() == 0) m_state.playing = false;
    return Outcome::NothingNew;
  }
  beginRun();
  m_laneRequests = change.wanted;
  m_reopen.reset();
  m_lost = {};
  m_lanes.arrange(std::move(change.places), [this](int lane) { return promptOf(lane); });
  emit lanesChanged(m_run, describeLanes(m_lanes, m_laneRequests), change.origins);
  const bool someGoOn =
      std::ranges::any_of(change.origins, [](const LaneOrigin& origin) { return origin.lane >= 0; });
  if (beginsAnew && someGoOn) return Outcome::SomeGoOn;
  fillShortTexts();
  pauseIfFinished();
  return someGoOn ? Outcome::SomeGoOn : Outcome::AllBegin;
}

lanes::LaneEngine DecodeSession::open(const lanes::LaneRequest& request) {
  m_state.opening = {lanes::laneTitle(request.source), 0.0};
  publishState();
  QElapsedTimer sincePublished;
  sincePublished.start();
  lanes::LaneEngine engine = m_opener->open(request, [&](double share) {
    if (m_requests.openingCancelled() || QThread::currentThread()->isInterruptionRequested()) {
      throw model::Cancelled(text::inWords<model::SentenceId::OpeningCancelled>(m_state.opening.title));
    }
    if (sincePublished.elapsed() < kOpeningIntervalMs) return;
    sincePublished.start();
    m_state.opening.share = share;
    publishState();
  });
  const std::string note = engine.decoder->note();
  if (!note.empty())
    emit message({Severity::Note, text::inWords<model::SentenceId::OfLane>(engine.title(), note)});
  return engine;
}

void DecodeSession::deviceLost(const std::string& sentence, const std::vector<lanes::LaneRequest>& lanes) {
  // What is to be opened again is what was there when it was lost first.
  if (!m_reopen) m_reopen = lanes;
  m_ceilingsTimer.stop();
  m_calibrationTimer.stop();
  m_lanes.stopAll(lanes::StopReason::DeviceLost);
  m_stopped.clear();
  flush();
  emit message({Severity::Problem, text::inWords<model::SentenceId::DeviceLostTextStays>(sentence)});
  pauseIfFinished();
}

}  // namespace headroom::session
