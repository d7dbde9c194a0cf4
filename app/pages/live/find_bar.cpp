#include "app/pages/live/find_bar.h"

#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QLineEdit>
#include <QToolButton>
#include <algorithm>

#include "app/pages/texts.h"

namespace headroom::pages {

FindBar::FindBar(const session::TraceStore& store, session::Selection& selection, QWidget* parent)
    : QWidget(parent),
      m_store(store),
      m_selection(selection),
      m_sought(new QLineEdit(this)),
      m_count(new QLabel(this)) {
  setObjectName("findBar");
  auto* row = new QHBoxLayout(this);
  row->setContentsMargins(8, 2, 8, 2);
  row->setSpacing(6);
  auto* label = new QLabel("Find tokens with", this);
  label->setBuddy(m_sought);
  m_sought->setObjectName("soughtText");
  m_sought->setMaximumWidth(260);
  m_count->setObjectName("soughtCount");
  row->addWidget(label);
  row->addWidget(m_sought);
  row->addWidget(m_count);
  const auto add = [this, row](const QString& text, const char* name, auto act) {
    auto* button = new QToolButton(this);
    button->setText(text);
    button->setObjectName(name);
    connect(button, &QToolButton::clicked, this, act);
    row->addWidget(button);
  };
  add("Previous", "soughtPrevious", [this] { go(-1); });
  add("Next", "soughtNext", [this] { go(1); });
  row->addStretch(1);
  add("Close", "soughtClose", [this] { close(); });
  connect(m_sought, &QLineEdit::textChanged, this,
          [this](const QString& text) { m_selection.setSought(text.toStdString()); });
  connect(&selection, &session::Selection::changed, this, &FindBar::refresh);
  connect(&store, &session::TraceStore::changed, this, &FindBar::refresh);
  hide();
}

void FindBar::open() {
  show();
  m_sought->setFocus(Qt::OtherFocusReason);
  m_sought->selectAll();
  m_selection.setSought(m_sought->text().toStdString());
}

bool FindBar::close() {
  if (!isVisible()) return false;
  hide();
  m_selection.setSought({});
  parentWidget()->setFocus(Qt::OtherFocusReason);
  return true;
}

int FindBar::lane() const {
  return m_selection.head() ? m_selection.head()->lane : 0;
}

std::vector<int> FindBar::places() const {
  std::vector<int> places;
  if (m_store.laneCount() == 0) return places;
  const session::LaneTrace& trace = m_store.lane(lane());
  for (int position = 0; position < trace.length(); ++position) {
    if (m_selection.isSought(trace, position)) places.push_back(position);
  }
  return places;
}

void FindBar::go(int by) {
  const std::vector<int> places = this->places();
  if (places.empty()) return;
  const int now = m_selection.positionIn(m_store, lane());
  // Around the ends, as elsewhere.
  if (by > 0) {
    const auto next = std::ranges::upper_bound(places, now);
    m_selection.setPosition(next == places.end() ? places.front() : *next);
  } else {
    const auto next = std::ranges::lower_bound(places, now);
    m_selection.setPosition(next == places.begin() ? places.back() : *std::prev(next));
  }
}

void FindBar::refresh() {
  if (!isVisible()) return;
  if (m_selection.sought().empty() || m_store.laneCount() == 0) {
    m_count->clear();
    return;
  }
  const std::vector<int> places = this->places();
  const auto at = std::ranges::find(places, m_selection.positionIn(m_store, lane()));
  const QString of = toQt(m_store.lane(lane()).info().title);
  m_count->setText(
      places.empty() ? QString("none in %1").arg(of)
      : at == places.end()
          ? QString("%1 in %2").arg(grouped(places.size()), of)
          : QString("%1 of %2 in %3").arg(grouped(at - places.begin() + 1), grouped(places.size()), of));
}

void FindBar::keyPressEvent(QKeyEvent* event) {
  switch (event->key()) {
    case Qt::Key_Return:
    case Qt::Key_Enter:
      return go(event->modifiers() & Qt::ShiftModifier ? -1 : 1);
    default:
      QWidget::keyPressEvent(event);
  }
}

}  // namespace headroom::pages
