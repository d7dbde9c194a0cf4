#pragma once

#include <QObject>
#include <QThread>
#include <memory>
#include <string>
#include <vector>

#include "app/session/decode_session.h"
#include "app/session/trace_store.h"
#include "core/lanes/experiment.h"

namespace headroom::session {

/// The GUI's end of a DecodeSession: owns its thread, takes commands, repeats its signals on the GUI thread.
class SessionHost : public QObject {
  Q_OBJECT

 public:
  explicit SessionHost(std::unique_ptr<lanes::LaneOpener> opener, QObject* parent = nullptr);
  /// Waits for the step under way, then ends the thread.
  ~SessionHost() override;

  /// Puts all that the session tells of its lanes into `store`, which outlives this.
  void fill(TraceStore& store);

  /// What the session last said of itself.
  const SessionState& state() const { return m_state; }

  void setLanes(const std::vector<LaneRequest>& lanes);
  /// The lanes that were asked for last; those that run, once it is settled which of them can be opened.
  const std::vector<LaneRequest>& lanes() const { return m_lanes; }
  /// The model that is being opened, or waits to be: lanes were asked for and do not stand yet.
  Opening opening() const;
  /// Ends the opening of models under way; the lanes stay as they are.
  void cancelOpening() { m_requests.cancelOpening(); }
  void setPrompt(const std::string& prompt);
  void setPrompt(const std::string& prompt, PromptForm form);
  void setSampling(const model::SamplingOptions& sampling);
  void setFeed(TokenFeed feed);
  /// Takes effect at once. A chat's answer ends where it ends in any case.
  void setWhenTextEnds(WhenTextEnds when);
  void setPace(Pace pace);
  void play();
  void pause();
  /// Plays what stands, pauses what runs.
  void playOrPause();
  void stepOne();
  void restart();
  /// From the next start on every lane begins with `positions` positions: the prompt's text again and again.
  /// 0: the prompt once. Starts anew when it changes.
  /// Both at once, so that no lane catches up with a text that is not wanted any more.
  void setLanesFilled(const std::vector<LaneRequest>& lanes, int positions);
  /// All of an experiment at once; every lane begins anew.
  void setUp(const lanes::Experiment& experiment);
  /// Goes on from what is filled so far.
  void stopFilling();
  /// The rows come back into the store.
  void requestRows(const headroom::session::RowRequest& rows);
  /// Measures anew what the device reaches; decoding pauses for a few seconds.
  void measureCeilings();
  /// Sweeps over contexts and batches, with all lanes and both kernels; decoding pauses for some seconds.
  void measureSpeed();
  /// Looks at the heads of all lanes' models; decoding pauses meanwhile.
  void studyHeads(const HeadStudy& study);
  /// Reads a report's text without heads of its model, likewise.
  void studyLosses(const LossStudy& study);
  /// Looks inside the model of one lane, likewise.
  void studyInside(const InsideStudy& study);
  /// Ends any of these; what was measured by then counts.
  void cancelMeasuring() { m_requests.cancelMeasuring(); }
  /// What SessionState::studying is of: a study, or lanes about to be opened whose heads' means are measured.
  void cancelStudying() {
    m_requests.cancelMeasuring();
    m_requests.cancelOpening();
  }

 signals:
  /// What lanes() says now is what runs.
  void lanesSettled();
  void lanesChanged(std::uint64_t run, const std::vector<headroom::session::LaneInfo>& lanes,
                    const std::vector<headroom::session::LaneOrigin>& origins);
  void restarted(std::uint64_t run);
  /// `count` steps of lanes are in the store.
  void stepsArrived(int count);
  void stateChanged(const headroom::session::SessionState& state);
  void message(const headroom::session::Message& message);
  void ceilingsChanged(const headroom::model::DeviceCeilings& ceilings);
  /// What a sweep measured so far, or in all.
  void speedMeasured(const headroom::analysis::SpeedMap& map);
  void headsStudied(const headroom::session::HeadReport& report);
  void lossesStudied(const headroom::session::LossReport& report);
  void insideStudied(const headroom::session::InsideReport& report);

 private:
  template <typename Change>
  void request(Change change);
  /// Other lanes, and what `change` asks besides, at once.
  template <typename Change>
  void requestLanes(const std::vector<LaneRequest>& lanes, Change change);

  void takeSteps();
  void takeRows();

  RequestBox m_requests;
  Results m_results;
  TraceStore* m_store = nullptr;
  QThread m_thread;
  std::unique_ptr<DecodeSession> m_session;
  SessionState m_state;
  std::vector<LaneRequest> m_lanes;
  std::uint64_t m_lanesSerial = 0;
  std::uint64_t m_settledSerial = 0;
};

}  // namespace headroom::session
