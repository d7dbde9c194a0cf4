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

  void cancel() { m_session.cancelStudying(); }

  /// The lane of a report, nothing once it is closed.
  std::optional<int> laneOf(const ReadText& text) const;
  /// Whether that lane still decodes so and begins with what was read: its positions are the report's.
  bool isCurrent(const ReadText& text) const;
  /// A token of the report's lane on one line, as texts::tokenLabel() has it.
  std::string labelOf(const ReadText& text, int token) const;

 signals:
  /// Other reports, or other lanes or texts than those that they are of.
  void changed();
  void studyingChanged();

 private:
  ReadText textOf(int lane) const;
  void take(const InsideReport& report);
  void dropClosed();

  SessionHost& m_session;
  const TraceStore& m_store;
  const Selection& m_selection;
  Studying m_studying;
  std::optional<LensReport> m_lens;
};

}  // namespace headroom::session
