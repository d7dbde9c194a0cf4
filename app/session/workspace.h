#pragma once

#include <QObject>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "app/session/presets.h"
#include "app/session/selection.h"
#include "app/session/session_host.h"
#include "app/session/settings.h"
#include "core/analysis/verdict.h"
#include "core/evaluation/head_survey.h"

namespace headroom::session {

/// Why no lane can be added.
std::string lanesFullSentence();

/// What the user has on the table: which lanes, what they read, what can be undone, and where a button led
/// away from. Decisions without widgets; the window shows them and passes on what people click.
class Workspace : public QObject {
  Q_OBJECT

 public:
  Workspace(SessionHost& session, TraceStore& store, Selection& selection, Settings& settings,
            QObject* parent = nullptr);

  /// Opens the remembered lanes, or `files` where given, and decodes the remembered prompt, or that of an
  /// experiment among them.
  void start(const std::vector<std::string>& files);

  /// The lanes that run.
  const std::vector<LaneRequest>& lanes() const { return m_lanes; }
  /// Adds a lane for each, as many as there is room for; opens an experiment first.
  void openFiles(const std::vector<std::string>& paths);
  void addLane(const std::string& source);
  /// `lane` as it runs.
  void closeLane(int lane);
  /// The last one asked for.
  void closeLastLane();
  /// Brings back the lane closed last, where it stood.
  void undoClose();
  /// Other options for the lanes of these colours and models.
  void chooseOptions(const std::vector<LaneRequest>& chosen);

  /// Every lane begins with `positions` positions; contexts that do not hold them grow.
  void setFill(int positions);
  /// Decodes all lanes with this batch and that many positions in their caches, as far as all models go;
  /// goBack() returns. Gives the positions; 0 while lanes are under way.
  int goTo(const analysis::OperatingPoint& point);
  /// The lane's model with both attention kernels side by side, and nothing else; -1: the lane that shares
  /// most. goBack() returns.
  void compareKernels(int lane);
  /// Decodes what the file says in place of what there is; goBack() returns.
  void openExperiment(const std::string& path);
  /// What runs, with all that decides what it decodes. Says where it is, or why it could not be written.
  void saveExperiment(const std::string& path);
  lanes::Experiment experiment() const;
  /// Decodes from the preset's state on; goBack() returns.
  void usePreset(Preset preset);
  /// The text of a lane and what is held of its attention; says what became of it.
  void saveTrace(int lane, const std::string& path);
  void goBack();
  /// Where goBack() would lead; empty when nowhere.
  const std::string& wayBack() const { return m_wayBack; }

  void togglePlaying();
  /// Decodes on, from the prompt where all lanes have come to their end; takes notes of before away.
  void play() {
    goOn();
    m_session.play();
  }
  void stepOne();
  void restart();
  void enterPrompt(const std::string& prompt);
  /// Text, chat message or token ids; `shown`, the prompt as it stands in its field, is rewritten where the
  /// new form needs it.
  void setPromptForm(PromptForm form, const std::string& shown);
  /// Reads a text with all lanes and decodes nothing behind it until somebody plays.
  void readText(const std::string& text);
  /// The same with random tokens said again: as ids, of the first lane's vocabulary.
  void readRepeatedTokens(const evaluation::RepeatedTokens& repeated);
  void setPace(Pace pace);
  void setSampling(const model::SamplingOptions& sampling);
  void setFeed(TokenFeed feed);
  void setWhenTextEnds(WhenTextEnds when);

 signals:
  /// Other lanes run.
  void lanesStand();
  void message(const headroom::session::Message& message);
  /// With something that can be done about it.
  void laneClosed(const QString& sentence);
  void contradictionFound(const QString& sentence);
  /// The user went on: notes that he could read may go.
  void wentOn();
  void promptChanged(const std::string& prompt, headroom::session::PromptForm form);
  void wayBackChanged();
  /// Pace, sampling, feed or a text's end are other ones than the controls show.
  void choicesChanged();

 private:
  struct ClosedLane {
    LaneRequest request;
    std::size_t index = 0;  ///< where it stood
  };
  enum class Leaving { LanesAndFill, Everything };
  /// The newest token is looked at again, and what was said of before no longer holds.
  void goOn();
  /// Somebody changed lanes, filling or prompt since a button led here.
  bool m_isArranged = false;
  /// What there was before a button led elsewhere.
  struct Place {
    lanes::Experiment experiment;
    Leaving left = Leaving::LanesAndFill;  ///< what of it to bring back
  };

  void lanesRunning();
  /// False, with a message, while lanes are asked for that do not run yet.
  bool lanesAreSettled();
  void closeColor(int colorIndex);
  void noteLeftOut(const std::vector<std::string>& files);
  /// A file that was opened or written is one of the recent ones; a bundled model is not, nor what could not
  /// be opened.
  void keepRecent(const std::string& path);
  /// Says what a context beyond the model's own means.
  void noteUntrained();
  /// Names what a file claims and its tensors refute, once for each file.
  void noteContradictions();
  void readOnly(const std::string& prompt, PromptForm form);
  void leave(const std::string& wayBack, Leaving leaving = Leaving::LanesAndFill);
  /// Decodes it in place of what there is.
  void decode(const lanes::Experiment& experiment);
  /// Nothing, with a message, when it cannot be read.
  std::optional<lanes::Experiment> readOrSay(const std::string& path);
  /// Of the lanes that stand.
  std::vector<LaneInfo> infos() const;
  const model::ModelConfig& configOf(std::size_t lane) const;
  /// Positions that the lanes that stand can all be filled with in the contexts of `lanes`.
  int fillOf(const std::vector<LaneRequest>& lanes) const;
  /// Of those: options change nothing of it.
  bool isTrace(std::size_t lane) const;

  SessionHost& m_session;
  TraceStore& m_store;
  Selection& m_selection;
  Settings& m_settings;
  std::vector<LaneRequest> m_lanes;
  std::vector<ClosedLane> m_closed;  // newest last
  std::optional<Place> m_return;
  std::string m_wayBack;
  std::string m_textPrompt;      // while the prompt is ids: what it was before
  std::set<std::string> m_told;  // files whose contradictions, or contexts beyond their training, were named
};

}  // namespace headroom::session
