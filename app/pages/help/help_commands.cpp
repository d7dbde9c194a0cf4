#include "app/pages/help/help_commands.h"

#include <QClipboard>
#include <QDir>
#include <QGuiApplication>
#include <QMenu>
#include <QMenuBar>
#include <QSysInfo>

#include "app/pages/command.h"
#include "app/pages/help/reference_pages.h"
#include "app/pages/help/reference_window.h"
#include "app/pages/main_window.h"
#include "app/pages/message_bar.h"
#include "core/model/error.h"

namespace headroom::pages {

HelpCommands::HelpCommands(MainWindow& window, session::TraceStore& store, session::Settings& settings)
    : QObject(&window), m_window(window), m_store(store), m_settings(settings) {}

void HelpCommands::addTo(QMenu* menu) {
  addCommand(menu, "&Glossary", Qt::Key_F1, [this] { showGlossary(); });
  addCommand(menu, "&Keyboard shortcuts", Qt::CTRL | Qt::Key_F1, [this] { showShortcuts(); });
  menu->addSeparator();
  addCommand(menu, "Copy &diagnostics", Qt::CTRL | Qt::SHIFT | Qt::Key_D,
             [this] { copyDiagnostics(session::PromptText::LeftOut); });
  addCommand(menu, "Copy diagnostics &with the prompt", QKeySequence(),
             [this] { copyDiagnostics(session::PromptText::Included); });
  menu->addSeparator();
  addCommand(menu, "&About Headroom", QKeySequence(), [this] {
    AboutDialog dialog(m_about, &m_window);
    dialog.exec();
  });
}

void HelpCommands::showGlossary() {
  if (!m_glossary) m_glossary = new ReferenceWindow("Glossary", "glossary", glossaryPage, &m_window);
  m_glossary->present();
}

void HelpCommands::showShortcuts() {
  if (!m_shortcuts)
    m_shortcuts = new ReferenceWindow(
        "Keyboard shortcuts", "shortcuts",
        [this](const QString& search) { return shortcutsPage(*m_window.menuBar(), search); }, &m_window);
  m_shortcuts->present();
}

void HelpCommands::copyDiagnostics(session::PromptText prompt) {
  std::vector<std::string> messages;
  for (const QString& sentence : m_window.messages().history()) messages.push_back(sentence.toStdString());
  std::vector<session::DeviceFacts> devices;
  std::string devicesError;
  try {
    devices = session::listDevices();
  } catch (const model::Error& error) {
    devicesError = error.what();
  }
  const std::string text = session::diagnosticsText(
      {.program = {("Headroom " + m_about.version).toStdString(),
                   ("Built with " + m_about.build).toStdString(),
                   (QString("Qt %1, Dear ImGui %2").arg(qVersion(), m_about.imgui)).toStdString()},
       .system = QString("%1, %2 %3, %4, %5")
                     .arg(QSysInfo::prettyProductName(), QSysInfo::kernelType(), QSysInfo::kernelVersion(),
                          QSysInfo::currentCpuArchitecture(), QGuiApplication::platformName())
                     .toStdString(),
       .devices = std::move(devices),
       .devicesError = devicesError,
       .store = m_store,
       .settings = m_settings,
       .messages = std::move(messages),
       .home = QDir::homePath().toStdString()},
      prompt);
  QGuiApplication::clipboard()->setText(QString::fromStdString(text));
  m_window.showMessage({session::Severity::Passing,
                        prompt == session::PromptText::Included
                            ? "The diagnostics are copied, with the prompt."
                            : "The diagnostics are copied, without the prompt and what was decoded."});
}

}  // namespace headroom::pages
