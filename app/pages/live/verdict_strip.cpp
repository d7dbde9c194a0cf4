#include "app/pages/live/verdict_strip.h"

#include <QAbstractButton>
#include <QButtonGroup>
#include <QGridLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QMenu>
#include <QPushButton>
#include <QTimer>
#include <QToolButton>
#include <QToolTip>
#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>

#include "app/pages/colors.h"
#include "app/pages/live/verdict_details.h"
#include "app/pages/texts.h"
#include "app/session/progress_text.h"
#include "app/session/trained_context.h"
#include "core/model/quantity.h"

namespace headroom::pages {

namespace {

/// The sentence takes its height from the lanes. Where it would need more lines, the buttons beside it stand
/// closer: the views become a menu, and the others two rows.
constexpr int kMostLines = 3;
/// A shorter filling tells too little of how long it takes.
constexpr qint64 kTellsTimeAfterMs = 700;
constexpr std::array<const char*, kLowerViewCount> kViewNames{"Charts", "Speed", "Roofline", "Weights"};
constexpr std::array<const char*, kLowerViewCount> kViewTips{
    "cache growth, bytes per token and time per stage",
    "speed against context, as the last sweep measured it", "the roofline", "the weights' geometry"};

}  // namespace

VerdictStrip::VerdictStrip(const session::TraceStore& store, const session::SpeedBoard& board,
                           QWidget* parent)
    : QFrame(parent),
      m_store(store),
      m_board(board),
      m_views(new QButtonGroup(this)),
      m_allViews(new QToolButton(this)),
      m_buttons(new QWidget(this)),
      m_text(new QLabel(this)),
      m_why(new QPushButton("Why?", this)),
      m_measure(new QPushButton("Measure", this)),
      m_back(new QPushButton("Back", this)),
      m_go(new QPushButton("Go there", this)),
      m_stop(new QPushButton("Stop", this)) {
  setObjectName("verdictStrip");
  auto* layout = new QHBoxLayout(this);
  layout->setContentsMargins(8, 3, 8, 3);
  layout->setSpacing(6);
  for (int view = 0; view < kLowerViewCount; ++view) {
    const auto at = static_cast<std::size_t>(view);
    auto* button = new QToolButton(this);
    button->setText(kViewNames[at]);
    button->setObjectName(QString("view%1").arg(button->text()));
    button->setToolTip(QString("Show below: %1 (Ctrl+%2)").arg(kViewTips[at]).arg(view + 1));
    button->setCheckable(true);
    button->setChecked(view == 0);
    m_views->addButton(button, view);
    layout->addWidget(button);
  }
  offerViews();
  m_text->setObjectName("verdict");
  m_text->setWordWrap(true);
  m_text->setTextFormat(Qt::PlainText);
  m_text->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
  layout->addSpacing(6);
  layout->addWidget(m_text, 1);
  auto* grid = new QGridLayout(m_buttons);
  grid->setContentsMargins(0, 0, 0, 0);
  grid->setSpacing(6);
  layout->addWidget(m_buttons);
  const std::array<std::pair<QPushButton*, const char*>, 5> buttons{
      {{m_why, "why"}, {m_measure, "measure"}, {m_back, "goBack"}, {m_go, "goThere"}, {m_stop, "stop"}}};
  for (const auto& [button, name] : buttons) {
    button->setObjectName(name);
    button->setParent(m_buttons);
    button->setVisible(false);
  }
  m_why->setToolTip("What a step's time consists of, and where these numbers come from");
  m_measure->setToolTip(
      "Time all lanes and both kernels at several contexts and batches, in turns (Ctrl+M). Takes some "
      "seconds; "
      "decoding pauses.");
  connect(m_views, &QButtonGroup::idClicked, this,
          [this](int view) { emit viewChosen(static_cast<LowerView>(view)); });
  connect(m_why, &QPushButton::clicked, this, &VerdictStrip::explain);
  connect(m_measure, &QPushButton::clicked, this, &VerdictStrip::measureSpeed);
  connect(m_back, &QPushButton::clicked, this, &VerdictStrip::goBack);
  connect(m_go, &QPushButton::clicked, this, &VerdictStrip::goThere);
  connect(m_stop, &QPushButton::clicked, this, [this] {
    if (m_state.measuring.underWay) {
      emit stopMeasuring();
    } else {
      emit stopFilling();
    }
  });
  connect(&board, &session::SpeedBoard::changed, this, &VerdictStrip::refresh);
}

void VerdictStrip::setView(std::optional<LowerView> view) {
  // A group that is exclusive keeps one pressed.
  m_views->setExclusive(false);
  for (int each = 0; each < kLowerViewCount; ++each)
    m_views->button(each)->setChecked(view && static_cast<int>(*view) == each);
  m_views->setExclusive(true);
}

void VerdictStrip::setReturn(std::optional<QString> place) {
  m_back->setVisible(place.has_value());
  if (place) m_back->setToolTip("Back to " + *place);
  fitText();
}

void VerdictStrip::setState(const session::SessionState& state) {
  const bool changed = state.filling != m_state.filling || state.measuring != m_state.measuring;
  // Time that a measurement took is none of the filling's.
  const bool goesOn = m_state.measuring.underWay && !state.measuring.underWay;
  if (state.filling.underWay() && (!m_state.filling.underWay() || goesOn)) {
    m_sinceFilling.start();
    m_filledBefore = state.filling.done;
  }
  m_state = state;
  if (changed) refresh();
}

std::optional<int> VerdictStrip::secondsLeft(const session::Filling& filling) const {
  const qint64 elapsed = m_sinceFilling.elapsed();
  const int done = filling.done - m_filledBefore;
  if (elapsed < kTellsTimeAfterMs || done <= 0) return {};
  const double left = 1e-3 * static_cast<double>(elapsed) * (filling.total - filling.done) / done;
  return std::max(1, static_cast<int>(std::lround(left)));
}

void VerdictStrip::refresh() {
  const session::Filling& filling = m_state.filling;
  const session::Measuring& measuring = m_state.measuring;
  if (measuring.underWay) {
    showProgress(toQt(session::progressText(measuring)));
    m_stop->setToolTip("Stop measuring; what was measured so far counts");
  } else if (filling.underWay()) {
    showProgress(toQt(session::progressText(filling, secondsLeft(filling))));
    m_stop->setToolTip("Stop filling and decode from here");
  } else {
    showVerdict();
  }
}

std::optional<analysis::OperatingPoint> VerdictStrip::destination() const {
  const std::optional<analysis::Promise>& promise = m_board.verdict().promise;
  const bool isBusy = m_state.filling.underWay() || m_state.measuring.underWay;
  return promise && !isBusy ? std::optional(promise->at) : std::nullopt;
}

void VerdictStrip::showVerdict() {
  const bool hasLanes = m_board.laneCount() > 0;
  m_stop->setVisible(false);
  m_why->setVisible(hasLanes);
  m_measure->setVisible(hasLanes);
  const std::optional<analysis::OperatingPoint> point = destination();
  m_go->setVisible(point.has_value());
  const QString note = untrainedNote();
  setText(toQt(m_board.sentence()), note, explanation() + (note.isEmpty() ? "" : "\n" + note));
  if (point) {
    m_go->setToolTip(QString("Decode all lanes with batch %1 and %2 positions in the cache (Ctrl+G)")
                         .arg(point->batch)
                         .arg(grouped(point->positions)));
  }
}

void VerdictStrip::showProgress(const QString& text) {
  // Stop takes the place of Measure; the others keep theirs.
  m_measure->setVisible(false);
  m_go->setVisible(false);
  m_stop->setVisible(true);
  setText(text, {}, {});
}

void VerdictStrip::explain() {
  VerdictDetails details(m_store, m_board, this);
  details.exec();
}

QString VerdictStrip::untrainedNote() const {
  for (int lane = 0; lane < std::min(m_board.laneCount(), m_store.laneCount()); ++lane) {
    const std::optional<int> untrained = session::untrainedFrom(m_store.lane(lane).info());
    // As timeline and charts say it: from where on it holds of any lane.
    if (untrained && m_board.measurement(lane).positions > *untrained)
      return toQt(session::untrainedSentence(*session::untrainedFrom(m_store)));
  }
  return {};
}

QString VerdictStrip::explanation() const {
  return "Measured: the quotient of the lanes' median step times over " + toQt(analysis::recentStepsText()) +
         ", at positions that both decoded; behind it the range in which " + toQt(analysis::kRangeShareText) +
         " resampled measurements lie (\u00b1: its farther end).\nExpected: a robust line through all steps "
         "since the last lane came, with its range.\n"
         "Measured at: by the last sweep.";
}

void VerdictStrip::setAppearance(const session::Appearance& appearance) {
  m_appearance = appearance;
  const session::Palette& colors = appearance.palette();
  setStyleSheet(QString("#verdictStrip { background: %1; border-top: 1px solid %2; }"
                        "QToolButton:checked { background: %3; color: %4; }")
                    .arg(toQt(colors.window).name(), toQt(colors.border).name(), toQt(colors.border).name(),
                         toQt(colors.text).name()));
  fitText();
  // Once more with the type that comes with the appearance, and with the width that the window then has.
  QTimer::singleShot(0, this, &VerdictStrip::fitText);
}

void VerdictStrip::changeEvent(QEvent* event) {
  QFrame::changeEvent(event);
  if (event->type() == QEvent::FontChange) QTimer::singleShot(0, this, &VerdictStrip::fitText);
}

void VerdictStrip::resizeEvent(QResizeEvent* event) {
  QFrame::resizeEvent(event);
  fitText();
}

void VerdictStrip::setText(const QString& line, const QString& note, const QString& toolTip) {
  m_line = line;
  m_note = note;
  const bool isRead = QToolTip::isVisible() && m_text->underMouse() && m_text->toolTip() != toolTip;
  m_text->setToolTip(toolTip);
  if (isRead) QToolTip::showText(QCursor::pos(), toolTip, m_text);
  fitText();
}

void VerdictStrip::offerViews() {
  m_allViews->setObjectName("allViews");
  m_allViews->setParent(m_buttons);
  m_allViews->setVisible(false);
  m_allViews->setToolTip("Show below the lanes: charts, speed against context, roofline, weights");
  m_allViews->setText("Charts \u25be");
  m_allViews->setPopupMode(QToolButton::InstantPopup);
  auto* menu = new QMenu(m_allViews);
  menu->setObjectName("allViewsMenu");
  for (int view = 0; view < kLowerViewCount; ++view) {
    menu->addAction(kViewNames[static_cast<std::size_t>(view)], this,
                    [this, view] { emit viewChosen(static_cast<LowerView>(view)); });
  }
  m_allViews->setMenu(menu);
}

std::vector<QWidget*> VerdictStrip::seenButtons() const {
  std::vector<QWidget*> seen;
  for (QWidget* button : std::initializer_list<QWidget*>{m_allViews, m_back, m_go, m_stop, m_measure, m_why})
    if (!button->isHidden()) seen.push_back(button);
  return seen;
}

void VerdictStrip::fitViews() {
  // From the strip's own width, so that what is hidden does not decide whether it is hidden.
  const int spacing = layout()->spacing();
  const QMargins margins = layout()->contentsMargins();
  int room = width() - margins.left() - margins.right() - spacing;
  for (const QPushButton* button : {m_why, m_measure, m_back, m_go, m_stop})
    if (!button->isHidden()) room -= button->sizeHint().width() + spacing;
  int views = 0;
  for (const QAbstractButton* view : m_views->buttons()) views += view->sizeHint().width() + spacing;
  const QFontMetrics metrics(m_text->font());
  const auto fitsBeside = [&](int taken) {
    const QRect needed =
        metrics.boundingRect(QRect(0, 0, std::max(room - taken, 1), 10000), Qt::TextWordWrap, m_line);
    return needed.height() <= kMostLines * metrics.lineSpacing();
  };
  const bool fits = fitsBeside(views);
  for (QAbstractButton* view : m_views->buttons()) view->setVisible(fits);
  m_allViews->setVisible(!fits);
  arrangeButtons(fits || fitsBeside(m_allViews->sizeHint().width() + spacing) ? 1 : 2);
  layout()->activate();
}

void VerdictStrip::arrangeButtons(int rows) {
  const std::vector<QWidget*> seen = seenButtons();
  if (seen == m_arranged && rows == m_arrangedRows) return;
  m_arranged = seen;
  m_arrangedRows = rows;
  auto* grid = static_cast<QGridLayout*>(m_buttons->layout());
  while (grid->count() > 0) delete grid->takeAt(0);
  const int columns = (static_cast<int>(seen.size()) + rows - 1) / rows;
  for (int index = 0; index < static_cast<int>(seen.size()); ++index)
    grid->addWidget(seen[static_cast<std::size_t>(index)], index / columns, index % columns);
  m_buttons->setVisible(!seen.empty());
}

void VerdictStrip::fitText() {
  fitViews();
  // A label's height for a width is never less than its least height, which may be that of larger type.
  m_text->setMinimumHeight(0);
  const int line = QFontMetrics(m_text->font()).lineSpacing();
  const auto heightOf = [&](const QString& text) {
    m_text->setText(text);
    return m_text->heightForWidth(m_text->width());
  };
  int height = heightOf(m_line);
  if (!m_note.isEmpty()) {
    // What lies above needs the height more: the views there are marked, too.
    const int withNote = heightOf(m_line + " " + m_note);
    const bool hasRoom = withNote <= std::max(height, 3 * line);
    height = hasRoom ? withNote : heightOf(m_line);
  }
  m_text->setMinimumHeight(std::max(2 * line, height));
}

}  // namespace headroom::pages
