#pragma once

#include <QFrame>
#include <QTimer>
#include <functional>

#include "app/session/appearance.h"
#include "app/session/lane.h"

class QLabel;
class QPushButton;
class QToolButton;

namespace headroom::pages {

/// Sentences that float over the page: what went wrong or what to know. Nothing below moves for them, and
/// they can be sent away; a newer note takes the place of an older one, but a problem stays until it is sent
/// away.
class MessageBar : public QFrame {
  Q_OBJECT

 public:
  explicit MessageBar(QWidget* parent = nullptr);

  void show(const session::Message& message);
  /// With a button that does something about it.
  void show(const session::Message& message, const QString& action, std::function<void()> act);
  /// The note that is shown, in other words: the history has it once.
  void renew(const session::Message& message, const QString& action, std::function<void()> act);
  void dismiss();
  /// Problems stay.
  void dismissNote();
  /// All that stands there.
  QString sentence() const;
  /// Of it what is no problem.
  QString note() const { return m_note; }
  /// The last sentences that were shown, oldest first.
  const QStringList& history() const { return m_history; }
  void setAppearance(const session::Appearance& appearance);
  /// Lies at the bottom of `area`, of its parent, as large as its text.
  void floatIn(const QRect& area);

 signals:
  /// A note was sent away or its time was over: nothing stands in its place.
  void noteGone(const QString& note);

 private:
  void place();
  void clearNote();
  void restyle();
  void showText();

  QLabel* m_label;
  QPushButton* m_action;
  QToolButton* m_close;
  std::function<void()> m_act;
  QTimer m_passing;
  QStringList m_problems;  // not sent away yet, oldest first
  QStringList m_history;
  QString m_note;
  session::Appearance m_appearance;
  QRect m_area;
};

}  // namespace headroom::pages
