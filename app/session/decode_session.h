#pragma once

#include <QElapsedTimer>
#include <QObject>
#include <QTimer>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "app/session/lane.h"
#include "app/session/request_box.h"
#include "app/session/result_box.h"
#include "core/lanes/lane_opener.h"
#include "core/lanes/lane_set.h"
#include "core/model/error.h"

namespace headroom::session {

/// Decodes the lanes on the thread it lives in. The GUI puts requests into the box and calls wake();
/// everything comes back as signals with plain values.
class DecodeSession : public QObject {
  Q_OBJECT

 public:
  DecodeSession(std::unique_ptr<lanes::LaneOpener> opener, RequestBox& requests, Results& results);

 public slots:
  /// Serves the waiting requests.
  void wake();

 signals:
  /// Other lanes run from now on; `origins` says how each relates to those before.
  void lanesChanged(std::uint64_t run, const std::vector<headroom::session::LaneInfo>& lanes,
                    const std::vector<headroom::session::LaneOrigin>& origins);
  /// The lanes asked for with `serial` are opened, or could not be: these are in use, or will be once the
  /// device is back.
  void lanesSettled(std::uint64_t serial, const std::vector<headroom::session::LaneRequest>& lanes);
  /// The same lanes start anew from the prompt.
  void restarted(std::uint64_t run);
  /// One batch of steps lies in the results.
  void stepsReady();
  void stateChanged(const headroom::session::SessionState& state);
  void message(const headroom::session::Message& message);
  /// One answer to a request for rows lies in the results.
  void rowsReady();
  /// Known once the first lanes run; again after every measurement.
  void ceilingsChanged(const headroom::model::DeviceCeilings& ceilings);
  /// After each point of a sweep, and at its end.
  void speedMeasured(const headroom::analysis::SpeedMap& map);
  /// Of each lane that was asked about.
  void headsStudied(const headroom::session::HeadReport& report);
  /// After each head.
  void lossesStudied(const headroom::session::LossReport& report);
  /// Once it is known, or stopped after some of it was.
  void insideStudied(const headroom::session::InsideReport& report);

 private:
  /// Where the lanes that are wanted come from.
  struct Change;

  /// All of them captured, of long rows the maxima of what a cell covers; stages timed in every so many
  /// steps.
  lanes::LaneSet::Block blockAt(int lane, int position, int count) const;
  void serve(Requests requests);
  /// Opens what is wanted and not there yet. Lanes that cannot be opened are named and left out, those whose
  /// other options cannot be had stay as they are; where nothing would be left, everything stays. Where all
  /// begin anew afterwards, no lane catches up with a text.
  enum class Outcome { NothingNew, SomeGoOn, AllBegin };
  Outcome replaceLanes(const std::vector<lanes::LaneRequest>& wanted, bool beginsAnew);
  /// Opens a lane, saying how far it is; throws model::Cancelled when the user or the program's end wants it.
  lanes::LaneEngine open(const lanes::LaneRequest& request);
  /// Gives heads of a lane that are to give their mean that over what lane `from` has read.
  void measureMeans(lanes::LaneRequest& request, int from);
  /// Beside what is there, or was before it was let go.
  Change changeTo(const std::vector<lanes::LaneRequest>& wanted) const;
  /// Whether lanes that are there now would not go on as they are.
  bool endsLanes(const Change& change) const;
  /// Gives up all lanes; what they had read waits for those that are opened next.
  void letGo();
  /// Of what could not be opened: the lane that was there stays, or there is none.
  void keepAsItWas(Change& change, std::size_t index);
  /// Opens all that `change` needs; false when it is to be given up. Throws model::OutOfMemory while there
  /// are lanes that would go.
  bool openAll(Change& change);
  /// What was chosen for a text's end, or what the form of the prompt wants: an answer in a chat ends.
  void applyTextEnd();
  /// Whether playing on means trying again what failed: while other lanes still go on, or where all failed.
  /// After an end of another kind it begins anew.
  bool failuresWait(bool finished) const;
  /// Whether what was asked for would only wipe what is there: then it says why.
  bool refusesToStart();
  void start();
  std::vector<int> promptOf(int laneIndex) const;
  /// A text of ordinary length goes in at once; a long one leaves room for requests between its blocks.
  void fillShortTexts();
  /// Single steps asked for, once the texts are in.
  void takeSingleSteps();
  void replay(const RowRequest& request);
  void tick();
  void keepStep(lanes::LaneStep step);
  /// Says why lanes stopped since the last time.
  void tellStops();
  /// Calls `work`, which uses the lanes' device; what it throws is told, and may mean that the device is
  /// lost.
  void guarded(const std::function<void()>& work);
  void deviceLost(const std::string& sentence, const std::vector<lanes::LaneRequest>& lanes);
  /// What was decoded so far is handed on; what follows belongs to another run.
  void beginRun();
  /// The next step is due at once, however late it is: no hurry to catch up.
  void paceFromNow() { m_nextStepMs = nowMs(); }
  double nowMs() const { return static_cast<double>(m_clock.nsecsElapsed()) * 1e-6; }
  void pauseIfFinished();
  void schedule();
  void flush();
  void publishState();
  /// Takes kept ceilings at once; without any, measures them a little later, when there is text to look at.
  void findCeilings();
  void measureCeilings();
  /// Of the models that lanes have, one whose fastest kernels are not known yet; the next a little later.
  void calibrateNext();
  /// All lanes and both kernels over contexts and batches.
  void measureSpeed();
  /// Those that are asked for, where there are lanes on a device to do them with.
  void serveStudies(Requests& requests);
  /// Reads a text in every lane's model, and tells what its heads attend to.
  void studyHeads(const HeadStudy& study);
  void studyLosses(LossStudy study);
  void studyInside(const InsideStudy& study);
  /// Tells how far it is, seldom enough; ends it where the user or the program's end wants that.
  StudyEvents studyEvents();
  /// Says which lanes go their own way in lockstep, and why.
  void explainFeed();
  lanes::TokenFeed feedAsItIs() const;

  std::unique_ptr<lanes::LaneOpener> m_opener;
  RequestBox& m_requests;
  Results& m_results;
  lanes::LaneSet m_lanes;
  std::vector<lanes::LaneRequest> m_laneRequests;
  std::vector<int> m_stopped;  ///< lanes whose end was not told yet
  /// After the device was lost, or lanes made room for others: what is opened when the user goes on. Until
  /// then the text stays.
  std::optional<std::vector<lanes::LaneRequest>> m_reopen;
  /// What the lanes had read, between their being given up and being opened again.
  struct {
    std::vector<lanes::LaneRequest> requests;
    std::vector<lanes::LaneText> texts;  ///< [requests]
  } m_lost;
  std::string m_prompt;
  WhenTextEnds m_whenTextEnds = WhenTextEnds::Stop;
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
  QTimer m_calibrationTimer;
  std::set<std::string> m_calibrated;  ///< sources of lanes that need it no more
};

}  // namespace headroom::session
