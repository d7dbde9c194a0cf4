#pragma once

#include <QWidget>
#include <string>
#include <vector>

#include "app/session/appearance.h"
#include "app/session/lane.h"

class QHBoxLayout;
class QMenu;
class QToolButton;

namespace headroom::pages {

/// The open lanes, each with its colour and a close button, and a menu to add one.
class LaneBar : public QWidget {
  Q_OBJECT

 public:
  LaneBar(const std::vector<std::string>& bundled, QWidget* parent = nullptr);

  void setLanes(const std::vector<session::LaneRequest>& lanes, const std::vector<std::string>& titles);
  void setAppearance(const session::Appearance& appearance);
  void openMenu();

 signals:
  void addRequested(const QString& source);
  void openFileRequested();
  void closeRequested(int lane);

 private:
  void rebuild();
  /// Icons grow with the text.
  int iconSize(int usual) const;

  std::vector<session::LaneRequest> m_lanes;
  std::vector<std::string> m_titles;
  session::Appearance m_appearance;
  QHBoxLayout* m_layout;
  QToolButton* m_add;
  QMenu* m_menu;
  std::vector<QWidget*> m_chips;
};

}  // namespace headroom::pages
