#include "app/pages/live/transport_bar.h"

#include <QAction>
#include <QCheckBox>
#include <QEvent>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QSignalBlocker>
#include <QSlider>
#include <QToolButton>
#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>

#include "app/pages/colors.h"
#include "app/pages/icons.h"
#include "app/pages/live/lane_bar.h"
#include "app/pages/live/prompt_edit.h"
#include "app/pages/live/sampling_popover.h"
#include "app/pages/wrap_layout.h"

namespace headroom::pages {

namespace {

/// Notches of the speed slider in tokens per second; the last one is as fast as the device can.
constexpr std::array<double, 9> kPaces{1, 2, 5, 10, 20, 30, 60, 120, 0};

/// Of the prompt's first words, which its field always has room for.
constexpr int kPromptLetters = 22;

int notchOf(session::Pace pace) {
  if (pace.unlimited()) return static_cast<int>(kPaces.size()) - 1;
  int best = 0;
  for (int notch = 0; notch + 1 < static_cast<int>(kPaces.size()); ++notch) {
    const auto distance = [&](int index) {
      return std::abs(std::log(kPaces[static_cast<std::size_t>(index)] / pace.tokensPerSecond));
    };
    if (distance(notch) < distance(best)) best = notch;
  }
  return best;
}

}  // namespace

TransportBar::TransportBar(const std::vector<std::string>& bundled, const std::vector<std::string>& prompts,
                           QWidget* parent)
    : QWidget(parent),
      m_play(new QAction("Play", this)),
      m_step(new QAction("Step one token", this)),
      m_restart(new QAction("Restart", this)),
      m_speed(new QSlider(Qt::Horizontal, this)),
      m_speedLabel(new QLabel(this)),
      m_prompt(new PromptEdit(this)),
      m_prompts(new QMenu(this)),
      m_choosePrompt(m_prompt->addAction(QIcon(), QLineEdit::TrailingPosition)),
      m_samplingButton(new QToolButton(this)),
      m_sampling(new SamplingPopover(this)),
      m_lockstep(new QCheckBox("Lockstep", this)),
      m_lanes(new LaneBar(bundled, this)),
      m_presets(new QToolButton(this)),
      m_laneSettings(new QToolButton(this)),
      m_device(new QLabel(this)) {
  setObjectName("transport");
  m_play->setShortcut(Qt::Key_Space);
  m_step->setShortcut(Qt::Key_Period);
  m_step->setToolTip("Decode one token (.)");
  m_restart->setShortcut(Qt::Key_R);
  m_restart->setToolTip("Start again from the prompt (R)");
  m_speed->setObjectName("speed");
  m_speed->setRange(0, static_cast<int>(kPaces.size()) - 1);
  m_speed->setPageStep(1);
  m_speed->setToolTip("Tokens per second, up to full speed (- slower, + faster)");
  m_prompt->setObjectName("prompt");
  // A field cuts what is longer, without a word.
  m_prompt->setMaxLength(static_cast<int>(session::kMostPromptBytes));
  offerPrompts(prompts);
  setPromptForm(session::PromptForm::Text);
  m_prompt->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
  m_samplingButton->setObjectName("sampling");
  m_samplingButton->setToolTip("How the next token is chosen (G)");
  m_lockstep->setObjectName("lockstep");
  m_lockstep->setToolTip(
      "On: lanes of one vocabulary are fed what one of them chooses, a trace if there is one, else\n"
      "the first of those that have read most, so that maps compare token by token.\n"
      "Off: every lane goes on with its own choice. (K)");
  m_presets->setObjectName("presets");
  m_presets->setText("Presets");
  m_presets->setToolTip("States to begin from");
  m_presets->setPopupMode(QToolButton::InstantPopup);
  m_device->setObjectName("device");
  m_device->setEnabled(false);

  m_laneSettings->setObjectName("laneSettings");
  m_laneSettings->setToolTip("Batch, context, cache, kernel and filling of the lanes");
  m_laneSettings->setCheckable(true);

  auto* layout = new WrapLayout(this);
  layout->setContentsMargins(6, 3, 6, 3);
  layout->setSpacing(4);
  layout->addWidget(addButton(m_restart, "restart"));
  layout->addWidget(addButton(m_play, "play"));
  layout->addWidget(addButton(m_step, "step"));
  for (QWidget* widget :
       std::initializer_list<QWidget*>{m_speed, m_speedLabel, m_prompt, m_samplingButton, m_lockstep, m_lanes,
                                       m_presets, m_laneSettings, m_device}) {
    layout->addWidget(widget);
  }

  connect(m_speed, &QSlider::valueChanged, this, [this](int notch) {
    m_pace = {kPaces[static_cast<std::size_t>(notch)]};
    showPace();
    emit paceChosen(m_pace);
  });
  connect(m_prompt, &QLineEdit::returnPressed, this, [this] {
    emit promptEntered(m_prompt->text());
    emit promptLeft();
  });
  connect(m_prompt, &PromptEdit::left, this, &TransportBar::promptLeft);
  connect(m_samplingButton, &QToolButton::clicked, this, &TransportBar::openSampling);
  connect(m_sampling, &SamplingPopover::whenTextEndsChosen, this, &TransportBar::whenTextEndsChosen);
  connect(m_sampling, &SamplingPopover::samplingChanged, this, [this] {
    m_samplingButton->setText(SamplingPopover::summary(m_sampling->sampling()));
    emit samplingChosen(m_sampling->sampling());
  });
  connect(m_lockstep, &QCheckBox::clicked, this, [this](bool checked) {
    emit feedChosen(checked ? session::TokenFeed::Lockstep : session::TokenFeed::FreeRun);
  });
  connect(m_laneSettings, &QToolButton::clicked, this, &TransportBar::laneSettingsWanted);
  foldLaneSettings(false, true);
  setAppearance(m_appearance);
}

QToolButton* TransportBar::addButton(QAction* action, const char* name) {
  auto* button = new QToolButton(this);
  button->setDefaultAction(action);
  button->setObjectName(name);
  button->setFocusPolicy(Qt::NoFocus);
  m_buttons.push_back(button);
  return button;
}

void TransportBar::foldLaneSettings(bool folded, bool open) {
  m_laneSettings->setVisible(folded);
  m_laneSettings->setChecked(open);
  // Where rows are dear, the device is told in the button's tool tip, and presets are in the menu bar.
  m_folded = folded;
  showDevice();
  m_laneSettings->setText(open ? "Lane settings \u25b4" : "Lane settings \u25be");
}

void TransportBar::offerPrompts(const std::vector<std::string>& prompts) {
  m_prompts->setObjectName("offeredPrompts");
  m_choosePrompt->setToolTip("Prompts that the bundled models know how to go on from");
  for (const std::string& prompt : prompts) {
    const QString text = QString::fromStdString(prompt);
    m_prompts->addAction(text, this, [this, text] {
      setPrompt(text);
      emit promptEntered(text);
    });
  }
  connect(m_choosePrompt, &QAction::triggered, this,
          [this] { m_prompts->popup(m_prompt->mapToGlobal(QPoint(0, m_prompt->height() + 2))); });
}

void TransportBar::setPresets(QMenu* presets) {
  m_presets->setMenu(presets);
}

void TransportBar::setState(const session::SessionState& state) {
  m_playing = state.playing;
  const QColor ink = toQt(m_appearance.palette().text);
  m_play->setIcon(makeIcon(state.playing ? Icon::Pause : Icon::Play, ink));
  m_play->setToolTip(state.playing ? "Pause (Space)" : "Play (Space)");
  m_play->setText(state.playing ? "Pause" : "Play");
  const QSignalBlocker silent(m_lockstep);
  m_lockstep->setChecked(state.feed == session::TokenFeed::Lockstep);
}

void TransportBar::setPrompt(const QString& prompt) {
  m_prompt->setText(prompt);
  m_prompt->setCursorPosition(0);
}

QString TransportBar::prompt() const {
  return m_prompt->text();
}

void TransportBar::setPromptForm(session::PromptForm form) {
  // They are texts: no chat messages, and no ids.
  m_choosePrompt->setVisible(form == session::PromptForm::Text);
  switch (form) {
    case session::PromptForm::Text:
      m_prompt->setPlaceholderText("Prompt");
      m_prompt->setToolTip("The text to go on from; Enter decodes it (Ctrl+L)");
      break;
    case session::PromptForm::Chat:
      m_prompt->setPlaceholderText("Chat message");
      m_prompt->setToolTip(
          "What the user says, put into the model's chat template; Enter decodes the answer (Ctrl+L)");
      break;
    case session::PromptForm::Ids:
      m_prompt->setPlaceholderText("Token ids, as in 1, 2, 3");
      m_prompt->setToolTip("Token ids to go on from, fed exactly so; Enter decodes them (Ctrl+L)");
      break;
  }
}

void TransportBar::setSampling(const model::SamplingOptions& sampling) {
  m_sampling->setSampling(sampling);
  m_samplingButton->setText(SamplingPopover::summary(sampling));
}

void TransportBar::setWhenTextEnds(session::WhenTextEnds when) {
  m_sampling->setWhenTextEnds(when);
}

void TransportBar::setPace(session::Pace pace) {
  const QSignalBlocker silent(m_speed);
  // An experiment's pace may lie between notches.
  m_pace = pace;
  m_speed->setValue(notchOf(pace));
  showPace();
}

void TransportBar::showPace() {
  m_speedLabel->setText(m_pace.unlimited() ? "full speed" : QString("%1 tok/s").arg(m_pace.tokensPerSecond));
}

void TransportBar::changeSpeed(int notches) {
  m_speed->setValue(m_speed->value() + notches);
}

void TransportBar::setDevice(const QString& device) {
  const QFontMetrics metrics(m_device->font());
  // Drivers put versions and widths in brackets behind the name; the tool tip keeps them.
  const QString name = device.section(" (", 0, 0);
  m_device->setText(metrics.elidedText(name, Qt::ElideRight, 26 * metrics.averageCharWidth()));
  m_device->setToolTip("Decodes on " + device);
  m_laneSettings->setToolTip("Batch, context, cache, kernel and filling of the lanes, which decode on " +
                             device);
}

void TransportBar::showDevice() {
  m_device->setVisible(!m_folded && !m_appearance.presentation());
  m_presets->setVisible(!m_folded);
}

void TransportBar::setAppearance(const session::Appearance& appearance) {
  m_appearance = appearance;
  const QColor ink = toQt(appearance.palette().text);
  m_step->setIcon(makeIcon(Icon::StepToken, ink));
  m_restart->setIcon(makeIcon(Icon::Restart, ink));
  m_choosePrompt->setIcon(makeIcon(Icon::Choose, toQt(appearance.palette().textDim)));
  m_play->setIcon(makeIcon(m_playing ? Icon::Pause : Icon::Play, ink));
  m_lanes->setAppearance(appearance);
  const auto scaled = [&](int pixels) { return qRound(static_cast<float>(pixels) * appearance.scale()); };
  const int size = scaled(appearance.presentation() ? 22 : 16);
  for (QToolButton* button : m_buttons) button->setIconSize({size, size});
  m_speed->setFixedWidth(scaled(appearance.presentation() ? 90 : 84));
  // Fewer controls in front of an audience: what one does not touch while presenting goes.
  showDevice();
  m_samplingButton->setVisible(!appearance.presentation());
  fitText();
}

void TransportBar::fitText() {
  const QFontMetrics metrics(font());
  m_speedLabel->setMinimumWidth(metrics.horizontalAdvance("full speed "));
  // A prompt's first words can be read in whichever type.
  m_prompt->setMinimumWidth(kPromptLetters * metrics.averageCharWidth());
}

void TransportBar::changeEvent(QEvent* event) {
  QWidget::changeEvent(event);
  if (event->type() == QEvent::FontChange) fitText();
}

void TransportBar::focusPrompt() {
  m_prompt->setFocus(Qt::ShortcutFocusReason);
  m_prompt->selectAll();
}

void TransportBar::openSampling() {
  m_sampling->adjustSize();
  m_sampling->move(m_samplingButton->mapToGlobal(QPoint(0, m_samplingButton->height() + 2)));
  m_sampling->show();
}

void TransportBar::toggleLockstep() {
  m_lockstep->click();
}

}  // namespace headroom::pages
