#pragma once

#include <QDialog>
#include <functional>
#include <optional>
#include <vector>

#include "app/session/session_host.h"
#include "app/session/workspace.h"

class QLabel;
class QPushButton;

namespace headroom::pages {

class MainWindow;

/// Seven steps from a token to a longer context, told beside the real window, which each of them drives.
class Tour : public QDialog {
  Q_OBJECT

 public:
  /// What a step shows besides decoding.
  struct Views {
    std::function<void()> showLive;
    /// Whether charts are to be seen below the lanes; nothing: where the window is high enough. Gives what
    /// was wanted before.
    std::function<std::optional<bool>(std::optional<bool>)> wantCharts;
    /// Whether the window is in presentation mode, which leaves the byte counters out.
    std::function<bool()> isPresentation;
  };

  Tour(session::SessionHost& session, session::Workspace& workspace, const session::TraceStore& store,
       session::Selection& selection, Views views, MainWindow* parent);

  /// From its first step on.
  void begin();
  int stepCount() const { return static_cast<int>(m_steps.size()); }
  int step() const { return m_step; }

 private:
  /// Far enough that keys and values are a large part of what a step of the bundled models reads.
  static constexpr int kLongerContext = 1024;

  struct Step {
    QString title;
    std::function<QString()> text;  ///< once it has acted
    std::function<void()> act;
    bool tellsOfBelow = false;  ///< of what stands below the lanes, which the tour then leaves free
  };

  std::vector<Step> steps();
  void show(int step);
  void leaveStep();
  void end();
  /// The tour stays in its window's corner.
  bool eventFilter(QObject* watched, QEvent* event) override;
  /// Into a corner of the window: on the right, below or, for what stands there, above.
  void place();
  /// The lane with the fewest KV heads.
  int sharingLane() const;
  QString bytesOfToken() const;

  session::SessionHost& m_session;
  session::Workspace& m_workspace;
  const session::TraceStore& m_store;
  session::Selection& m_selection;
  Views m_views;
  QLabel* m_text;
  QPushButton* m_back;
  QPushButton* m_next;
  std::vector<Step> m_steps;
  int m_step = 0;
  bool m_wentAway = false;         ///< to the longer context, by this step
  int m_reached = kLongerContext;  ///< positions of the last step, where models allow no more
  /// What was wanted before the step that shows them; while it is shown.
  std::optional<std::optional<bool>> m_chartsBefore;
};

}  // namespace headroom::pages
