#include "app/session/workspace.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "app/session/lane_change.h"
#include "app/session/lane_description.h"
#include "app/session/trace_export.h"
#include "app/session/trained_context.h"
#include "core/model/common_fill.h"
#include "core/model/error.h"
#include "core/text/phrases.h"

namespace headroom::session {

using model::SentenceId;
using text::inWords;

namespace {
bool isFile(const std::string& source) {
  std::error_code error;
  return !lanes::isBundled(source) && std::filesystem::exists(source, error);
}

/// A file by the same name however it was asked for, so that two lanes of it are known to be of one model.
std::string sourceOf(const std::string& asked) {
  std::error_code error;
  if (!isFile(asked)) return asked;
  std::filesystem::path whole = std::filesystem::absolute(asked, error).lexically_normal();
  // A folder, with what the shell's completion adds.
  if (!whole.has_filename()) whole = whole.parent_path();
  return error ? asked : whole.string();
}
}  // namespace

std::string lanesFullSentence() {
  return inWords<SentenceId::LanesFull>(std::to_string(kMaximumLanes));
}

Workspace::Workspace(SessionHost& session, TraceStore& store, Selection& selection, Settings& settings,
                     QObject* parent)
    : QObject(parent), m_session(session), m_store(store), m_selection(selection), m_settings(settings) {
  connect(&m_session, &SessionHost::message, this, &Workspace::message);
  connect(&m_store, &TraceStore::lanesChanged, this, &Workspace::lanesRunning);
  // A text that begins anew has no old step to look back at.
  connect(&m_session, &SessionHost::restarted, this, [this] { m_selection.setPosition(std::nullopt); });
}

void Workspace::start(const std::vector<std::string>& files) {
  m_selection.setColorMap(m_settings.colorMap());
  m_selection.setMapScale(m_settings.mapScale());
  lanes::Experiment experiment = m_settings.experiment();
  std::vector<std::string> models;
  bool isOpened = false;
  for (const std::string& file : files) {
    if (!lanes::isExperiment(file)) {
      models.push_back(file);
    } else if (const auto read = readOrSay(file)) {
      experiment = *read;
      isOpened = true;
    }
  }
  if (!models.empty() && !isOpened) experiment.lanes.clear();
  std::vector<std::string> left;
  for (const std::string& model : models) {
    if (std::ssize(experiment.lanes) < kMaximumLanes) {
      experiment.lanes.push_back(laneBeside(experiment.lanes, sourceOf(model)));
    } else {
      left.push_back(model);
    }
  }
  decode(experiment);
  m_session.play();
  noteLeftOut(left);
}

std::optional<lanes::Experiment> Workspace::readOrSay(const std::string& path) {
  try {
    lanes::Experiment experiment = lanes::readExperiment(path);
    keepRecent(path);
    return experiment;
  } catch (const model::Error& error) {
    emit message({Severity::Problem, error.what()});
    return std::nullopt;
  }
}

void Workspace::keepRecent(const std::string& path) {
  if (isFile(path)) m_settings.addRecentFile(sourceOf(path));
}

void Workspace::decode(const lanes::Experiment& experiment) {
  m_settings.setChoices(experiment);
  m_textPrompt.clear();
  emit promptChanged(experiment.prompt, experiment.promptForm);
  emit choicesChanged();
  m_session.setUp(experiment);
}

lanes::Experiment Workspace::experiment() const {
  lanes::Experiment experiment = m_settings.experiment();
  experiment.lanes = m_lanes;
  experiment.fill = m_session.state().fill;
  return experiment;
}

void Workspace::openExperiment(const std::string& path) {
  const auto experiment = readOrSay(path);
  if (!experiment) return;
  leave(inWords<SentenceId::BackToExperiment>(), Leaving::Everything);
  emit wentOn();
  decode(*experiment);
  m_session.play();
  emit wayBackChanged();
}

void Workspace::usePreset(Preset preset) {
  if (!lanesAreSettled()) return;
  const lanes::Experiment now = experiment();
  const lanes::Experiment wanted = withPreset(preset, now, infos());
  if (wanted.lanes.empty()) {
    emit message({Severity::Note, inWords<SentenceId::NoLaneForPreset>()});
    return;
  }
  // Nothing is thrown away for what there is already.
  if (wanted == now) return;
  leave(inWords<SentenceId::BackToSettings>(), Leaving::Everything);
  emit wentOn();
  decode(wanted);
  m_session.play();
  emit wayBackChanged();
}

void Workspace::saveExperiment(const std::string& path) {
  if (!lanesAreSettled()) return;
  if (m_lanes.empty()) {
    emit message({Severity::Note, inWords<SentenceId::NoLaneToSave>()});
    return;
  }
  try {
    lanes::writeExperiment(experiment(), path);
    keepRecent(path);
    emit message({Severity::Passing, inWords<SentenceId::ExperimentSaved>(path)});
  } catch (const model::Error& error) {
    emit message({Severity::Problem, error.what()});
  }
}

std::vector<LaneInfo> Workspace::infos() const {
  std::vector<LaneInfo> infos;
  for (int lane = 0; lane < m_store.laneCount(); ++lane) infos.push_back(m_store.lane(lane).info());
  return infos;
}

const model::ModelConfig& Workspace::configOf(std::size_t lane) const {
  return m_store.lane(static_cast<int>(lane)).info().config;
}

bool Workspace::isTrace(std::size_t lane) const {
  return m_store.lane(static_cast<int>(lane)).info().card.isTrace;
}

void Workspace::lanesRunning() {
  // What runs is the truth: a lane that could not be opened is not in it.
  const std::vector<LaneRequest> before = std::exchange(m_lanes, {});
  for (int lane = 0; lane < m_store.laneCount(); ++lane) {
    m_lanes.push_back(m_store.lane(lane).info().request);
    const std::string& source = m_lanes.back().source;
    if (std::ranges::count(before, source, &LaneRequest::source) == 0) keepRecent(source);
  }
  m_selection.clampTo(m_store);
  m_settings.setLanes(m_lanes);
  emit lanesStand();
  noteUntrained();
  noteContradictions();
}

bool Workspace::lanesAreSettled() {
  if (m_session.lanes() == m_lanes) return true;
  emit message({Severity::Passing, inWords<SentenceId::LanesUnderWay>()});
  return false;
}

void Workspace::addLane(const std::string& source) {
  // Lanes may be on their way: what was asked for last is what this one comes on top of.
  std::vector<LaneRequest> lanes = m_session.lanes();
  if (std::ssize(lanes) >= kMaximumLanes) {
    emit message({Severity::Note, lanesFullSentence()});
    return;
  }
  lanes.push_back(laneBeside(lanes, sourceOf(source)));
  m_isArranged = true;
  m_session.setLanes(lanes);
}

void Workspace::openFiles(const std::vector<std::string>& paths) {
  std::vector<std::string> left;
  for (const std::string& path : paths) {
    if (lanes::isExperiment(path)) openExperiment(path);
  }
  for (const std::string& path : paths) {
    if (lanes::isExperiment(path)) continue;
    if (std::ssize(m_session.lanes()) >= kMaximumLanes) {
      left.push_back(path);
      continue;
    }
    addLane(path);
  }
  noteLeftOut(left);
}

void Workspace::noteLeftOut(const std::vector<std::string>& files) {
  if (files.empty()) return;
  std::vector<std::string> names;
  for (const std::string& file : files) names.push_back(std::filesystem::path(file).filename().string());
  emit message(
      {Severity::Note, inWords<SentenceId::LanesFullNotOpened>(std::to_string(kMaximumLanes),
                                                               fmt::format("{}", fmt::join(names, ", ")))});
}

void Workspace::closeLane(int lane) {
  if (lane >= 0 && lane < std::ssize(m_lanes)) closeColor(m_lanes[static_cast<std::size_t>(lane)].colorIndex);
}

void Workspace::closeLastLane() {
  if (!m_session.lanes().empty()) closeColor(m_session.lanes().back().colorIndex);
}

void Workspace::closeColor(int colorIndex) {
  std::vector<LaneRequest> lanes = m_session.lanes();
  const auto closed = std::ranges::find(lanes, colorIndex, &LaneRequest::colorIndex);
  if (closed == lanes.end()) return;  // it is being closed
  m_closed.push_back({*closed, static_cast<std::size_t>(closed - lanes.begin())});
  lanes.erase(closed);
  m_isArranged = true;
  m_session.setLanes(lanes);
  std::string title = laneTitle(m_closed.back().request.source);
  for (int lane = 0; lane < m_store.laneCount(); ++lane) {
    const LaneInfo& info = m_store.lane(lane).info();
    if (info.request == m_closed.back().request) title = info.title;
  }
  emit laneClosed(QString::fromStdString(inWords<SentenceId::LaneClosed>(title)));
}

void Workspace::undoClose() {
  if (m_closed.empty()) return;
  std::vector<LaneRequest> lanes = m_session.lanes();
  if (std::ssize(lanes) >= kMaximumLanes) {
    emit message({Severity::Note, inWords<SentenceId::NoRoomForClosed>(std::to_string(kMaximumLanes))});
    return;
  }
  ClosedLane closed = m_closed.back();
  m_closed.pop_back();
  emit wentOn();
  if (std::ranges::count(lanes, closed.request.colorIndex, &LaneRequest::colorIndex) > 0) {
    closed.request.colorIndex = lanes::freeColor(lanes);
  }
  lanes.insert(lanes.begin() + static_cast<std::ptrdiff_t>(std::min(closed.index, lanes.size())),
               closed.request);
  m_isArranged = true;
  m_session.setLanes(lanes);
}

void Workspace::chooseOptions(const std::vector<LaneRequest>& chosen) {
  m_isArranged = true;
  // Lanes may have come or gone since the choice was shown.
  std::vector<LaneRequest> lanes = m_session.lanes();
  for (LaneRequest& lane : lanes) {
    const auto found = std::ranges::find(chosen, lane.colorIndex, &LaneRequest::colorIndex);
    if (found != chosen.end() && found->source == lane.source) lane.options = found->options;
  }
  emit wentOn();
  // A shorter context holds less of what was to be filled: what is shown is what will be.
  const int fill = m_session.state().fill;
  const int most = lanes.size() == m_lanes.size() && m_session.lanes() == m_lanes ? fillOf(lanes) : fill;
  if (most < fill) {
    m_session.setLanesFilled(lanes, most);
  } else {
    m_session.setLanes(lanes);
  }
}

int Workspace::fillOf(const std::vector<LaneRequest>& lanes) const {
  std::vector<int> contexts;
  for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
    if (!isTrace(lane))
      contexts.push_back(model::chosenContext(configOf(lane), lanes[lane].options.contextLength));
  }
  return model::commonFill(contexts, model::mostFilled);
}

