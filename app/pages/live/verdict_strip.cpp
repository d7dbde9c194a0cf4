#include "app/pages/live/verdict_strip.h"

#include <QButtonGroup>
#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QToolButton>
#include <algorithm>
#include <array>

#include "app/pages/colors.h"
#include "app/pages/texts.h"
#include "app/session/trained_context.h"
#include "core/analysis/quantity.h"

namespace headroom::pages {

namespace {

/// Often enough to follow, seldom enough to be read.
constexpr int kIntervalMs = 700;
constexpr std::array<const char*, kLowerViewCount> kViewNames{"Charts", "Roofline", "Weights"};

QString text(const std::string& utf8) {
  return QString::fromStdString(utf8);
}

}  // namespace

VerdictStrip::VerdictStrip(const session::TraceStore& store, const session::Selection& selection,
                           QWidget* parent)
    : QFrame(parent),
      m_store(store),
      m_selection(selection),
      m_views(new QButtonGroup(this)),
      m_text(new QLabel(this)),
      m_measure(new QPushButton("Measure", this)),
      m_back(new QPushButton("Back", this)),
      m_go(new QPushButton("Go there", this)),
      m_stop(new QPushButton("Stop", this)),
      m_timer(this) {
  setObjectName("verdictStrip");
  auto* layout = new QHBoxLayout(this);
  layout->setContentsMargins(8, 3, 8, 3);
  layout->setSpacing(6);
  for (int view = 0; view < kLowerViewCount; ++view) {
    auto* button = new QToolButton(this);
    button->setText(kViewNames[static_cast<std::size_t>(view)]);
    button->setObjectName(QString("view%1").arg(button->text()));
    button->setToolTip(QString("Show below: %1 (Ctrl+%2)").arg(button->text().toLower()).arg(view + 1));
    button->setCheckable(true);
    button->setChecked(view == 0);
    m_views->addButton(button, view);
    layout->addWidget(button);
  }
  m_text->setObjectName("verdict");
  m_text->setWordWrap(true);
  m_text->setTextFormat(Qt::PlainText);
  m_text->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
  layout->addSpacing(6);
  layout->addWidget(m_text, 1);
  const std::array<std::pair<QPushButton*, const char*>, 4> buttons{
      {{m_measure, "measure"}, {m_back, "goBack"}, {m_go, "goThere"}, {m_stop, "stopFilling"}}};
  for (const auto& [button, name] : buttons) {
    button->setObjectName(name);
    button->setVisible(false);
    layout->addWidget(button);
  }
  m_measure->setToolTip(
      "Measure what this device reaches: copies, arithmetic, dispatches. Takes about a second.");
  m_stop->setToolTip("Stop filling and decode from here");
  connect(m_views, &QButtonGroup::idClicked, this,
          [this](int view) { emit viewChosen(static_cast<LowerView>(view)); });
  connect(m_measure, &QPushButton::clicked, this, &VerdictStrip::measureCeilings);
  connect(m_back, &QPushButton::clicked, this, &VerdictStrip::goBack);
  connect(m_go, &QPushButton::clicked, this, &VerdictStrip::goThere);
  connect(m_stop, &QPushButton::clicked, this, &VerdictStrip::stopFilling);
  m_timer.setSingleShot(true);
  connect(&m_timer, &QTimer::timeout, this, &VerdictStrip::refresh);
  connect(&store, &session::TraceStore::changed, this, &VerdictStrip::request);
  connect(&selection, &session::Selection::changed, this, &VerdictStrip::request);
}

void VerdictStrip::setView(LowerView view) {
  m_views->button(static_cast<int>(view))->setChecked(true);
}

void VerdictStrip::setReturn(std::optional<QString> place) {
  m_back->setVisible(place.has_value());
  if (place) m_back->setToolTip("Back to " + *place);
}

void VerdictStrip::setState(const session::SessionState& state) {
  const bool changed = state.filling != m_state.filling;
  m_state = state;
  if (changed) refresh();
}

void VerdictStrip::request() {
  if (!m_timer.isActive()) m_timer.start(kIntervalMs);
}

void VerdictStrip::refresh() {
  if (m_state.filling.underWay()) {
    showFilling();
    return;
  }
  std::vector<analysis::LaneMeasurement> lanes;
  for (int lane = 0; lane < m_store.laneCount(); ++lane) {
    lanes.push_back(m_store.lane(lane).measured(m_selection.positionIn(m_store, lane)));
  }
  m_verdict = analysis::judge(lanes, m_store.ceilings());
  showVerdict();
}

std::optional<analysis::OperatingPoint> VerdictStrip::destination() const {
  if (!m_verdict.outlook || m_state.filling.underWay()) return std::nullopt;
  const auto& [half, twice] = m_verdict.outlook->reached;
  const session::LaneTrace& lane = m_store.lane(m_verdict.lane);
  const auto elsewhere = [&](const std::optional<analysis::OperatingPoint>& point) {
    return point && (point->batch != lane.info().batch || point->positions > lane.length());
  };
  if (elsewhere(twice)) return twice;
  return elsewhere(half) && !twice ? half : std::nullopt;
}

void VerdictStrip::showVerdict() {
  m_stop->setVisible(false);
  m_measure->setVisible(m_store.laneCount() > 0 && !m_store.ceilings().known());
  if (m_verdict.lane < 0) {
    setText(m_store.laneCount() == 0 ? "" : "Decode a few tokens to see what limits a step on this device.",
            {}, {});
    m_go->setVisible(false);
    return;
  }
  const QString title = text(m_store.lane(m_verdict.lane).info().title);
  QString line =
      title + (m_verdict.bound == analysis::Bound::Unknown ? ": " : " is ") + text(m_verdict.sentence);
  if (!m_verdict.outlookSentence.empty()) line += " " + text(m_verdict.outlookSentence);
  const std::optional<int> untrained = beyondTraining();
  const QString note = untrained ? text(session::untrainedSentence(*untrained)) : QString();
  setText(line, note, explanation() + (note.isEmpty() ? "" : "\n" + note));
  const std::optional<analysis::OperatingPoint> point = destination();
  m_go->setVisible(point.has_value());
  if (point) {
    m_go->setToolTip(QString("Decode all lanes with batch %1 and %2 positions in the cache (Ctrl+G)")
                         .arg(point->batch)
                         .arg(grouped(point->positions)));
  }
}

std::optional<int> VerdictStrip::beyondTraining() const {
  for (int lane = 0; lane < m_store.laneCount(); ++lane) {
    const std::optional<int> untrained = session::untrainedFrom(m_store.lane(lane).info());
    if (untrained && m_selection.positionIn(m_store, lane) >= *untrained) return untrained;
  }
  return std::nullopt;
}

void VerdictStrip::showFilling() {
  m_measure->setVisible(false);
  m_go->setVisible(false);
  m_stop->setVisible(true);
  const session::Filling& filling = m_state.filling;
  setText(QString("Filling the caches with the prompt's text: %1 of %2 positions, %3 %.")
              .arg(grouped(filling.done), grouped(filling.total))
              .arg(100 * filling.done / std::max(filling.total, 1)),
          {}, {});
}

QString VerdictStrip::explanation() const {
  const model::DeviceCeilings& ceilings = m_store.ceilings();
  QString tip =
      "Measured: times of " + QString::fromStdString(analysis::recentStepsText()) +
      ". Counted: dispatches and bytes. Class: the largest share of the step's time.\n"
      "Launch = dispatches \u00d7 an empty dispatch + the time outside the stages. Of each stage the rest "
      "counts "
      "as compute where its FLOPs at the FMA probe take longer than its bytes at the copy probe, else as "
      "weights "
      "or KV.\n"
      "Prediction: time = fixed + batch \u00d7 (per sequence + positions \u00d7 per position); the last is "
      "the "
      "measured slope of attention time, or KV bytes / copy probe where none shows yet. A layout that runs "
      "in no "
      "lane is computed from its KV bytes.";
  if (ceilings.known()) {
    tip +=
        QString(
            "\nProbes of %1: an empty dispatch %2 \u00b5s, copies %3 GB/s in caches and %4 GB/s in memory, "
            "FMA %5 GFLOP/s.")
            .arg(text(ceilings.date), text(analysis::fixedText(ceilings.emptyDispatchUs, 1)),
                 text(analysis::fixedText(ceilings.fastestCopy(), 1)),
                 text(analysis::fixedText(ceilings.memoryCopy(), 1)),
                 text(analysis::fixedText(ceilings.fmaGflops, 0)));
  }
  return tip;
}

void VerdictStrip::setAppearance(const session::Appearance& appearance) {
  m_appearance = appearance;
  const session::Palette& colors = appearance.palette();
  setStyleSheet(QString("#verdictStrip { background: %1; border-top: 1px solid %2; }"
                        "QToolButton:checked { background: %3; color: %4; }")
                    .arg(toQt(colors.window).name(), toQt(colors.border).name(), toQt(colors.border).name(),
                         toQt(colors.text).name()));
  fitText();
}

void VerdictStrip::resizeEvent(QResizeEvent* event) {
  QFrame::resizeEvent(event);
  fitText();
}

void VerdictStrip::setText(const QString& line, const QString& note, const QString& toolTip) {
  m_line = line;
  m_note = note;
  m_text->setToolTip(toolTip);
  fitText();
}

void VerdictStrip::fitText() {
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
