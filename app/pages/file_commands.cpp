#include "app/pages/file_commands.h"

#include <QApplication>
#include <QFileDialog>
#include <QFileInfo>
#include <QMenu>
#include <QMessageBox>
#include <QRegularExpression>
#include <string>
#include <vector>

#include "app/pages/command.h"
#include "app/pages/texts.h"
#include "app/session/head_board.h"
#include "app/session/trace_export.h"
#include "core/model/error.h"

namespace headroom::pages {

namespace {
const QString kExperiments = "Experiments (*.headroom)";

std::vector<std::string> toPaths(const QStringList& paths) {
  std::vector<std::string> result;
  for (const QString& path : paths) result.push_back(path.toStdString());
  return result;
}

/// A file to be written, with `ending` where none was typed; empty when it was given up.
QString chooseNewFile(QWidget* window, const QString& title, const QString& name, const QString& filter,
                      const QString& ending) {
  QFileDialog dialog(window, title, QString(), filter);
  dialog.setAcceptMode(QFileDialog::AcceptSave);
  dialog.setDefaultSuffix(ending);
  dialog.selectFile(name);
  return dialog.exec() == QDialog::Accepted ? dialog.selectedFiles().value(0) : QString();
}
}  // namespace

FileCommands::FileCommands(session::Workspace& workspace, const session::TraceStore& store,
                           session::Settings& settings, QWidget* window)
    : QObject(window), m_workspace(workspace), m_store(store), m_settings(settings), m_window(window) {}

void FileCommands::addOpening(QMenu* menu) {
  addCommand(menu, "&Open a model\u2026", QKeySequence::Open, [this] { chooseModels(); });
  addCommand(menu, "Open a Hugging Face &folder\u2026", Qt::CTRL | Qt::SHIFT | Qt::Key_O,
             [this] { chooseFolder(); });
  addCommand(menu, "Open &experiment\u2026", Qt::CTRL | Qt::ALT | Qt::Key_O, [this] { chooseExperiment(); });
  addCommand(menu, "&Read a text without decoding\u2026", Qt::CTRL | Qt::ALT | Qt::Key_R,
             [this] { readText(); });
  m_recent = menu->addMenu("Open &recent");
  connect(m_recent, &QMenu::aboutToShow, this, &FileCommands::showRecent);
}

void FileCommands::addSaving(QMenu* menu) {
  addCommand(menu, "&Save experiment as\u2026", QKeySequence::Save, [this] { saveExperiment(); });
  m_lanes = menu->addMenu("Save lane as &trace");
  connect(m_lanes, &QMenu::aboutToShow, this, &FileCommands::showLanes);
}

void FileCommands::showLanes() {
  m_lanes->clear();
  for (int lane = 0; lane < m_store.laneCount(); ++lane) {
    m_lanes->addAction(toQt(m_store.lane(lane).info().title) + "\u2026", this,
                       [this, lane] { saveTrace(lane); });
  }
  if (m_lanes->isEmpty()) m_lanes->addAction("No lane is open")->setEnabled(false);
}

void FileCommands::saveTrace(int lane) {
  // While a dialog is open, lanes that were asked for before may come.
  const session::LaneRequest request = m_store.lane(lane).info().request;
  const QString title = toQt(m_store.lane(lane).info().title);
  const session::TraceToSave offer = session::traceToSave(m_store.lane(lane));
  if (offer.isLarge) {
    QMessageBox box(QMessageBox::Question, "Save lane as trace",
                    QString("The trace of %1 would have %2.")
                        .arg(title, toQt(model::bytesText(static_cast<double>(offer.bytes)))),
                    QMessageBox::Save | QMessageBox::Cancel, m_window);
    if (box.exec() != QMessageBox::Save) return;
  }
  const QString name = QString(title).replace(QRegularExpression("[^A-Za-z0-9._-]+"), "-");
  const QString path = chooseNewFile(m_window, "Save lane as trace", name + ".safetensors",
                                     "Traces (*.safetensors)", "safetensors");
  if (path.isEmpty()) return;
  const bool isThere = lane < m_store.laneCount() && m_store.lane(lane).info().request == request;
  if (!isThere) {
    emit m_workspace.message(
        {session::Severity::Note, "Other lanes run by now; " + title.toStdString() + " was not saved."});
    return;
  }
  QApplication::setOverrideCursor(Qt::WaitCursor);
  m_workspace.saveTrace(lane, path.toStdString());
  QApplication::restoreOverrideCursor();
}

void FileCommands::showRecent() {
  m_recent->clear();
  for (const std::string& file : m_settings.recentFiles()) {
    const QString path = toQt(file);
    m_recent
        ->addAction(QFileInfo(path).fileName(), this,
                    [this, path] { m_workspace.openFiles(toPaths({path})); })
        ->setToolTip(path);
  }
  if (m_recent->isEmpty()) m_recent->addAction("No file opened yet")->setEnabled(false);
}

void FileCommands::chooseModels() {
  m_workspace.openFiles(toPaths(QFileDialog::getOpenFileNames(
      m_window, "Open a model", QString(), "Models and traces (*.gguf *.safetensors);;All files (*)")));
}

void FileCommands::readText() {
  const QString path = QFileDialog::getOpenFileName(m_window, "A text to read", QString(),
                                                    "Texts (*.txt *.md);;All files (*)");
  if (path.isEmpty()) return;
  try {
    m_workspace.readText(session::readStudyText(path).text);
  } catch (const model::Error& error) {
    emit m_workspace.message({session::Severity::Problem, error.what()});
  }
}

void FileCommands::chooseFolder() {
  const QString folder = QFileDialog::getExistingDirectory(m_window, "Open a Hugging Face folder");
  if (!folder.isEmpty()) m_workspace.openFiles(toPaths({folder}));
}

void FileCommands::chooseExperiment() {
  const QString path = QFileDialog::getOpenFileName(m_window, "Open experiment", QString(), kExperiments);
  if (!path.isEmpty()) m_workspace.openFiles(toPaths({path}));
}

void FileCommands::saveExperiment() {
  const QString path =
      chooseNewFile(m_window, "Save experiment as", "experiment.headroom", kExperiments, "headroom");
  if (!path.isEmpty()) m_workspace.saveExperiment(path.toStdString());
}

void FileCommands::openDropped(const QList<QUrl>& urls) {
  QStringList paths;
  for (const QUrl& url : urls) {
    if (url.isLocalFile()) {
      paths << url.toLocalFile();
    } else {
      emit m_workspace.message({session::Severity::Problem,
                                QString("%1 is not on this machine; a model is opened from a file or folder.")
                                    .arg(url.toDisplayString())
                                    .toStdString()});
    }
  }
  m_workspace.openFiles(toPaths(paths));
}

}  // namespace headroom::pages
