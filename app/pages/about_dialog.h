#pragma once

#include <QDialog>
#include <QIcon>
#include <QString>

namespace headroom::pages {

/// What the program says of itself.
struct About {
  QString version;
  QString build;  ///< compiler and kind of build
  QString imgui;  ///< version of Dear ImGui
  QIcon icon;
  QString components;  ///< libraries and their licences
  QString license;     ///< the program's own, whole
};

class AboutDialog : public QDialog {
  Q_OBJECT

 public:
  AboutDialog(const About& about, QWidget* parent);
};

}  // namespace headroom::pages
