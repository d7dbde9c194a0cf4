#include "app/session/decode_session.h"

#include <QThread>
#include <algorithm>
#include <cmath>
#include <exception>
#include <limits>
#include <utility>

#include "app/session/kept_lanes.h"
#include "app/session/lane_description.h"
#include "app/session/prompt.h"
#include "core/analysis/pooled_map.h"

namespace headroom::session {

namespace {

/// At full speed steps cross to the GUI in batches, so that hundreds of tokens per second cost ten redraws.
constexpr qint64 kUnlimitedFlushMs = 100;
/// A paced step crosses at once unless the pace is faster than the screen.
constexpr qint64 kPacedFlushMs = 16;
/// Measuring takes the device for a second, once per device and driver: not before there is text to look at.
constexpr int kMeasureAfterMs = 2000;
/// Tokens after which filling a context looks for new requests.
constexpr int kPrefillBlock = 64;
/// How often an upload says how far it is.
constexpr qint64 kOpeningIntervalMs = 100;
/// Up to so many positions attention rows are kept whole; longer ones come max-pooled, since whole rows of
/// 8,192 positions in 32 heads are a megabyte per token.
constexpr int kWholeRows = 1024;
constexpr int kPooledCells = 256;

model::Capture captureUpTo(int positions) {
  return positions <= kWholeRows ? model::Capture::everything() : model::Capture::pooled(kPooledCells);
}

}  // namespace

DecodeSession::DecodeSession(std::unique_ptr<LaneFactory> factory, RequestBox& requests)
    : m_factory(std::move(factory)), m_requests(requests), m_timer(this), m_ceilingsTimer(this) {
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
  if (requests.prompt && *requests.prompt != m_prompt) {
    m_prompt = *requests.prompt;
    restart = true;
  }
  if (requests.sampling) {
    m_sampling = *requests.sampling;
    for (Lane& lane : m_lanes) lane.sampler = model::Sampler(m_sampling);
    restart = true;
  }
  if (requests.feed && *requests.feed != m_state.feed) {
    m_state.feed = *requests.feed;
    checkLockstep();
    restart = true;
  }
  if (requests.fill && *requests.fill != m_state.fill) {
    m_state.fill = *requests.fill;
    restart = true;
  }
  if (requests.promptForm && *requests.promptForm != m_state.promptForm) {
    m_state.promptForm = *requests.promptForm;
    restart = true;
  }
  if (requests.pace) m_state.pace = *requests.pace;
  if (requests.playing) m_state.playing = *requests.playing;
  const bool goesOn = restart || requests.playing.value_or(false) || requests.singleSteps > 0;
  if (requests.lanes && *requests.lanes != m_laneRequests) {
    restart = replaceLanes(*requests.lanes) || restart;
  } else if (m_reopen && goesOn) {
    restart = replaceLanes(std::vector(*m_reopen));
  }
  if (requests.lanes) emit lanesSettled(requests.lanesSerial, m_reopen.value_or(m_laneRequests));
  if (!m_lanes.empty()) {
    // Playing or stepping on from the end of the text begins it again.
    const bool again = m_state.finished && (requests.playing.value_or(false) || requests.singleSteps > 0);
    if (restart || again) start();
  }
  if (requests.singleSteps > 0) m_state.playing = false;
  m_singleSteps += requests.singleSteps;
  if (requests.stopFilling) cutPrompts();
  takeSingleSteps();
  for (const RowRequest& rows : requests.rows) replay(rows);
  flush();
  publishState();
  if (requests.measureCeilings) measureCeilings();
  if (!m_lanes.empty()) findCeilings();
  m_nextStepMs = static_cast<double>(m_clock.nsecsElapsed()) * 1e-6;
  schedule();
}

void DecodeSession::findCeilings() {
  if (std::exchange(m_ceilingsSought, true)) return;
  try {
    const model::DeviceCeilings kept = m_factory->ceilings(model::Freshness::Kept);
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
  emit message(
      {Severity::Passing,
       "Measuring what this device reaches at most (copies, arithmetic, dispatches); decoding pauses "
       "for about a second."});
  try {
    emit ceilingsChanged(m_factory->ceilings(model::Freshness::Measured));
  } catch (const model::DeviceLost& error) {
    deviceLost(error, m_laneRequests);
  } catch (const std::exception& error) {
    emit message({Severity::Problem, error.what()});
  }
  m_nextStepMs = static_cast<double>(m_clock.nsecsElapsed()) * 1e-6;  // no hurry to catch up
}

bool DecodeSession::replaceLanes(std::vector<LaneRequest> wanted) {
  if (m_reopen) {
    // Nothing of a lost device can be kept, and it must be gone before the next is opened.
    m_reopen = wanted;
    m_lanes.clear();
    m_laneRequests.clear();
    m_factory->forgetDevice();
  }
  m_requests.allowOpening();
  std::vector<int> kept = keptLanes(m_laneRequests, wanted);
  const bool onlyAdds =
      std::ssize(m_laneRequests) == std::ranges::count_if(kept, [](int old) { return old >= 0; });
  std::vector<LaneEngine> fresh(wanted.size());
  bool failed = false;
  for (std::size_t index = 0; index < wanted.size(); ++index) {
    if (kept[index] >= 0) continue;
    try {
      fresh[index] = open(wanted[index]);
    } catch (const model::DeviceLost& error) {
      m_state.opening = {};
      deviceLost(error, wanted);
      return false;
    } catch (const model::Cancelled& cancelled) {
      m_state.opening = {};
      emit message({Severity::Passing, cancelled.what()});
      return false;
    } catch (const std::exception& error) {
      failed = true;
      emit message({Severity::Problem, error.what()});
      if (!onlyAdds) break;
    }
    if (QThread::currentThread()->isInterruptionRequested()) return false;
  }
  m_state.opening = {};
  if (failed) {
    if (onlyAdds) {
      for (std::size_t index = wanted.size(); index-- > 0;) {
        if (kept[index] >= 0 || fresh[index].decoder) continue;
        const auto at = static_cast<std::ptrdiff_t>(index);
        wanted.erase(wanted.begin() + at);
        kept.erase(kept.begin() + at);
        fresh.erase(fresh.begin() + at);
      }
    }
    const bool nothingNew =
        std::ranges::none_of(fresh, [](const LaneEngine& engine) { return engine.decoder != nullptr; });
    if (!onlyAdds || nothingNew) {
      if (m_lanes.empty()) m_state.playing = false;
      return false;
    }
  }

  std::vector<Lane> lanes;
  std::vector<LaneInfo> infos;
  for (std::size_t index = 0; index < wanted.size(); ++index) {
    LaneEngine engine = kept[index] >= 0 ? std::move(m_lanes[static_cast<std::size_t>(kept[index])].engine)
                                         : std::move(fresh[index]);
    infos.push_back(describe(wanted[index], engine));
    lanes.push_back({.engine = std::move(engine), .sampler = model::Sampler(m_sampling)});
  }
  m_lanes = std::move(lanes);
  m_laneRequests = wanted;
  m_reopen.reset();
  m_batch = {.run = ++m_run, .steps = {}};
  m_state.finished = m_lanes.empty();
  emit lanesChanged(m_run, infos);
  checkLockstep();
  return true;
}

LaneEngine DecodeSession::open(const LaneRequest& request) {
  m_state.opening = {laneTitle(request.source), 0.0};
  publishState();
  QElapsedTimer sincePublished;
  sincePublished.start();
  LaneEngine engine = m_factory->open(request, [&](double share) {
    if (m_requests.openingCancelled() || QThread::currentThread()->isInterruptionRequested()) {
      throw model::Cancelled("Opening " + m_state.opening.title + " was cancelled.");
    }
    if (sincePublished.elapsed() < kOpeningIntervalMs) return;
    sincePublished.start();
    m_state.opening.share = share;
    publishState();
  });
  const std::string note = engine.decoder->note();
  if (!note.empty()) emit message({Severity::Note, engine.title + ": " + note});
  return engine;
}

std::size_t DecodeSession::leader() const {
  const auto scripted =
      std::ranges::find_if(m_lanes, [](const Lane& lane) { return !lane.engine.script.empty(); });
  return scripted == m_lanes.end() ? 0 : static_cast<std::size_t>(scripted - m_lanes.begin());
}

bool DecodeSession::lockstepPossible() const {
  return std::all_of(m_lanes.begin(), m_lanes.end(),
                     [&](const Lane& lane) { return sameVocabulary(m_lanes.front().engine, lane.engine); });
}

void DecodeSession::checkLockstep() {
  if (m_state.feed == TokenFeed::FreeRun || m_lanes.empty() || lockstepPossible()) return;
  m_state.feed = TokenFeed::FreeRun;
  emit message(
      {Severity::Note,
       "Lockstep feeds every lane the same tokens, but these lanes have different tokenizers, so each "
       "lane now runs freely."});
}

void DecodeSession::start() {
  m_batch = {.run = ++m_run, .steps = {}};
  m_state.finished = false;
  m_singleSteps = 0;
  emit restarted(m_run);
  int room = std::numeric_limits<int>::max();
  for (const Lane& lane : m_lanes) room = std::min(room, contextLimit(*lane.engine.decoder) - 1);
  int longest = 0;
  for (int index = 0; index < std::ssize(m_lanes); ++index) {
    Lane& lane = m_lanes[static_cast<std::size_t>(index)];
    lane.sampler.reset();
    lane.stopped = false;
    lane.choice = -1;
    lane.prompt.clear();
    lane.prefilled = 0;
    try {
      lane.engine.decoder->truncate(0);
      const LaneEngine& speaker =
          m_state.feed == TokenFeed::Lockstep ? m_lanes[leader()].engine : lane.engine;
      const LaneEngine& source = speaker.script.empty() ? lane.engine : speaker;
      lane.prompt = filledTokens(promptTokens(m_prompt, m_state.promptForm, source), source,
                                 std::min(m_state.fill, room));
      longest = std::max(longest, static_cast<int>(lane.prompt.size()));
    } catch (const std::exception& error) {
      laneFailed(index, error);
    }
  }
  // A prompt of ordinary length goes in at once; a long one leaves room for requests between its blocks.
  while (longest <= kPrefillBlock && filling()) prefillBlock();
  pauseIfFinished();
}

bool DecodeSession::filling() const {
  return std::any_of(m_lanes.begin(), m_lanes.end(), [](const Lane& lane) { return lane.filling(); });
}

void DecodeSession::prefillBlock() {
  int behind = -1;
  for (int index = 0; index < std::ssize(m_lanes); ++index) {
    const Lane& lane = m_lanes[static_cast<std::size_t>(index)];
    if (!lane.filling()) continue;
    if (behind < 0 || lane.prefilled < m_lanes[static_cast<std::size_t>(behind)].prefilled) behind = index;
  }
  if (behind < 0) return;
  Lane& lane = m_lanes[static_cast<std::size_t>(behind)];
  try {
    const std::size_t count = std::min<std::size_t>(kPrefillBlock, lane.prompt.size() - lane.prefilled);
    const bool last = lane.prefilled + count == lane.prompt.size();
    runLane(behind, std::span(lane.prompt).subspan(lane.prefilled, count),
            last ? Next::Choose : Next::MoreFollows);
    lane.prefilled += count;
  } catch (const std::exception& error) {
    laneFailed(behind, error);
  }
  if (!filling()) pauseIfFinished();
}

void DecodeSession::cutPrompts() {
  std::size_t furthest = 0;
  for (const Lane& lane : m_lanes) furthest = std::max(furthest, lane.prefilled + (lane.filling() ? 1 : 0));
  for (Lane& lane : m_lanes) {
    if (lane.filling()) lane.prompt.resize(std::min(lane.prompt.size(), furthest));
  }
}

void DecodeSession::takeSingleSteps() {
  while (m_singleSteps > 0 && !m_state.finished && !filling()) {
    --m_singleSteps;
    step();
  }
  if (m_state.finished) m_singleSteps = 0;
}

void DecodeSession::replay(const RowRequest& request) {
  if (request.run != m_run || request.lane >= std::ssize(m_lanes)) return;
  const model::Capture capture{
      .all = false, .layers = {request.layer}, .queryHeads = {request.queryHead}, .cells = 0};
  try {
    model::Decoder& decoder = *m_lanes[static_cast<std::size_t>(request.lane)].engine.decoder;
    emit rowsReady({.run = m_run,
                    .lane = request.lane,
                    .blocks = decoder.replay(request.firstPosition, request.tokens, capture)});
  } catch (const model::DeviceLost& error) {
    deviceLost(error, m_laneRequests);
  } catch (const std::exception& error) {
    emit message({Severity::Problem, error.what()});
  }
}

void DecodeSession::runLane(int laneIndex, std::span<const int> tokens, Next next) {
  Lane& lane = m_lanes[static_cast<std::size_t>(laneIndex)];
  const model::Capture capture =
      captureUpTo(lane.engine.decoder->position() + static_cast<int>(tokens.size()));
  std::vector<model::StepRecord> records = lane.engine.decoder->run(tokens, capture);
  if (next == Next::Choose) lane.choice = lane.sampler.pick(lane.engine.decoder->logits());
  for (std::size_t index = 0; index < records.size(); ++index) {
    const bool last = index + 1 == records.size();
    // What still came whole is pooled here, before it crosses.
    if (capture.cells > 0) analysis::poolRows(records[index].attention, capture.cells);
    m_batch.steps.push_back(
        {.lane = laneIndex, .record = std::move(records[index]), .choice = last ? lane.choice : -1});
  }
}

void DecodeSession::step() {
  if (m_lanes.empty()) return;
  const int shared = m_lanes[leader()].choice;
  for (int index = 0; index < std::ssize(m_lanes); ++index) {
    const Lane& lane = m_lanes[static_cast<std::size_t>(index)];
    const std::vector<int>& script = lane.engine.script;
    if (lane.stopped || script.empty() || lane.engine.decoder->position() < std::ssize(script)) continue;
    stopLane(index, Severity::Note,
             lane.engine.title + " was recorded up to here. Press play to see it again.");
  }
  if (m_state.feed == TokenFeed::Lockstep && m_lanes[leader()].stopped) {
    pauseIfFinished();
    return;
  }
  FullLanes full;
  for (int index = 0; index < std::ssize(m_lanes); ++index) {
    Lane& lane = m_lanes[static_cast<std::size_t>(index)];
    if (lane.stopped) continue;
    const int token = m_state.feed == TokenFeed::Lockstep ? shared : lane.choice;
    const int limit = contextLimit(*lane.engine.decoder);
    if (lane.engine.decoder->position() >= limit) {
      lane.stopped = true;
      full[limit].push_back(lane.engine.title);
      continue;
    }
    const model::Tokenizer* tokenizer = lane.engine.model ? lane.engine.model->tokenizer.get() : nullptr;
    if (tokenizer && tokenizer->endsText(token)) {
      stopLane(index, Severity::Note, lane.engine.title + " has ended its text.");
      continue;
    }
    try {
      runLane(index, std::span(&token, 1), Next::Choose);
    } catch (const std::exception& error) {
      laneFailed(index, error);
    }
  }
  if (!full.empty()) {
    flush();
    emit message({Severity::Note, contextFullSentence(full)});
  }
  pauseIfFinished();
}

void DecodeSession::stopLane(int laneIndex, Severity severity, const std::string& sentence) {
  m_lanes[static_cast<std::size_t>(laneIndex)].stopped = true;
  flush();
  emit message({severity, sentence});
}

void DecodeSession::laneFailed(int laneIndex, const std::exception& error) {
  if (const auto* lost = dynamic_cast<const model::DeviceLost*>(&error)) {
    deviceLost(*lost, m_laneRequests);
    return;
  }
  stopLane(laneIndex, Severity::Problem,
           m_lanes[static_cast<std::size_t>(laneIndex)].engine.title + ": " + error.what());
}

void DecodeSession::deviceLost(const model::DeviceLost& error, const std::vector<LaneRequest>& lanes) {
  m_reopen = lanes;
  for (Lane& lane : m_lanes) lane.stopped = true;
  flush();
  emit message({Severity::Problem, std::string(error.what()) +
                                       " The text so far stays; press play to open the device again and "
                                       "decode from the prompt."});
  pauseIfFinished();
}

void DecodeSession::pauseIfFinished() {
  if (filling()) return;
  const auto stopped = [](const Lane& lane) { return lane.stopped; };
  const bool lockstep = m_state.feed == TokenFeed::Lockstep;
  m_state.finished = m_lanes.empty() || std::all_of(m_lanes.begin(), m_lanes.end(), stopped) ||
                     (lockstep && m_lanes[leader()].stopped);
  if (!m_state.finished) return;
  m_state.playing = false;
  flush();
  publishState();
}

void DecodeSession::tick() {
  if (QThread::currentThread()->isInterruptionRequested()) return;
  if (filling()) {
    prefillBlock();
    takeSingleSteps();
    if (m_sinceFlush.elapsed() >= kUnlimitedFlushMs || !filling()) {
      flush();
      publishState();
    }
    m_nextStepMs = static_cast<double>(m_clock.nsecsElapsed()) * 1e-6;
    schedule();
    return;
  }
  if (!m_state.playing || m_state.finished) return;
  step();
  const double now = static_cast<double>(m_clock.nsecsElapsed()) * 1e-6;
  if (!m_state.pace.unlimited()) {
    // A late step does not make the following ones hurry by more than one interval.
    const double interval = 1000.0 / m_state.pace.tokensPerSecond;
    m_nextStepMs = std::max(m_nextStepMs + interval, now - interval);
  }
  if (m_sinceFlush.elapsed() >= (m_state.pace.unlimited() ? kUnlimitedFlushMs : kPacedFlushMs)) flush();
  schedule();
}

void DecodeSession::schedule() {
  if (filling()) {
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
  const double now = static_cast<double>(m_clock.nsecsElapsed()) * 1e-6;
  m_timer.start(std::max(0, static_cast<int>(std::lround(m_nextStepMs - now))));
}

void DecodeSession::flush() {
  m_sinceFlush.restart();
  if (m_batch.steps.empty()) return;
  StepBatch batch{.run = m_run, .steps = {}};
  std::swap(batch.steps, m_batch.steps);
  emit stepsReady(batch);
}

void DecodeSession::publishState() {
  m_state.filling = {};
  for (const Lane& lane : m_lanes) {
    if (lane.stopped) continue;
    m_state.filling.done += static_cast<int>(lane.prefilled);
    m_state.filling.total += static_cast<int>(lane.prompt.size());
  }
  emit stateChanged(m_state);
}

}  // namespace headroom::session
