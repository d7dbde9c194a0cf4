#include "app/session/decode_session.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "app/session/lane_change.h"
#include "app/session/lane_description.h"
#include "app/session/speed_sweep_plan.h"
#include "core/model/attention_pooling.h"
#include "core/model/common_fill.h"
#include "core/text/phrases.h"

namespace headroom::session {

namespace {

/// Measuring takes the device for a few seconds, once per device and driver: not before there is text to look
/// at.
constexpr int kMeasureAfterMs = 2000;
/// Values of an attention row beyond kWholeRows positions, which comes max-pooled: whole rows of 8,192
/// positions in 32 heads are a megabyte per token.
constexpr int kPooledCells = 256;
/// Texts up to that many tokens are filled without looking for requests in between.
constexpr int kShortText = 64;

/// Every so many decode steps the stages are timed one by one: the time stamps for that make a step a third
/// longer on lavapipe (bench) and take 1.3 us for each of its dispatches on an H200.
constexpr int kStepsPerTimedOne = 8;

/// Why a lane failed, and that a text which it has can go on.
std::string whyFailed(const lanes::LaneSet::Lane& lane) {
  const std::string why = model::sentenceOf(lane.error);
  return lane.text.empty() ? why : text::inWords<model::SentenceId::FailedTextStays>(why);
}

}  // namespace

DecodeSession::DecodeSession(std::unique_ptr<lanes::LaneOpener> opener, RequestBox& requests,
                             Results& results)
    : m_opener(std::move(opener)),
      m_requests(requests),
      m_results(results),
      m_lanes({}, [this](int lane, int position, int count) { return blockAt(lane, position, count); },
              {.stepDone = [this](lanes::LaneStep step) { keepStep(std::move(step)); },
               .laneStopped = [this](int lane) { m_stopped.push_back(lane); }}),
      m_timer(this),
      m_ceilingsTimer(this),
      m_calibrationTimer(this) {
  m_timer.setSingleShot(true);
  m_timer.setTimerType(Qt::PreciseTimer);
  connect(&m_timer, &QTimer::timeout, this, &DecodeSession::tick);
  m_ceilingsTimer.setSingleShot(true);
  connect(&m_ceilingsTimer, &QTimer::timeout, this, &DecodeSession::measureCeilings);
  m_calibrationTimer.setSingleShot(true);
  connect(&m_calibrationTimer, &QTimer::timeout, this, &DecodeSession::calibrateNext);
  m_clock.start();
  m_sinceFlush.start();
}

lanes::LaneSet::Block DecodeSession::blockAt(int lane, int position, int count) const {
  // At the same positions in all lanes, so that steps that are compared are alike; and the first at once.
  const bool isFirst = position == m_lanes.lane(lane).steppedFrom;
  return {.tokens = count,
          .request = {.capture = position + count <= kWholeRows ? model::Capture::everything()
                                                                : model::Capture::pooled(kPooledCells),
                      .timesStages = isFirst || position % kStepsPerTimedOne == 0}};
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
    const bool goesOnPlaying = requests.playing.value_or(false) || (wasFinished && requests.singleSteps > 0);
    if (!restart && goesOnPlaying && change == Outcome::NothingNew && failuresWait(wasFinished)) {
      m_lanes.tryAgain([this](int lane) { return promptOf(lane); });
      fillShortTexts();
      pauseIfFinished();
    } else if ((restart || again) && change != Outcome::AllBegin) {
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
  serveStudies(requests);
  if (m_lanes.laneCount() > 0 && !m_reopen) findCeilings();
  m_calibrationTimer.start(kMeasureAfterMs);
  paceFromNow();
  schedule();
}

void DecodeSession::applyTextEnd() {
  m_lanes.setWhenTextEnds(lanes::whenTextEnds(m_state.promptForm, m_whenTextEnds));
  m_state.finished = m_state.finished && m_lanes.finished();
}

void DecodeSession::findCeilings() {
  if (std::exchange(m_ceilingsSought, true)) return;
  guarded([&] {
    const model::DeviceCeilings kept = m_opener->ceilings(model::Freshness::Kept);
    if (kept.known()) {
      emit ceilingsChanged(kept);
    } else {
      m_ceilingsTimer.start(kMeasureAfterMs);
    }
  });
}

void DecodeSession::measureCeilings() {
  m_ceilingsTimer.stop();
  m_ceilingsSought = true;
  flush();
  emit message({Severity::Passing, text::inWords<model::SentenceId::MeasuringCeilings>()});
  guarded([&] { emit ceilingsChanged(m_opener->ceilings(model::Freshness::Measured)); });
  paceFromNow();
}

void DecodeSession::calibrateNext() {
  // Once its limits are known, for those tell what takes too long; never while somebody waits for a text.
  if (m_reopen) return;
  if (m_ceilingsTimer.isActive() || m_lanes.filling()) return m_calibrationTimer.start(kMeasureAfterMs);
  for (int lane = 0; lane < m_lanes.laneCount(); ++lane) {
    const std::string& source = m_laneRequests[static_cast<std::size_t>(lane)].source;
    if (!m_calibrated.insert(source).second) continue;
    bool begun = false, stopped = false;
    const lanes::LaneEngine& engine = m_lanes.lane(lane).engine;
    guarded([&] {
      m_opener->calibrate(
          engine, {.begins =
                       [&] {
                         begun = true;
                         flush();
                         emit message({Severity::Passing,
                                       text::inWords<model::SentenceId::MeasuringKernels>(engine.title())});
                       },
                   .stop = [&] { return stopped = m_requests.waits(); }});
    });
    if (stopped) m_calibrated.erase(source);
    if (!begun) continue;
    paceFromNow();
    return m_calibrationTimer.start(kMeasureAfterMs);
  }
}

void DecodeSession::measureSpeed() {
  const SpeedSweepPlan plan = planSpeedSweep(m_lanes, m_laneRequests, *m_opener);
  if (plan.subjects.empty()) {
    emit message({Severity::Note, text::inWords<model::SentenceId::NothingToMeasure>()});
    return;
  }
  guarded([&] {
    const auto skipped =
        runSpeedSweep(plan, {.progress =
                                 [&](double share, const analysis::OperatingPoint& at) {
                                   m_state.measuring = {.underWay = true, .share = share, .at = at};
                                   publishState();
                                 },
                             .pointDone = [&](const analysis::SpeedMap& map) { emit speedMeasured(map); },
                             .stop = [this] { return m_requests.measuringCancelled(); }});
    for (const std::string& sentence : skipped) emit message({Severity::Note, sentence});
  });
  m_state.measuring = {};
  publishState();
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
    emit message(
        {Severity::Note, otherVocabularySentence(vocabulary, feedAsItIs() == lanes::TokenFeed::Lockstep)});
  if (!text.empty()) emit message({Severity::Note, otherTextSentence(text)});
}

bool DecodeSession::failuresWait(bool finished) const {
  int failed = 0;
  for (int lane = 0; lane < m_lanes.laneCount(); ++lane)
    failed += m_lanes.lane(lane).stopReason == lanes::StopReason::Failed ? 1 : 0;
  return failed > 0 && (!finished || failed == m_lanes.laneCount());
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

void DecodeSession::beginRun() {
  flush();
  m_batch = {.run = ++m_run, .steps = {}};
  m_stopped.clear();
}

void DecodeSession::start() {
  beginRun();
  m_state.finished = false;
  m_singleSteps = 0;
  emit restarted(m_run);
  m_lanes.start([this](int lane) { return promptOf(lane); });
  fillShortTexts();
  pauseIfFinished();
}

std::vector<int> DecodeSession::promptOf(int laneIndex) const {
  const lanes::LaneEngine& engine = m_lanes.lane(laneIndex).engine;
  std::vector<int> contexts;  // of the lanes that are fed this text
  for (int other = 0; other < m_lanes.laneCount(); ++other) {
    if (m_lanes.lane(other).leader == m_lanes.lane(laneIndex).leader)
      contexts.push_back(lanes::contextLimit(*m_lanes.lane(other).engine.decoder));
  }
  return lanes::filledTokens(lanes::promptTokens({m_prompt, m_state.promptForm}, engine), engine,
                             std::min(m_state.fill, model::commonFill(contexts, model::mostFilled)));
}

void DecodeSession::fillShortTexts() {
  int longest = 0;
  for (int index = 0; index < m_lanes.laneCount(); ++index) {
    const lanes::LaneSet::Lane& lane = m_lanes.lane(index);
    if (lane.filling()) longest = std::max(longest, static_cast<int>(lane.text.size()) - lane.fed());
  }
  while (longest <= kShortText && m_lanes.filling()) m_lanes.fillBlock();
  tellStops();
}

void DecodeSession::replay(const RowRequest& request) {
  if (request.run != m_run || request.lane >= m_lanes.laneCount() || m_reopen) return;
  const model::Capture capture{
      .all = false, .layers = {request.layer}, .queryHeads = {request.queryHead}, .cells = 0};
  guarded([&] {
    m_results.rows.put(
        {.run = m_run,
         .lane = request.lane,
         .blocks = m_lanes.decoder(request.lane).replay(request.firstPosition, request.tokens, capture)});
    emit rowsReady();
  });
}

void DecodeSession::guarded(const std::function<void()>& work) {
  try {
    work();
  } catch (const model::DeviceLost& error) {
    deviceLost(error.what(), m_laneRequests);
  } catch (const std::exception&) {
    emit message({Severity::Problem, model::sentenceOf(std::current_exception())});
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
        failed.add(whyFailed(lane), title);
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