void Workspace::saveTrace(int lane, const std::string& path) {
  if (lane >= 0 && lane < m_store.laneCount()) emit message(saveLaneTrace(m_store.lane(lane), path));
}

void Workspace::setFill(int positions) {
  if (!lanesAreSettled()) return;
  m_isArranged = true;
  std::vector<LaneRequest> lanes = m_lanes;
  for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
    if (isTrace(lane)) continue;
    int& context = lanes[lane].options.contextLength;
    context = model::contextToFill(configOf(lane), positions, context);
  }
  goOn();
  m_session.setLanesFilled(lanes, positions);
  m_session.play();
}

void Workspace::leave(const std::string& wayBack, Leaving leaving) {
  // The place to come back to is the last that somebody arranged; what is left later only adds to it.
  if (!m_return || m_isArranged) {
    m_return = Place{experiment(), leaving};
    m_isArranged = false;
  } else if (leaving == Leaving::Everything && m_return->left == Leaving::LanesAndFill) {
    lanes::Experiment now = experiment();
    now.lanes = m_return->experiment.lanes;
    now.fill = m_return->experiment.fill;
    m_return = Place{now, leaving};
  }
  m_selection.setPosition(std::nullopt);
  m_wayBack = wayBack;
}

int Workspace::goTo(const analysis::OperatingPoint& point) {
  if (!lanesAreSettled()) return 0;
  leave(inWords<SentenceId::BackToPlace>());
  std::vector<LaneRequest> lanes = m_lanes;
  const int positions = std::min(point.positions, mostFillOf(infos()));
  for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
    if (isTrace(lane)) continue;
    lanes[lane].options.batch = point.batch;
    lanes[lane].options.contextLength = model::contextToFill(configOf(lane), positions);
  }
  emit wentOn();
  m_session.setLanesFilled(lanes, positions);
  m_session.play();
  emit wayBackChanged();
  return positions;
}

