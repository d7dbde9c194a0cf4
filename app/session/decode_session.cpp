#include "app/session/decode_session.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <QThread>
#include <algorithm>
#include <exception>
#include <limits>
#include <utility>

#include "app/session/lane_change.h"
#include "app/session/lane_description.h"
#include "app/session/speed_sweep_plan.h"
#include "core/model/attention_pooling.h"
#include "core/text/phrases.h"

namespace headroom::session {

namespace {

/// Measuring takes the device for a second, once per device and driver: not before there is text to look at.
constexpr int kMeasureAfterMs = 2000;
/// How often an upload says how far it is.
constexpr qint64 kOpeningIntervalMs = 100;
/// Up to so many positions attention rows are kept whole; longer ones come max-pooled, since whole rows of
/// 8,192 positions in 32 heads are a megabyte per token.
constexpr int kPooledCells = 256;

lanes::LaneSet::Block blockAt(int, int position, int count) {
  const int tokens = std::min(count, lanes::LaneSet::kBlockTokens);
  return {tokens, position + tokens <= kWholeRows ? model::Capture::everything()
                                                  : model::Capture::pooled(kPooledCells)};
}

}  // namespace

DecodeSession::DecodeSession(std::unique_ptr<lanes::LaneOpener> opener, RequestBox& requests,
                             Results& results)
    : m_opener(std::move(opener)),
      m_requests(requests),
      m_results(results),
      m_lanes({}, blockAt,
              {.stepDone = [this](lanes::LaneStep step) { keepStep(std::move(step)); },
               .laneStopped = [this](int lane) { m_stopped.push_back(lane); }}),
      m_timer(this),
      m_ceilingsTimer(this) {
  m_timer.setSingleShot(true);
  m_timer.setTimerType(Qt::PreciseTimer);
  connect(&m_timer, &QTimer::timeout, this, &DecodeSession::tick);
  m_ceilingsTimer.setSingleShot(true);
  connect(&m_ceilingsTimer, &QTimer::timeout, this, &DecodeSession::measureCeilings);
  m_clock.start();
  m_sinceFlush.start();
}

void DecodeSession::wake() {
  Requests requests = m_requests.take();
  if (requests.any()) serve(std::move(requests));
}

void DecodeSession::serve(Requests requests) {
  bool restart = requests.restart;
  const bool wasPlaying = m_state.playing;
  if (requests.otherwise) requests.playing = !m_state.playing;
  const auto take = [&](const auto& wanted, auto& value) {
    if (!wanted || *wanted == value) return;
    value = *wanted;
    restart = true;
  };
  take(requests.prompt, m_prompt);
  take(requests.fill, m_state.fill);
  take(requests.promptForm, m_state.promptForm);
  if (requests.sampling) {
    m_lanes.setSampling(*requests.sampling);
    restart = true;
  }
  if (requests.feed && *requests.feed != m_lanes.feed()) {
    m_lanes.setFeed(*requests.feed);
    restart = true;
  }
  m_whenTextEnds = requests.whenTextEnds.value_or(m_whenTextEnds);
  applyTextEnd();
  if (requests.pace) m_state.pace = *requests.pace;
  if (requests.playing) m_state.playing = *requests.playing;
  const bool goesOn = restart || requests.playing.value_or(false) || requests.singleSteps > 0;
  const bool wasFinished = m_state.finished;
  if (restart) m_state.finished = false;
  Outcome change = Outcome::NothingNew;
  if (requests.lanes && *requests.lanes != m_reopen.value_or(m_laneRequests)) {
    change = replaceLanes(*requests.lanes, restart);
  } else if (m_reopen && goesOn) {
    change = replaceLanes(std::vector(*m_reopen), restart);
  }
  if (requests.lanes) emit lanesSettled(requests.lanesSerial, m_reopen.value_or(m_laneRequests));
  if (m_lanes.laneCount() > 0) {
    // Playing or stepping on from the end of the text begins it again.
    const bool again =
        (wasFinished && m_state.finished) && (requests.playing.value_or(false) || requests.singleSteps > 0);
    if ((restart || again) && change != Outcome::AllBegin) {
      if (refusesToStart()) {
        m_state.playing = wasPlaying;
        m_state.finished = wasFinished;
      } else {
        m_state.playing = requests.playing.value_or(m_state.playing);
        start();
      }
    }
  }
  if (change != Outcome::NothingNew || restart || requests.feed) explainFeed();
  if (requests.singleSteps > 0 || m_lanes.laneCount() == 0) m_state.playing = false;
  m_singleSteps += requests.singleSteps;
  if (requests.stopFilling) m_lanes.cutFilling();
  takeSingleSteps();
  for (const RowRequest& rows : requests.rows) replay(rows);
  flush();
  publishState();
  if (requests.measureCeilings && !m_reopen) measureCeilings();
  if (requests.measureSpeed && !m_reopen) measureSpeed();
  if (m_lanes.laneCount() > 0 && !m_reopen) findCeilings();
  m_nextStepMs = static_cast<double>(m_clock.nsecsElapsed()) * 1e-6;
  schedule();
}

void DecodeSession::applyTextEnd() {
  m_lanes.setWhenTextEnds(lanes::whenTextEnds(m_state.promptForm, m_whenTextEnds));
  m_state.finished = m_state.finished && m_lanes.finished();
}

void DecodeSession::findCeilings() {
  if (std::exchange(m_ceilingsSought, true)) return;
  try {
    const model::DeviceCeilings kept = m_opener->ceilings(model::Freshness::Kept);
    if (kept.known()) {
      emit ceilingsChanged(kept);
    } else {
      m_ceilingsTimer.start(kMeasureAfterMs);
    }
  } catch (const std::exception& error) {
    emit message({Severity::Problem, error.what()});
  }
}

void DecodeSession::measureCeilings() {
  m_ceilingsTimer.stop();
  m_ceilingsSought = true;
  flush();
  emit message({Severity::Passing, text::inWords<model::SentenceId::MeasuringCeilings>()});
  try {
    emit ceilingsChanged(m_opener->ceilings(model::Freshness::Measured));
  } catch (const model::DeviceLost& error) {
    deviceLost(error.what(), m_laneRequests);
  } catch (const std::exception& error) {
    emit message({Severity::Problem, error.what()});
  }
  m_nextStepMs = static_cast<double>(m_clock.nsecsElapsed()) * 1e-6;  // no hurry to catch up
}

void DecodeSession::measureSpeed() {
  const SpeedSweepPlan plan = planSpeedSweep(m_lanes, m_laneRequests, *m_opener);
  if (plan.subjects.empty()) {
    emit message({Severity::Note, text::inWords<model::SentenceId::NothingToMeasure>()});
    return;
  }
  try {
    const auto skipped =
        runSpeedSweep(plan, {.progress =
                                 [&](double share, const analysis::OperatingPoint& at) {
                                   m_state.measuring = {.underWay = true, .share = share, .at = at};
                                   publishState();
                                 },
                             .pointDone = [&](const analysis::SpeedMap& map) { emit speedMeasured(map); },
                             .stop = [this] { return m_requests.measuringCancelled(); }});
    for (const std::string& sentence : skipped) emit message({Severity::Note, sentence});
  } catch (const model::DeviceLost& error) {
    deviceLost(error.what(), m_laneRequests);
  } catch (const std::exception& error) {
    emit message({Severity::Problem, error.what()});
  }
  m_state.measuring = {};
  publishState();
}

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

bool DecodeSession::openAll(Change& change) {
  for (std::size_t index = 0; index < change.wanted.size();) {
    if (change.origins[index].asItIs) {
      ++index;
      continue;
    }
    lanes::LaneSet::Place& place = change.places[index];
    try {
      place.engine = open(change.wanted[index]);
      ++index;
    } catch (const model::DeviceLost& error) {
      deviceLost(error.what(), change.wanted);
      return false;
    } catch (const model::Cancelled& cancelled) {
      emit message({Severity::Passing, cancelled.what()});
      return false;
    } catch (const std::exception& error) {
      emit message({Severity::Problem, error.what()});
      if (place.from < 0) {
        change.leaveOut(index);
      } else {
        change.wanted[index] = m_laneRequests[static_cast<std::size_t>(place.from)];
        change.origins[index].asItIs = true;
        ++index;
      }
    }
    if (QThread::currentThread()->isInterruptionRequested()) return false;
  }
  return true;
}

DecodeSession::Outcome DecodeSession::replaceLanes(const std::vector<lanes::LaneRequest>& wanted,
                                                   bool beginsAnew) {
  if (m_reopen) {
    // Of lanes on a lost device the texts can be kept; it must be gone before the next is opened.
    m_reopen = wanted;
    if (m_lanes.laneCount() > 0) m_lost = {std::exchange(m_laneRequests, {}), m_lanes.release()};
    m_opener->forgetDevice();
    m_ceilingsSought = false;  // the next device may be another one
  }
  m_requests.allowOpening();
  Change change{.wanted = wanted, .origins = {}, .places = {}};
  change.origins = laneOrigins(m_reopen ? m_lost.requests : m_laneRequests, wanted);
  for (LaneOrigin& origin : change.origins) {
    origin.asItIs = origin.asItIs && !m_reopen;
    lanes::LaneSet::Place place{.from = m_reopen ? -1 : origin.lane, .engine = std::nullopt};
    if (m_reopen && origin.lane >= 0) place.text = m_lost.texts[static_cast<std::size_t>(origin.lane)];
    change.places.push_back(std::move(place));
  }
  const bool goesOn = openAll(change);
  m_state.opening = {};
  const bool isEmpty = change.wanted.empty() && !wanted.empty();
  const bool isSame = change.wanted == m_laneRequests && !m_reopen;
  if (!goesOn || isEmpty || isSame) {
    if (m_lanes.laneCount() == 0) m_state.playing = false;
    return Outcome::NothingNew;
  }
  flush();
  m_laneRequests = change.wanted;
  m_reopen.reset();
  m_lost = {};
  m_stopped.clear();
  m_batch = {.run = ++m_run, .steps = {}};
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
      throw model::Cancelled("Opening " + m_state.opening.title + " was cancelled.");
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

lanes::TokenFeed DecodeSession::feedAsItIs() const {
  if (m_lanes.feed() == lanes::TokenFeed::FreeRun) return lanes::TokenFeed::FreeRun;
  for (int lane = 0; lane < m_lanes.laneCount(); ++lane) {
    if (m_lanes.apart(lane) == lanes::Apart::No) return lanes::TokenFeed::Lockstep;
  }
  return m_lanes.laneCount() > 0 ? lanes::TokenFeed::FreeRun : lanes::TokenFeed::Lockstep;
}

void DecodeSession::explainFeed() {
  std::vector<std::string> vocabulary;
  std::vector<std::string> text;
  for (int lane = 0; lane < m_lanes.laneCount(); ++lane) {
    const lanes::Apart apart = m_lanes.apart(lane);
    if (apart == lanes::Apart::Vocabulary) vocabulary.push_back(m_lanes.lane(lane).engine.title());
    if (apart == lanes::Apart::Text) text.push_back(m_lanes.lane(lane).engine.title());
  }
  if (!vocabulary.empty())
    emit message({Severity::Note, otherVocabularySentence(vocabulary, m_lanes.laneCount())});
  if (!text.empty()) emit message({Severity::Note, otherTextSentence(text)});
}

bool DecodeSession::refusesToStart() {
  bool holdsText = false;
  for (int lane = 0; lane < m_lanes.laneCount(); ++lane) holdsText |= m_lanes.lane(lane).fed() > 0;
  const auto why = m_lanes.whyNoneWouldStart([this](int lane) { return promptOf(lane); });
  // Where nothing was decoded yet each lane says for itself why it does not begin.
  if (why.empty() || !holdsText) return false;
  LanesBySentence lanes;
  for (int lane = 0; lane < m_lanes.laneCount(); ++lane)
    lanes.add(model::sentenceOf(why[static_cast<std::size_t>(lane)]), m_lanes.lane(lane).engine.title());
  emit message({Severity::Problem, text::inWords<model::SentenceId::TextStays>(
                                       fmt::format("{}", fmt::join(lanes.texts(), " ")))});
  return true;
}

void DecodeSession::start() {
  flush();
  m_batch = {.run = ++m_run, .steps = {}};
  m_state.finished = false;
  m_singleSteps = 0;
  m_stopped.clear();
  emit restarted(m_run);
  m_lanes.start([this](int lane) { return promptOf(lane); });
  fillShortTexts();
  pauseIfFinished();
}

std::vector<int> DecodeSession::promptOf(int laneIndex) const {
  const lanes::LaneEngine& engine = m_lanes.lane(laneIndex).engine;
  int room = std::numeric_limits<int>::max();
  for (int other = 0; other < m_lanes.laneCount(); ++other) {
    // As far as all lanes that are fed this text can go.
    if (m_lanes.lane(other).leader != m_lanes.lane(laneIndex).leader) continue;
    const int limit = lanes::contextLimit(*m_lanes.lane(other).engine.decoder);
    room = std::min(room, model::mostFilled(limit));
  }
  return lanes::filledTokens(lanes::promptTokens({m_prompt, m_state.promptForm}, engine), engine,
                             std::min(m_state.fill, room));
}

void DecodeSession::fillShortTexts() {
  int longest = 0;
  for (int index = 0; index < m_lanes.laneCount(); ++index) {
    const lanes::LaneSet::Lane& lane = m_lanes.lane(index);
    if (lane.filling()) longest = std::max(longest, static_cast<int>(lane.text.size()) - lane.fed());
  }
  while (longest <= lanes::LaneSet::kBlockTokens && m_lanes.filling()) m_lanes.fillBlock();
  tellStops();
}

void DecodeSession::replay(const RowRequest& request) {
  if (request.run != m_run || request.lane >= m_lanes.laneCount() || m_reopen) return;
  const model::Capture capture{
      .all = false, .layers = {request.layer}, .queryHeads = {request.queryHead}, .cells = 0};
  try {
    m_results.rows.put(
        {.run = m_run,
         .lane = request.lane,
         .blocks = m_lanes.decoder(request.lane).replay(request.firstPosition, request.tokens, capture)});
    emit rowsReady();
  } catch (const model::DeviceLost& error) {
    deviceLost(error.what(), m_laneRequests);
  } catch (const std::exception& error) {
    emit message({Severity::Problem, error.what()});
  }
}

void DecodeSession::keepStep(lanes::LaneStep step) {
  // What still came whole is pooled here, before it crosses.
  const int end = step.record.position + static_cast<int>(step.record.tokens.size());
  if (end > kWholeRows) model::poolRows(step.record.attention, kPooledCells);
  m_batch.steps.push_back(std::move(step));
}

void DecodeSession::tellStops() {
  if (m_stopped.empty()) return;
  flush();
  FullLanes full;
  LanesBySentence failed;
  for (const int index : std::exchange(m_stopped, {})) {
    const lanes::LaneSet::Lane& lane = m_lanes.lane(index);
    const std::string title = lane.engine.title();
    switch (lane.stopReason.value()) {
      case lanes::StopReason::ContextFull:
        full[lanes::contextLimit(*lane.engine.decoder)].push_back(title);
        break;
      case lanes::StopReason::EndToken:
        emit message({Severity::Note, text::inWords<model::SentenceId::TextEnded>(title)});
        break;
      case lanes::StopReason::RecordEnd:
        emit message({Severity::Note, text::inWords<model::SentenceId::RecordEnded>(title)});
        break;
      case lanes::StopReason::Failed:
        failed.add(model::sentenceOf(lane.error), title);
        break;
      case lanes::StopReason::DeviceLost:
        if (lane.error) deviceLost(model::sentenceOf(lane.error), m_laneRequests);
        break;
      case lanes::StopReason::TokenLimit:
      case lanes::StopReason::Interrupted:
        break;
    }
  }
  for (const std::string& sentence : failed.texts()) emit message({Severity::Problem, sentence});
  if (!full.empty()) emit message({Severity::Note, contextFullSentence(full)});
}

void DecodeSession::deviceLost(const std::string& sentence, const std::vector<lanes::LaneRequest>& lanes) {
  // What is to be opened again is what was there when it was lost first.
  if (!m_reopen) m_reopen = lanes;
  m_ceilingsTimer.stop();
  m_lanes.stopAll(lanes::StopReason::DeviceLost);
  m_stopped.clear();
  flush();
  emit message({Severity::Problem, text::inWords<model::SentenceId::DeviceLostTextStays>(sentence)});
  pauseIfFinished();
}

void DecodeSession::flush() {
  m_sinceFlush.restart();
  if (m_batch.steps.empty()) return;
  StepBatch batch{.run = m_run, .steps = {}};
  std::swap(batch.steps, m_batch.steps);
  m_results.steps.put(std::move(batch));
  emit stepsReady();
}

void DecodeSession::publishState() {
  m_state.filling = m_lanes.fillingState();
  m_state.feed = feedAsItIs();
  emit stateChanged(m_state);
}

}  // namespace headroom::session
