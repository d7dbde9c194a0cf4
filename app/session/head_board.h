#pragma once

#include <QObject>
#include <QString>
#include <optional>
#include <string>
#include <vector>

#include "app/session/head_study.h"
#include "app/session/workspace.h"

namespace headroom::session {

/// What is known of the heads of the open lanes' models, and what is asked about them next.
class HeadBoard : public QObject {
  Q_OBJECT

 public:
  /// A lane's heads, and what its text costs without some of them.
  struct Entry {
    HeadReport report;
    evaluation::AblationSurvey losses{.measuresEffects = true};  ///< of query heads
    evaluation::AblationSurvey groupLosses{.unit = evaluation::AblationUnit::KvHead, .measuresEffects = true};
  };
  using Loss = evaluation::AblationSurvey::Head;

  HeadBoard(SessionHost& session, const TraceStore& store, const Selection& selection, Workspace& workspace,
            QObject* parent = nullptr);

  /// In the order in which lanes were asked; of a lane that is closed, nothing.
  const std::vector<Entry>& entries() const { return m_entries; }
  const Studying& studying() const { return m_studying; }

  /// Looks at all heads of all lanes' models; takes the place of what is known.
  void study(StudyText text, const evaluation::RepeatedTokens& repeated);
  /// Reads an entry's text without each of these heads.
  void findLosses(std::size_t entry, const std::vector<model::HeadPlace>& heads);
  /// The same without a KV head of a layer and all that read it.
  void findGroupLoss(std::size_t entry, int layer, int kvHead);
  /// The same for each KV head of each layer.
  void findGroupLosses(std::size_t entry);
  void cancel() { m_session.cancelStudying(); }

  /// The lane that runs an entry's model now; nothing while others are opened.
  std::optional<int> laneOf(std::size_t entry) const;
  /// What that lane does to the head; null where it gives what it computes.
  const model::HeadChange* changeOf(std::size_t entry, const model::HeadPlace& head) const;
  /// The lane decodes without these heads from now on, its text read again; or with them, where none of them
  /// gives what it computes.
  void switchHeads(int lane, const std::vector<model::HeadPlace>& heads);
  /// The lane decodes with these heads so changed, or, without a change, as they compute. A mean is measured
  /// over what the lane has read.
  void changeHeads(int lane, const std::vector<model::HeadPlace>& heads,
                   const std::optional<model::HeadChange>& change);
  /// Nothing where the text was not read without the head.
  const Loss* lossOf(std::size_t entry, const model::HeadPlace& head) const;
  const Loss* groupLossOf(std::size_t entry, int layer, int kvHead) const;
  /// What becomes of the next token's distribution, as far as it is more than noise; of a loss of this entry.
  evaluation::SeenChange seenEffects(std::size_t entry, const Loss& loss) const;
  /// Mean nats per predicted token with all heads; nothing before a loss was asked for.
  std::optional<double> baselineOf(std::size_t entry) const;

  /// All heads of all entries as comma-separated values.
  std::string csv() const;

 signals:
  /// Other entries, other numbers in them, or other lanes that run them.
  void changed();
  void studyingChanged();

 private:
  /// Whether a lane is there whose heads can be changed: a trace has none.
  bool canChange(int lane) const;
  void takeReport(const HeadReport& report);
  void takeLosses(const LossReport& report);
  void dropClosed();
  std::optional<int> laneOf(const LaneRequest& request) const;

  SessionHost& m_session;
  const TraceStore& m_store;
  Workspace& m_workspace;
  std::vector<Entry> m_entries;
  std::vector<Entry> m_before;  ///< of the study before
  bool m_isNewStudy = false;    ///< the next report takes the place of all entries
  Studying m_studying;
};

/// A text file to study heads on, at most kMostPromptBytes. Throws model::Error.
StudyText readStudyText(const QString& path);

}  // namespace headroom::session
