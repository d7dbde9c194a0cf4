// The menus of MainWindow: every command, with its keys.
#include <QAction>
#include <QActionGroup>
#include <QFileInfo>
#include <QMenu>
#include <QMenuBar>

#include "app/pages/lane_bar.h"
#include "app/pages/lane_controls.h"
#include "app/pages/lower_panel.h"
#include "app/pages/main_window.h"
#include "app/pages/message_bar.h"
#include "app/pages/transport_bar.h"

namespace headroom::pages {

namespace {
constexpr int kLongStep = 10;
}

QAction* MainWindow::addCommand(QMenu* menu, const QString& text, const QKeySequence& keys,
                                std::function<void()> act) {
  QAction* action = menu->addAction(text);
  action->setShortcut(keys);
  connect(action, &QAction::triggered, this, [act = std::move(act)] { act(); });
  return action;
}

void MainWindow::createMenus() {
  QMenu* file = menuBar()->addMenu("&File");
  addCommand(file, "&Open a model\u2026", QKeySequence::Open, [this] { chooseFile(); });
  addCommand(file, "Open a Hugging Face &folder\u2026", Qt::CTRL | Qt::SHIFT | Qt::Key_O,
             [this] { chooseFolder(); });
  m_recent = file->addMenu("Open &recent");
  connect(m_recent, &QMenu::aboutToShow, this, &MainWindow::showRecentFiles);
  addCommand(file, "&Add a lane\u2026", Qt::CTRL | Qt::Key_N, [this] { m_transport->lanes().openMenu(); });
  addCommand(file, "&Close the last lane", Qt::CTRL | Qt::Key_W, [this] {
    if (!m_session.lanes().empty()) closeColor(m_session.lanes().back().colorIndex);
  });
  addCommand(file, "&Undo closing a lane", QKeySequence::Undo, [this] { undoClose(); });
  file->addSeparator();
  addCommand(file, "&Quit", Qt::CTRL | Qt::Key_Q, [this] { close(); });
  createDecodeMenu();
  createExplainMenu();
  createLookMenu();
  createHelpMenu();
}

void MainWindow::createDecodeMenu() {
  QMenu* decode = menuBar()->addMenu("&Decode");
  decode->addAction(m_transport->playAction());
  decode->addAction(m_transport->stepAction());
  decode->addAction(m_transport->restartAction());
  decode->addSeparator();
  addCommand(decode, "&Faster", Qt::Key_Plus, [this] { m_transport->changeSpeed(1); });
  addCommand(decode, "&Slower", Qt::Key_Minus, [this] { m_transport->changeSpeed(-1); });
  decode->addSeparator();
  addCommand(decode, "Edit the &prompt", Qt::CTRL | Qt::Key_L, [this] { m_transport->focusPrompt(); });
  m_chat = addCommand(decode, "Prompt as &chat message", Qt::CTRL | Qt::SHIFT | Qt::Key_L, [this] {
    setPromptForm(m_chat->isChecked() ? session::PromptForm::Chat : session::PromptForm::Text);
    m_session.play();
  });
  m_chat->setToolTip("Put the prompt into the model's own chat template, as the user's message");
  m_ids = addCommand(decode, "Prompt as token &ids", Qt::CTRL | Qt::SHIFT | Qt::Key_I, [this] {
    setPromptForm(m_ids->isChecked() ? session::PromptForm::Ids : session::PromptForm::Text);
    m_session.play();
  });
  m_ids->setToolTip("Feed exactly the token ids that the prompt lists; it begins with those of the text");
  auto* forms = new QActionGroup(this);
  forms->setExclusionPolicy(QActionGroup::ExclusionPolicy::ExclusiveOptional);
  for (QAction* form : {m_chat, m_ids}) {
    form->setCheckable(true);
    forms->addAction(form);
  }
  decode->setToolTipsVisible(true);
  addCommand(decode, "Sam&pling\u2026", Qt::Key_G, [this] { m_transport->openSampling(); });
  addCommand(decode, "&Lockstep on or off", Qt::Key_K, [this] { m_transport->toggleLockstep(); });
}

void MainWindow::createExplainMenu() {
  QMenu* explain = menuBar()->addMenu("&Explain");
  addCommand(explain, "&Go where sharing heads pays", Qt::CTRL | Qt::Key_G, [this] { goThere(); });
  addCommand(explain, "Go &back", Qt::CTRL | Qt::SHIFT | Qt::Key_G, [this] { goBack(); });
  addCommand(explain, "Shared and naive &kernel side by side", Qt::CTRL | Qt::Key_E,
             [this] { compareKernels(-1); });
  addCommand(explain, "&Fill the context to\u2026", Qt::CTRL | Qt::Key_F,
             [this] { m_controls->focusFill(); });
  addCommand(explain, "&Stop filling", QKeySequence(), [this] { m_session.stopFilling(); });
  addCommand(explain, "&Measure this device again", QKeySequence(), [this] { m_session.measureCeilings(); });
  explain->addSeparator();
  addCommand(explain, "Show &charts below", Qt::CTRL | Qt::Key_1,
             [this] { m_lower->setView(LowerView::Charts); });
  addCommand(explain, "Show the &roofline below", Qt::CTRL | Qt::Key_2,
             [this] { m_lower->setView(LowerView::Roofline); });
  addCommand(explain, "Show the &weights below", Qt::CTRL | Qt::Key_3,
             [this] { m_lower->setView(LowerView::Weights); });
  addCommand(explain, "Show the &models below", Qt::CTRL | Qt::Key_4,
             [this] { m_lower->setView(LowerView::Models); });
}

void MainWindow::createLookMenu() {
  QMenu* look = menuBar()->addMenu("&View");
  addCommand(look, "One token back", Qt::Key_Left, [this] { m_selection.movePosition(m_store, -1); });
  addCommand(look, "One token on", Qt::Key_Right, [this] { m_selection.movePosition(m_store, 1); });
  addCommand(look, "Ten tokens back", Qt::SHIFT | Qt::Key_Left,
             [this] { m_selection.movePosition(m_store, -kLongStep); });
  addCommand(look, "Ten tokens on", Qt::SHIFT | Qt::Key_Right,
             [this] { m_selection.movePosition(m_store, kLongStep); });
  addCommand(look, "First token", Qt::Key_Home, [this] {
    if (m_store.length() > 0) m_selection.setPosition(0);
  });
  addCommand(look, "Newest token", Qt::Key_End, [this] { m_selection.setPosition(std::nullopt); });
  look->addSeparator();
  addCommand(look, "Next head", Qt::CTRL | Qt::Key_Right, [this] { m_selection.moveHead(m_store, 0, 1); });
  addCommand(look, "Previous head", Qt::CTRL | Qt::Key_Left,
             [this] { m_selection.moveHead(m_store, 0, -1); });
  addCommand(look, "Next layer", Qt::CTRL | Qt::Key_Down, [this] { m_selection.moveHead(m_store, 1, 0); });
  addCommand(look, "Previous layer", Qt::CTRL | Qt::Key_Up, [this] { m_selection.moveHead(m_store, -1, 0); });
  addCommand(look, "Same head of the next lane", Qt::Key_L, [this] { m_selection.nextLane(m_store); });
  addCommand(look, "Close the inspector", Qt::Key_Escape, [this] {
    if (m_messages->isVisible()) {
      m_messages->dismiss();
    } else {
      m_selection.setHead(std::nullopt);
    }
  });
  look->addSeparator();
  addCommand(look, "Next map scale", Qt::Key_S, [this] {
    const int next = (static_cast<int>(m_selection.mapScale()) + 1) % session::kMapScaleCount;
    m_selection.setMapScale(static_cast<session::MapScale>(next));
  });
  addCommand(look, "Next map colours", Qt::Key_C, [this] {
    const int next = (static_cast<int>(m_selection.colorMap()) + 1) % session::kColorMapCount;
    m_selection.setColorMap(static_cast<session::ColorMap>(next));
  });
  look->addSeparator();
  addCommand(look, "Dark or light", Qt::CTRL | Qt::Key_T, [this] {
    session::Appearance appearance = m_appearance;
    appearance.theme =
        appearance.theme == session::Theme::Dark ? session::Theme::Light : session::Theme::Dark;
    setAppearance(appearance);
  });
  addCommand(look, "Presentation: larger type, fewer controls", Qt::Key_F11, [this] {
    session::Appearance appearance = m_appearance;
    appearance.typeSize =
        appearance.presentation() ? session::TypeSize::Standard : session::TypeSize::Presentation;
    setAppearance(appearance);
  });
}

void MainWindow::createHelpMenu() {
  QMenu* help = menuBar()->addMenu("&Help");
  addCommand(help, "&About Headroom", QKeySequence(), [this] {
    AboutDialog dialog(m_about, this);
    dialog.exec();
  });
}

void MainWindow::showRecentFiles() {
  m_recent->clear();
  for (const std::string& file : m_settings.recentFiles()) {
    const QString path = QString::fromStdString(file);
    m_recent->addAction(QFileInfo(path).fileName(), this, [this, path] { openFiles({path}); })
        ->setToolTip(path);
  }
  if (m_recent->isEmpty()) m_recent->addAction("No file opened yet")->setEnabled(false);
}

}  // namespace headroom::pages
