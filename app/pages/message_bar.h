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

/// One sentence above the page: what went wrong or what to know. It blocks nothing and can be sent away.
class MessageBar : public QFrame {
  Q_OBJECT

 public:
  explicit MessageBar(QWidget* parent = nullptr);

  void show(const session::Message& message);
  /// With a button that does something about it.
  void show(const session::Message& message, const QString& action, std::function<void()> act);
  void dismiss();
  QString sentence() const;
  void setAppearance(const session::Appearance& appearance);

 private:
  void restyle();

  QLabel* m_label;
  QPushButton* m_action;
  QToolButton* m_close;
  std::function<void()> m_act;
  QTimer m_passing;
  session::Severity m_severity = session::Severity::Note;
  session::Appearance m_appearance;
};

}  // namespace headroom::pages
