#pragma once

#include <QWidget>
#include <vector>

#include "app/session/appearance.h"
#include "app/session/lane.h"

class QAction;
class QCheckBox;
class QLabel;
class QMenu;
class QSlider;
class QToolButton;

namespace headroom::pages {

class LaneBar;
class PromptEdit;
class SamplingPopover;

/// Play, step, restart, speed, prompt, sampling, lockstep and lanes, in as many rows as they need.
class TransportBar : public QWidget {
  Q_OBJECT

 public:
  /// `bundled` models can be added as lanes, `prompts` are offered beside one's own.
  TransportBar(const std::vector<std::string>& bundled, const std::vector<std::string>& prompts,
               QWidget* parent);

  QAction* playAction() const { return m_play; }
  QAction* stepAction() const { return m_step; }
  QAction* restartAction() const { return m_restart; }
  LaneBar& lanes() const { return *m_lanes; }
  /// What the button "Presets" opens.
  void setPresets(QMenu* presets);

  void setState(const session::SessionState& state);
  void setPrompt(const QString& prompt);
  QString prompt() const;
  void setPromptForm(session::PromptForm form);
  void setSampling(const model::SamplingOptions& sampling);
  void setWhenTextEnds(session::WhenTextEnds when);
  void setPace(session::Pace pace);
  const session::Pace& pace() const { return m_pace; }
  void setDevice(const QString& device);
  void setAppearance(const session::Appearance& appearance);
  /// Whether the settings of lanes stay folded behind a button here, and whether they show.
  void foldLaneSettings(bool folded, bool open);

  void focusPrompt();
  void openSampling();
  void toggleLockstep();
  /// One notch faster or slower.
  void changeSpeed(int notches);

 signals:
  void promptEntered(const QString& prompt);
  /// The keyboard is free again.
  void promptLeft();
  void paceChosen(headroom::session::Pace pace);
  void samplingChosen(const headroom::model::SamplingOptions& sampling);
  void whenTextEndsChosen(headroom::session::WhenTextEnds when);
  void feedChosen(headroom::session::TokenFeed feed);
  /// By the button that they are folded behind.
  void laneSettingsWanted(bool open);

 protected:
  void changeEvent(QEvent* event) override;

 private:
  QToolButton* addButton(QAction* action, const char* name);
  void offerPrompts(const std::vector<std::string>& prompts);
  void showPace();
  void showDevice();
  /// Widths that go with the type.
  void fitText();

  QAction* m_play;
  QAction* m_step;
  QAction* m_restart;
  std::vector<QToolButton*> m_buttons;  // of the actions
  QSlider* m_speed;
  QLabel* m_speedLabel;
  PromptEdit* m_prompt;
  QMenu* m_prompts;
  QAction* m_choosePrompt;  ///< in the prompt's field
  QToolButton* m_samplingButton;
  SamplingPopover* m_sampling;
  QCheckBox* m_lockstep;
  LaneBar* m_lanes;
  QToolButton* m_presets;
  QToolButton* m_laneSettings;
  QLabel* m_device;
  session::Appearance m_appearance;
  session::Pace m_pace;
  bool m_playing = false;
  bool m_folded = false;  // the lanes' settings
};

}  // namespace headroom::pages
