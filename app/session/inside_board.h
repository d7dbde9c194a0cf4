#pragma once

#include <QObject>
#include <optional>
#include <string>

#include "app/session/inside_study.h"
#include "app/session/session_host.h"

namespace headroom::session {

class Selection;

/// What is known of what goes on inside the models of the open lanes, and what is asked about it next.
class InsideBoard : public QObject {
  Q_OBJECT

 public:
  InsideBoard(SessionHost& session, const TraceStore& store, const Selection& selection,
              QObject* parent = nullptr);

  const TraceStore& store() const { return m_store; }
  const Studying& studying() const { return m_studying; }
  /// Whether that lane can be asked: it decodes a model, and has read something.
  bool canAsk(int lane) const;

  /// Reads the layers of that lane up to the position looked at; takes the place of what is known.
  void readLens(int lane);
  /// The newest; of a lane that is closed, nothing.
  const std::optional<LensReport>& lens() const { return m_lens; }
  /// As comma-separated values: a line for each layer, position and token.
  std::string lensCsv() const;

  /// What comes most likely next at the position looked at, the likeliest first; nothing where the lane's
  /// record has it no more.
  std::vector<model::Candidate> candidates(int lane) const;
  /// Finds what adds to the logit of the token that came next at the position looked at, or of the most
  /// likely one where that is the newest; less another's: `other`, else what somebody typed, else none.
  void attribute(int lane, std::optional<int> other, const std::string& typed);
  const std::optional<AttributionReport>& attribution() const { return m_attribution; }
  std::string attributionCsv() const;

  /// Copies values from one text's run into another's. `study` is of a lane that there is.
  void patch(const PatchStudy& study) { m_session.studyInside(study); }
  const std::optional<PatchReport>& patches() const { return m_patches; }
  std::string patchesCsv() const;

  void cancel() { m_session.cancelStudying(); }

  /// The lane of a report, nothing once it is closed.
  std::optional<int> laneOf(const LaneRequest& lane) const;
  /// Whether that lane still decodes so and begins with what was read: its positions are the report's.
  bool isCurrent(const ReadText& text) const;
  /// A token of the report's lane on one line, as text::tokenLabel() has it; empty for -1.
  std::string labelOf(const LaneRequest& lane, int token) const;

 signals:
  void lensRead();
  void attributionFound();
  void patchesFound();
  /// Other lanes: reports may be gone.
  void lanesChanged();
  void studyingChanged();

 private:
  ReadText textOf(int lane) const;
  /// "17,the" of a lane's token, "," for none.
  std::string csvCellsOf(const LaneRequest& lane, int token) const;
  void take(const InsideReport& report);
  void dropClosed();

  SessionHost& m_session;
  const TraceStore& m_store;
  const Selection& m_selection;
  Studying m_studying;
  std::optional<LensReport> m_lens;
  std::optional<AttributionReport> m_attribution;
  std::optional<PatchReport> m_patches;
};

}  // namespace headroom::session
