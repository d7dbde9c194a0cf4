#pragma once

#include <QElapsedTimer>
#include <QObject>
#include <QStringList>

#include "app/session/session_host.h"

class QWidget;

namespace headroom::pages {

/// Asks before the window closes on long work: a sweep, a filling, the opening of a large model. Decoding is
/// none.
class QuitQuestion : public QObject {
  Q_OBJECT

 public:
  /// `session` outlives it; the question lies above `window`, which owns this.
  QuitQuestion(const session::SessionHost& session, QWidget* window);

  /// Whether nothing long runs, or the user quits all the same.
  bool mayQuit();
  /// A sentence for each long work.
  QStringList longWork() const;

 private:
  const session::SessionHost& m_session;
  QWidget* m_window;
  QElapsedTimer m_opening;  ///< runs while a model is opened
};

}  // namespace headroom::pages
