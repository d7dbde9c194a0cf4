#pragma once

#include <QDialog>
#include <vector>

#include "app/session/settings.h"
#include "app/session/trace_store.h"

class QCheckBox;
class QComboBox;
class QFormLayout;
class QLabel;
class QSlider;
class QSpinBox;

namespace headroom::pages {

class MainWindow;

/// What is chosen once and kept: device, look, memory, measurements. Every choice holds at once; there is
/// nothing to confirm.
class PreferencesDialog : public QDialog {
  Q_OBJECT

 public:
  PreferencesDialog(session::Settings& settings, session::TraceStore& store, MainWindow& window);

 private:
  void addDevice(QFormLayout* form);
  void addLook(QFormLayout* form);
  void addMemory(QFormLayout* form);
  void addMeasurements(QFormLayout* form);
  QLabel* addNote(QFormLayout* form, const QString& text);
  /// Every control as the settings are.
  void showSettings();
  void showHeld();
  void showPercent(int percent);
  void tintNotes();
  void chooseLook();
  void reset();
  void forget();

  session::Settings& m_settings;
  session::TraceStore& m_store;
  MainWindow& m_window;
  QComboBox* m_device;
  QComboBox* m_theme;
  QCheckBox* m_presentation;
  QSlider* m_textSize;
  QLabel* m_percent;
  QSpinBox* m_memory;
  std::vector<QLabel*> m_notes;
  QLabel* m_held = nullptr;
  QLabel* m_forgotten = nullptr;
};

}  // namespace headroom::pages