void Workspace::goBack() {
  if (!m_return) return;
  const Place place = *m_return;
  m_isArranged = false;
  m_return.reset();
  m_wayBack.clear();
  goOn();
  if (place.left == Leaving::Everything) {
    decode(place.experiment);
  } else {
    m_session.setLanesFilled(place.experiment.lanes, place.experiment.fill);
  }
  emit wayBackChanged();
}

void Workspace::compareKernels(int lane) {
  const int known = static_cast<int>(m_lanes.size());
  if (known == 0 || lane >= known || !lanesAreSettled()) return;
  const auto isOnDevice = [&](int index) { return m_store.lane(index).info().isOnDevice; };
  const auto groupSize = [&](int index) { return m_store.lane(index).info().config.attention.groupSize(); };
  if (lane < 0) {
    // With as many KV heads as query heads both kernels load each key once: there is nothing to see.
    for (int other = 0; other < known; ++other) {
      if (isOnDevice(other) && (lane < 0 || groupSize(other) > groupSize(lane))) lane = other;
    }
  }
  if (lane < 0 || !isOnDevice(lane)) {
    emit message({Severity::Note, inWords<SentenceId::NoKernelsToCompare>()});
    return;
  }
  if (groupSize(lane) == 1) {
    emit message({Severity::Passing, inWords<SentenceId::KernelsAlike>(m_store.lane(lane).info().title)});
  }
  leave(inWords<SentenceId::BackToLanes>());
  LaneRequest shared = m_lanes[static_cast<std::size_t>(lane)];
  shared.options.attention = model::AttentionKernel::Shared;
  LaneRequest naive = shared;
  naive.options.attention = model::AttentionKernel::Naive;
  naive.colorIndex = (shared.colorIndex + 1) % kMaximumLanes;
  m_session.setLanes({shared, naive});
  emit wayBackChanged();
}

