#pragma once

#include <QObject>
#include <QPointer>

#include "app/pages/about_dialog.h"
#include "app/session/diagnostics.h"
#include "app/session/workspace.h"

class QMenu;

namespace headroom::pages {

class MainWindow;
class ReferenceWindow;

/// What the Help menu does.
class HelpCommands : public QObject {
  Q_OBJECT

 public:
  /// `window` owns it.
  HelpCommands(MainWindow& window, session::TraceStore& store, session::Settings& settings);

  void addTo(QMenu* menu);
  void setAbout(const About& about) { m_about = about; }

 private:
  void showGlossary();
  void showShortcuts();
  void copyDiagnostics(session::PromptText prompt);

  MainWindow& m_window;
  session::TraceStore& m_store;
  session::Settings& m_settings;
  About m_about;
  QPointer<ReferenceWindow> m_glossary;
  QPointer<ReferenceWindow> m_shortcuts;
};

}  // namespace headroom::pages
