#include <QElapsedTimer>
#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "app/session/decode_session.h"
#include "core/text/phrases.h"

/// How a session looks at the heads of its lanes' models, and into these; decoding waits meanwhile.
namespace headroom::session {

namespace {
constexpr qint64 kProgressIntervalMs = 100;
}  // namespace

void DecodeSession::serveStudies(Requests& requests) {
  if (!requests.heads && !requests.losses && !requests.inside) return;
  if (m_reopen) {
    emit message({Severity::Note, text::inWords<model::SentenceId::StudyNeedsDevice>()});
    return;
  }
  if (requests.heads) studyHeads(*requests.heads);
  if (requests.losses) studyLosses(std::move(*requests.losses));
  if (requests.inside) studyInside(*requests.inside);
}

StudyEvents DecodeSession::studyEvents() {
  const auto since = std::make_shared<QElapsedTimer>();
  return {.progress =
              [this, since](const Studying& how) {
                if (since->isValid() && since->elapsed() < kProgressIntervalMs) return;
                since->start();
                m_state.studying = how;
                publishState();
              },
          .stop = [this] { return m_requests.measuringCancelled(); }};
}

void DecodeSession::studyHeads(const HeadStudy& study) {
  const StudyEvents events = studyEvents();
  bool isStopped = m_lanes.laneCount() == 0;
  if (isStopped) emit message({Severity::Note, text::inWords<model::SentenceId::NoLaneToStudy>()});
  std::vector<std::pair<std::string, std::vector<int>>> done;
  for (int index = 0; index < m_lanes.laneCount() && !isStopped && !m_reopen; ++index) {
    guarded([&] {
      const lanes::LaneSet::Lane& lane = m_lanes.lane(index);
      const std::vector<int> read(lane.text.begin(), lane.text.begin() + lane.fed());
      // Two lanes of one model, such as one with all heads and one without some, have the same heads.
      const std::pair model{m_laneRequests[static_cast<std::size_t>(index)].source,
                            study.text.ofLanes() ? read : std::vector<int>{}};
      if (std::ranges::count(done, model) > 0) return;
      done.push_back(model);
      const HeadReport report = session::studyHeads(
          *m_opener, m_laneRequests[static_cast<std::size_t>(index)], lane.engine, read, study, events);
      isStopped = !report.survey.isWhole;
      if (report.survey.positions > 0) emit headsStudied(report);
    });
  }
  if (isStopped && m_lanes.laneCount() > 0)
    emit message({Severity::Passing, text::inWords<model::SentenceId::StudyStopped>()});
  m_state.studying = {};
  publishState();
}

void DecodeSession::studyLosses(LossStudy study) {
  const LaneRequest lane = study.report.lane;
  guarded([&] {
    const evaluation::AblationSurvey losses = session::studyLosses(
        *m_opener, std::move(study),
        [&](const evaluation::AblationSurvey& known) {
          emit lossesStudied({lane, known});
        },
        studyEvents());
    if (losses.isWhole) return;
    emit message({Severity::Passing, text::inWords<model::SentenceId::StudyStopped>()});
  });
  m_state.studying = {};
  publishState();
}

void DecodeSession::studyInside(const InsideStudy& study) {
  guarded([&] {
    const auto tell = [this](const auto& report) {
      if (!isEmpty(report)) emit insideStudied(report);
      if (!report.isWhole)
        emit message({Severity::Passing, text::inWords<model::SentenceId::StudyStopped>()});
    };
    std::visit([&](const auto& asked) { tell(session::studyInside(*m_opener, asked, studyEvents())); },
               study);
  });
  m_state.studying = {};
  publishState();
}

}  // namespace headroom::session