void Workspace::noteUntrained() {
  std::string titles;
  std::optional<int> from;  // the same of all of them
  for (int lane = 0; lane < m_store.laneCount(); ++lane) {
    const LaneInfo& info = m_store.lane(lane).info();
    const std::optional<int> untrained = untrainedFrom(info);
    if (!untrained || (from && from != untrained)) continue;
    if (!m_told.insert(fmt::format("{} {}", info.contextLength, info.request.source)).second) continue;
    from = untrained;
    titles = titles.empty() ? info.title : inWords<SentenceId::OfLanesToo>(titles, info.title);
  }
  if (from) emit message({Severity::Note, inWords<SentenceId::OfLane>(titles, untrainedSentence(*from))});
}

void Workspace::noteContradictions() {
  for (int lane = 0; lane < m_store.laneCount(); ++lane) {
    const LaneInfo& info = m_store.lane(lane).info();
    const std::size_t count = info.contradictions.size();
    if (count == 0 || !m_told.insert(info.request.source).second) continue;
    const std::string& first = info.contradictions.front();
    emit contradictionFound(QString::fromStdString(
        count > 1 ? inWords<SentenceId::ContradictsItselfOften>(info.title, std::to_string(count), first)
                  : inWords<SentenceId::ContradictsItself>(info.title, first)));
    return;
  }
}

void Workspace::goOn() {
  m_selection.setPosition(std::nullopt);
  emit wentOn();
}

void Workspace::togglePlaying() {
  if (!m_session.state().playing) goOn();
  m_session.playOrPause();
}

void Workspace::stepOne() {
  m_selection.setPosition(std::nullopt);
  m_session.stepOne();
}

void Workspace::restart() {
  goOn();
  m_session.restart();
}

void Workspace::setPace(Pace pace) {
  m_settings.setPace(pace);
  m_session.setPace(pace);
}

void Workspace::setSampling(const model::SamplingOptions& sampling) {
  m_settings.setSampling(sampling);
  m_session.setSampling(sampling);
}

void Workspace::setFeed(TokenFeed feed) {
  m_settings.setFeed(feed);
  m_session.setFeed(feed);
}

void Workspace::setWhenTextEnds(WhenTextEnds when) {
  m_settings.setWhenTextEnds(when);
  m_session.setWhenTextEnds(when);
}

}  // namespace headroom::session
