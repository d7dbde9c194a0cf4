#include "app/pages/message_bar.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QToolButton>
#include <QWindow>
#include <algorithm>
#include <utility>

#include "app/pages/colors.h"
#include "app/pages/icons.h"

namespace headroom::pages {

namespace {
constexpr int kPassingMs = 5000;
constexpr int kMostProblems = 3;
constexpr int kMostHistory = 20;
constexpr int kMostWidth = 820;
constexpr int kDistance = 10;  ///< from the area's edges
}  // namespace

MessageBar::MessageBar(QWidget* parent)
    : QFrame(parent),
      m_label(new QLabel(this)),
      m_action(new QPushButton(this)),
      m_close(new QToolButton(this)) {
  setObjectName("messageBar");
  // The live view is a window of its own, a child of the whole: only another such child can lie above it.
  setAttribute(Qt::WA_NativeWindow);
  setAttribute(Qt::WA_DontCreateNativeAncestors);
  m_label->setObjectName("messageText");
  m_label->setWordWrap(true);
  m_label->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
  m_label->setTextFormat(Qt::PlainText);
  m_close->setToolTip("Dismiss (Esc)");
  m_close->setAutoRaise(true);
  auto* layout = new QHBoxLayout(this);
  layout->setContentsMargins(12, 4, 6, 4);
  layout->addWidget(m_label, 1);
  layout->addWidget(m_action);
  layout->addWidget(m_close);
  connect(m_close, &QToolButton::clicked, this, &MessageBar::dismiss);
  connect(m_action, &QPushButton::clicked, this, [this] {
    const std::function<void()> act = std::exchange(m_act, nullptr);
    dismiss();
    if (act) act();
  });
  m_passing.setSingleShot(true);
  connect(&m_passing, &QTimer::timeout, this, &MessageBar::dismissNote);
  setVisible(false);
}

void MessageBar::show(const session::Message& message) {
  const QString sentence = QString::fromStdString(message.sentence);
  m_history.append(sentence);
  if (m_history.size() > kMostHistory) m_history.removeFirst();
  if (message.severity == session::Severity::Problem) {
    m_problems.removeAll(sentence);
    m_problems.append(sentence);
    if (m_problems.size() > kMostProblems) m_problems.removeFirst();
    if (m_passing.isActive()) clearNote();
  } else {
    m_note = sentence;
  }
  if (message.severity != session::Severity::Problem || m_note.isEmpty()) {
    m_action->setVisible(false);
    m_act = nullptr;
  }
  setVisible(true);
  showText();
  m_passing.stop();
  if (message.severity == session::Severity::Passing) m_passing.start(kPassingMs);
}

void MessageBar::show(const session::Message& message, const QString& action, std::function<void()> act) {
  show(message);
  m_act = std::move(act);
  m_action->setText(action);
  m_action->setVisible(true);
  place();
}

void MessageBar::renew(const session::Message& message, const QString& action, std::function<void()> act) {
  if (!m_note.isEmpty() && !m_history.isEmpty() && m_history.back() == m_note) m_history.removeLast();
  show(message, action, std::move(act));
}

void MessageBar::showText() {
  m_label->setText((m_note.isEmpty() ? m_problems : m_problems + QStringList{m_note}).join('\n'));
  restyle();
  place();
}

void MessageBar::floatIn(const QRect& area) {
  m_area = area;
  place();
}

void MessageBar::place() {
  if (m_area.isEmpty()) return;
  const int width = std::min(m_area.width() - 2 * kDistance, kMostWidth);
  layout()->activate();
  const int height = std::max(layout()->hasHeightForWidth() ? layout()->totalHeightForWidth(width) : 0,
                              layout()->totalMinimumSize().height());
  setGeometry(m_area.center().x() - width / 2, m_area.bottom() - kDistance - height, width, height);
  // Above all pages, or what they paint is painted over it; and above the live view, which is no widget.
  raise();
  if (QWindow* window = windowHandle()) window->raise();
}

void MessageBar::clearNote() {
  const QString gone = std::exchange(m_note, {});
  if (!gone.isEmpty()) emit noteGone(gone);
}

void MessageBar::dismiss() {
  m_problems.clear();
  clearNote();
  setVisible(false);
}

void MessageBar::dismissNote() {
  clearNote();
  m_action->setVisible(false);
  m_act = nullptr;
  if (m_problems.isEmpty()) {
    setVisible(false);
  } else {
    showText();
  }
}

QString MessageBar::sentence() const {
  return isHidden() ? QString() : m_label->text();
}

void MessageBar::setAppearance(const session::Appearance& appearance) {
  m_appearance = appearance;
  const int size = qRound(16.0f * appearance.scale());
  m_close->setIconSize({size, size});
  m_close->setIcon(makeIcon(Icon::Close, toQt(appearance.palette().text)));
  restyle();
}

void MessageBar::restyle() {
  const session::Palette& colors = m_appearance.palette();
  const bool problem = !m_problems.isEmpty();
  setStyleSheet(QString("#messageBar { background: %1; border: 1px solid %2; }")
                    .arg(toQt(problem ? colors.problem : colors.raised).name(), toQt(colors.border).name()));
}

}  // namespace headroom::pages
