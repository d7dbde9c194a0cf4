#pragma once

#include <QElapsedTimer>
#include <QObject>
#include <QTimer>

namespace headroom::view {

/// What drives the picture just now.
enum class Activity {
  Idle,       ///< nothing changes by itself: no redraws
  Paced,      ///< decoding at a pace one can read
  FullSpeed,  ///< decoding as fast as possible, on cores that a software renderer would share
};

/// Decides when to draw: on demand, never more often than the activity allows.
class FramePacer : public QObject {
  Q_OBJECT

 public:
  explicit FramePacer(QObject* parent = nullptr);

  void setActivity(Activity activity);
  /// Data changed.
  void requestForData();
  /// What stands in Qt's widgets too has changed: they show it at once.
  void requestAtOnce();
  /// The user did something; a few frames follow, in which hover states settle.
  void requestForInput();
  /// A frame begins.
  void frameBegan();

 signals:
  void frameDue();

 private:
  int dataIntervalMs() const;
  int inputIntervalMs() const;
  void schedule(int intervalMs);

  Activity m_activity = Activity::Idle;
  QTimer m_timer;
  QElapsedTimer m_sinceFrame;
  int m_settleFrames = 0;
};

}  // namespace headroom::view
