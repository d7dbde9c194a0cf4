#include "app/session/session_host.h"

namespace headroom::session {

SessionHost::SessionHost(std::unique_ptr<lanes::LaneOpener> opener, QObject* parent)
    : QObject(parent), m_session(std::make_unique<DecodeSession>(std::move(opener), m_requests, m_results)) {
  qRegisterMetaType<std::vector<LaneInfo>>();
  qRegisterMetaType<std::vector<LaneRequest>>();
  qRegisterMetaType<std::vector<LaneOrigin>>();
  qRegisterMetaType<SessionState>();
  qRegisterMetaType<Message>();
  qRegisterMetaType<model::DeviceCeilings>();
  qRegisterMetaType<analysis::SpeedMap>();
  qRegisterMetaType<HeadReport>();
  qRegisterMetaType<LossReport>();
  qRegisterMetaType<InsideReport>();
  m_session->moveToThread(&m_thread);
  connect(m_session.get(), &DecodeSession::lanesChanged, this, &SessionHost::lanesChanged);
  connect(m_session.get(), &DecodeSession::restarted, this, &SessionHost::restarted);
  connect(m_session.get(), &DecodeSession::stepsReady, this, &SessionHost::takeSteps);
  connect(m_session.get(), &DecodeSession::message, this, &SessionHost::message);
  connect(m_session.get(), &DecodeSession::rowsReady, this, &SessionHost::takeRows);
  connect(m_session.get(), &DecodeSession::ceilingsChanged, this, &SessionHost::ceilingsChanged);
  connect(m_session.get(), &DecodeSession::speedMeasured, this, &SessionHost::speedMeasured);
  connect(m_session.get(), &DecodeSession::headsStudied, this, &SessionHost::headsStudied);
  connect(m_session.get(), &DecodeSession::lossesStudied, this, &SessionHost::lossesStudied);
  connect(m_session.get(), &DecodeSession::insideStudied, this, &SessionHost::insideStudied);
  connect(m_session.get(), &DecodeSession::stateChanged, this, [this](const SessionState& state) {
    m_state = state;
    // What was asked for since stands, also while the worker is busy.
    m_requests.edit([this](const Requests& waiting) { m_state.fill = waiting.fill.value_or(m_state.fill); });
    emit stateChanged(m_state);
  });
  connect(m_session.get(), &DecodeSession::lanesSettled, this,
          [this](std::uint64_t serial, const std::vector<LaneRequest>& lanes) {
            if (serial != m_lanesSerial) return;  // others were asked for since
            m_lanes = lanes;
            m_settledSerial = serial;
            emit lanesSettled();
          });
  // Decoders are destroyed on the thread that used them.
  connect(
      &m_thread, &QThread::finished, m_session.get(), [this] { m_session.reset(); }, Qt::DirectConnection);
  m_thread.setObjectName("decoding");
  m_thread.start();
}

SessionHost::~SessionHost() {
  m_thread.requestInterruption();
  m_requests.cancelMeasuring();
  m_thread.quit();
  m_thread.wait();
}

void SessionHost::fill(TraceStore& store) {
  m_store = &store;
  connect(this, &SessionHost::lanesChanged, &store, &TraceStore::setLanes);
  connect(this, &SessionHost::restarted, &store, &TraceStore::restart);
  connect(this, &SessionHost::ceilingsChanged, &store, &TraceStore::setCeilings);
  connect(this, &SessionHost::speedMeasured, &store, &TraceStore::setSpeedMap);
  connect(this, &SessionHost::stateChanged, &store, [&store](const SessionState& state) {
    store.setFeed(state.feed);
    store.setMeasuring(state.measuring.underWay);
  });
}

Opening SessionHost::opening() const {
  if (m_state.opening.underWay()) return m_state.opening;
  // The session says which one it is once it has begun.
  const bool waits = m_settledSerial != m_lanesSerial && !m_lanes.empty();
  return waits ? Opening{laneTitle(m_lanes.front().source), 0.0} : Opening{};
}

void SessionHost::takeSteps() {
  StepBatch batch = m_results.steps.take();
  const int count = static_cast<int>(batch.steps.size());
  if (m_store) m_store->append(std::move(batch));
  emit stepsArrived(count);
}

void SessionHost::takeRows() {
  ReplayedRows rows = m_results.rows.take();
  if (m_store) m_store->addReplayed(std::move(rows));
}

template <typename Change>
void SessionHost::request(Change change) {
  m_requests.edit(change);
  QMetaObject::invokeMethod(m_session.get(), &DecodeSession::wake, Qt::QueuedConnection);
}

template <typename Change>
void SessionHost::requestLanes(const std::vector<LaneRequest>& lanes, Change change) {
  m_lanes = lanes;
  ++m_lanesSerial;
  request([&](Requests& waiting) {
    waiting.lanes = lanes;
    waiting.lanesSerial = m_lanesSerial;
    change(waiting);
  });
}

void SessionHost::setLanes(const std::vector<LaneRequest>& lanes) {
  requestLanes(lanes, [](Requests&) {});
}
void SessionHost::setLanesFilled(const std::vector<LaneRequest>& lanes, int positions) {
  requestLanes(lanes, [&](Requests& waiting) { waiting.fill = positions; });
}
void SessionHost::setUp(const lanes::Experiment& experiment) {
  requestLanes(experiment.lanes, [&](Requests& waiting) {
    waiting.prompt = experiment.prompt;
    waiting.promptForm = experiment.promptForm;
    waiting.sampling = experiment.sampling;
    waiting.pace = Pace{experiment.tokensPerSecond};
    waiting.feed = experiment.feed;
    waiting.fill = experiment.fill;
    waiting.whenTextEnds = experiment.whenTextEnds;
    waiting.restart = true;
  });
}
void SessionHost::setPrompt(const std::string& prompt) {
  request([&](Requests& waiting) { waiting.prompt = prompt; });
}
void SessionHost::setSampling(const model::SamplingOptions& sampling) {
  request([&](Requests& waiting) { waiting.sampling = sampling; });
}
void SessionHost::setPrompt(const std::string& prompt, PromptForm form) {
  request([&](Requests& waiting) {
    waiting.prompt = prompt;
    waiting.promptForm = form;
  });
}
void SessionHost::setFeed(TokenFeed feed) {
  request([&](Requests& waiting) { waiting.feed = feed; });
}
void SessionHost::setWhenTextEnds(WhenTextEnds when) {
  request([&](Requests& waiting) { waiting.whenTextEnds = when; });
}
void SessionHost::setPace(Pace pace) {
  request([&](Requests& waiting) { waiting.pace = pace; });
}
void SessionHost::play() {
  request([](Requests& waiting) { waiting.setPlaying(true); });
}
void SessionHost::pause() {
  request([](Requests& waiting) { waiting.setPlaying(false); });
}
void SessionHost::playOrPause() {
  request([](Requests& waiting) {
    if (waiting.playing) {
      waiting.playing = !*waiting.playing;
    } else {
      waiting.otherwise = !waiting.otherwise;
    }
  });
}
void SessionHost::stepOne() {
  request([](Requests& waiting) { ++waiting.singleSteps; });
}
void SessionHost::restart() {
  request([](Requests& waiting) { waiting.restart = true; });
}
void SessionHost::stopFilling() {
  request([](Requests& waiting) { waiting.stopFilling = true; });
}
void SessionHost::requestRows(const RowRequest& rows) {
  request([&](Requests& waiting) {
    std::erase_if(waiting.rows, [&](const RowRequest& other) { return other.slot == rows.slot; });
    waiting.rows.push_back(rows);
  });
}
void SessionHost::measureCeilings() {
  request([](Requests& waiting) { waiting.measureCeilings = true; });
}
void SessionHost::studyHeads(const HeadStudy& study) {
  if (m_state.studying.underWay) return;
  m_requests.allowMeasuring();
  request([&](Requests& waiting) { waiting.heads = study; });
}
void SessionHost::studyLosses(const LossStudy& study) {
  if (m_state.studying.underWay) return;
  m_requests.allowMeasuring();
  request([&](Requests& waiting) { waiting.losses = study; });
}
void SessionHost::studyInside(const InsideStudy& study) {
  if (m_state.studying.underWay) return;
  m_requests.allowMeasuring();
  request([&](Requests& waiting) { waiting.inside = study; });
}
void SessionHost::measureSpeed() {
  if (m_state.measuring.underWay) return;
  m_requests.allowMeasuring();
  request([](Requests& waiting) { waiting.measureSpeed = true; });
}

}  // namespace headroom::session
