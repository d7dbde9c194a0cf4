#pragma once

#include <QElapsedTimer>
#include <QObject>
#include <QTimer>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <vector>

#include "app/session/decoder_factory.h"
#include "app/session/lane.h"
#include "app/session/request_box.h"
#include "core/model/error.h"

namespace headroom::session {

/// Decodes the lanes on the thread it lives in. The GUI puts requests into the box and calls wake();
/// everything comes back as signals with plain values.
class DecodeSession : public QObject {
  Q_OBJECT

 public:
  DecodeSession(std::unique_ptr<LaneFactory> factory, RequestBox& requests);

 public slots:
  /// Serves the waiting requests.
  void wake();

 signals:
  /// New lanes run from now on; text and maps start anew.
  void lanesChanged(std::uint64_t run, const std::vector<headroom::session::LaneInfo>& lanes);
  /// The lanes asked for with `serial` are opened, or could not be: these are in use, or will be once the
  /// device is back.
  void lanesSettled(std::uint64_t serial, const std::vector<headroom::session::LaneRequest>& lanes);
  /// The same lanes start anew from the prompt.
  void restarted(std::uint64_t run);
  void stepsReady(const headroom::session::StepBatch& batch);
  void stateChanged(const headroom::session::SessionState& state);
  void message(const headroom::session::Message& message);
  void rowsReady(const headroom::session::ReplayedRows& rows);
  /// Known once the first lanes run; again after every measurement.
  void ceilingsChanged(const headroom::model::DeviceCeilings& ceilings);

 private:
  struct Lane {
    LaneEngine engine;
    model::Sampler sampler;
    int choice = -1;
    bool stopped = false;
    std::vector<int> prompt;    // what a start feeds
    std::size_t prefilled = 0;  // of it
    bool filling() const { return !stopped && prefilled < prompt.size(); }
  };

  void serve(Requests requests);
  /// Lanes that stay keep their engine. Where lanes only come on top, those that cannot be opened are named
  /// and left out; else the old ones stay unless all new ones open. False when nothing changed.
  bool replaceLanes(std::vector<LaneRequest> wanted);
  /// Opens a lane, saying how far it is; throws model::Cancelled when the user or the program's end wants it.
  LaneEngine open(const LaneRequest& request);
  void start();
  /// The next block of the prompt, in the lane that is furthest behind.
  void prefillBlock();
  /// Ends filling after one more token each, which tells what comes next.
  void cutPrompts();
  bool filling() const;
  /// Single steps asked for, once the prompt is in.
  void takeSingleSteps();
  void replay(const RowRequest& request);
  void tick();
  /// One token for every lane that can take one.
  void step();
  /// `choose` in the last block of a prompt and in every decode step.
  enum class Next { Choose, MoreFollows };
  void runLane(int laneIndex, std::span<const int> tokens, Next next);
  void stopLane(int laneIndex, Severity severity, const std::string& sentence);
  /// Stops the lane, or all of them when their device is gone.
  void laneFailed(int laneIndex, const std::exception& error);
  void deviceLost(const model::DeviceLost& error, const std::vector<LaneRequest>& lanes);
  void pauseIfFinished();
  void schedule();
  void flush();
  void publishState();
  /// Takes kept ceilings at once; without any, measures them a little later, when there is text to look at.
  void findCeilings();
  void measureCeilings();
  bool lockstepPossible() const;
  /// Whose choice all lanes are fed in lockstep: a trace, which can only go on as it was recorded, or the
  /// first.
  std::size_t leader() const;
  void checkLockstep();

  std::unique_ptr<LaneFactory> m_factory;
  RequestBox& m_requests;
  std::vector<Lane> m_lanes;
  std::vector<LaneRequest> m_laneRequests;
  /// After the device was lost: what is opened on a new one when the user goes on. Until then the text stays.
  std::optional<std::vector<LaneRequest>> m_reopen;
  std::string m_prompt;
  model::SamplingOptions m_sampling;
  SessionState m_state;
  int m_singleSteps = 0;
  std::uint64_t m_run = 0;
  StepBatch m_batch;
  QElapsedTimer m_sinceFlush;
  QElapsedTimer m_clock;
  double m_nextStepMs = 0.0;
  QTimer m_timer;
  QTimer m_ceilingsTimer;
  bool m_ceilingsSought = false;
};

}  // namespace headroom::session
