#include "app/pages/help/tour.h"

#include <QEvent>
#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QTimer>
#include <QVBoxLayout>
#include <algorithm>

#include "app/pages/main_window.h"
#include "app/pages/texts.h"
#include "app/session/display_text.h"
#include "core/analysis/truth_card.h"

namespace headroom::pages {

namespace {
/// In letters of the interface font.
constexpr int kTourWidth = 84;
constexpr int kFramedAfterMs = 200;

}  // namespace

Tour::Tour(session::SessionHost& session, session::Workspace& workspace, const session::TraceStore& store,
           session::Selection& selection, Views views, MainWindow* parent)
    : QDialog(parent),
      m_session(session),
      m_workspace(workspace),
      m_store(store),
      m_selection(selection),
      m_views(std::move(views)),
      m_text(new QLabel(this)),
      m_back(new QPushButton("Back", this)),
      m_next(new QPushButton("Next", this)),
      m_steps(steps()) {
  setObjectName("tour");
  m_text->setObjectName("tourText");
  m_text->setWordWrap(true);
  m_text->setAlignment(Qt::AlignTop | Qt::AlignLeft);
  m_back->setObjectName("tourBack");
  m_next->setObjectName("tourNext");
  m_next->setDefault(true);
  auto* skip = new QPushButton("Leave the tour", this);
  skip->setObjectName("tourLeave");
  skip->setAutoDefault(false);
  m_back->setAutoDefault(false);
  auto* buttons = new QHBoxLayout;
  buttons->addWidget(skip);
  buttons->addStretch(1);
  buttons->addWidget(m_back);
  buttons->addWidget(m_next);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(14, 12, 14, 12);
  layout->setSpacing(10);
  layout->addWidget(m_text, 1);
  layout->addLayout(buttons);
  connect(skip, &QPushButton::clicked, this, &QDialog::reject);
  connect(m_back, &QPushButton::clicked, this, [this] { show(m_step - 1); });
  connect(m_next, &QPushButton::clicked, this, [this] {
    if (m_step + 1 < stepCount()) {
      show(m_step + 1);
    } else {
      accept();
    }
  });
  connect(this, &QDialog::finished, this, &Tour::end);
  parent->installEventFilter(this);
}

int Tour::sharingLane() const {
  int fewest = 0;
  for (int lane = 1; lane < m_store.laneCount(); ++lane) {
    const auto heads = [&](int of) { return m_store.lane(of).info().config.attention.kvHeadCount; };
    if (heads(lane) < heads(fewest)) fewest = lane;
  }
  return fewest;
}

QString Tour::bytesOfToken() const {
  QStringList lanes;
  for (int lane = 0; lane < m_store.laneCount(); ++lane) {
    const session::LaneInfo& info = m_store.lane(lane).info();
    lanes.append(toQt(info.title + ": " + analysis::kvFormula(info.config, info.kvType, info.batch).text()));
  }
  return lanes.join(".\n") + ".";
}

std::vector<Tour::Step> Tour::steps() {
  const auto says = [](const char* text) { return [text] { return QString(text); }; };
  return {
      {"a token",
       says("One step decodes one token: every lane reads the newest token and chooses the next. The tint "
            "shows "
            "which tokens the framed one looked at; a click on a token lists what else it might have been."),
       [this] {
         m_session.pause();
         m_workspace.stepOne();
       }},
      {"its keys and values are written",
       [this] {
         return "For every token each layer writes one key and one value per KV head into the cache "
                "(computed):\n" +
                bytesOfToken();
       },
       [this] { m_workspace.stepOne(); }},
      {"the cache grows",
       says("They stay there, so that no token is computed twice. The KV cache grows with every token; all "
            "lanes' caches are drawn to one scale."),
       [this] { m_workspace.play(); }},
      {"heads share",
       [this] {
         const session::LaneInfo& info = m_store.lane(sharingLane()).info();
         return toQt(info.title + ": " + session::sharingSentence(info.config.attention, 0)) +
                " What belongs together is lit in every lane: point at any KV head, cache strip or column of "
                "W_K and W_V to see it.";
       },
       [this] {
         m_selection.pointAtKvHead(this, session::KvHeadAddress{.lane = sharingLane(), .kvHead = 0});
       }},
      {"bytes per token",
       [this] {
         const QString reads = "A step reads all weights and the whole cache. ";
         return reads +
                (m_views.isPresentation()
                     ? "So it reads more with every position: the chart below shows the cache growing. "
                       "Outside presentation mode the bytes are counted, by class, under each lane."
                     : "The bytes are counted, by class, under each lane; the chart below shows them growing "
                       "with the positions.");
       },
       [this] {
         m_chartsBefore = m_views.wantCharts(true);
         m_workspace.play();
       },
       true},
      {"time",
       says("What that means for time is measured on this device: tokens per second in the headline, and in "
            "the "
            "sentence below how many times as fast, with its spread. Where nothing can be told yet, it says "
            "so."),
       [this] { m_workspace.play(); }, true},
      {"a longer context",
       [this] {
         return QString(
                    "With %1 positions in the cache keys and values are a larger part of what a step reads. "
                    "Go back to "
                    "the lanes and settings from before with Ctrl+Shift+G, or with the button beside the "
                    "sentence below.")
             .arg(grouped(m_reached));
       },
       [this] {
         if (const int reached =
                 m_workspace.goTo({.batch = m_store.lane(0).info().batch, .positions = kLongerContext})) {
           m_reached = reached;
           m_wentAway = true;
         }
       },
       true},
  };
}

void Tour::begin() {
  if (m_store.laneCount() == 0) return;
  m_views.showLive();
  const QWidget* window = parentWidget();
  const QFontMetrics metrics(font());
  const int width = std::min(kTourWidth * metrics.averageCharWidth(), window->width() * 9 / 10);
  setFixedWidth(width);
  // As high as its longest step needs: buttons stay where they are from step to step.
  const QMargins margins = layout()->contentsMargins();
  int height = 0;
  for (const Step& step : m_steps) {
    const QRect room(0, 0, width - margins.left() - margins.right(), QWIDGETSIZE_MAX);
    height = std::max(height, metrics.boundingRect(room, Qt::TextWordWrap, step.text()).height());
  }
  m_text->setFixedHeight(height + metrics.lineSpacing());
  // A tour that begins takes nobody back.
  m_wentAway = false;
  show(0);
  QDialog::show();
  place();
  // Once more when the desktop has put a frame around it, which counts.
  QTimer::singleShot(kFramedAfterMs, this, &Tour::place);
  raise();
  activateWindow();
}

bool Tour::eventFilter(QObject* watched, QEvent* event) {
  if (watched == parentWidget() && event->type() == QEvent::Resize && isVisible()) place();
  return QDialog::eventFilter(watched, event);
}

void Tour::place() {
  const QWidget* window = parentWidget();
  const int margin = fontMetrics().lineSpacing();
  const QSize size = sizeHint().expandedTo(QSize(width(), 0));
  // Above, headers and headlines stay in sight.
  const int top = m_steps[static_cast<std::size_t>(m_step)].tellsOfBelow
                      ? window->height() / 4
                      : window->height() - size.height() - margin;
  move(window->mapToGlobal(QPoint(window->width() - size.width() - margin, top)));
}

void Tour::leaveStep() {
  m_selection.pointAtKvHead(this, std::nullopt);
  if (m_chartsBefore) m_views.wantCharts(*m_chartsBefore);
  m_chartsBefore.reset();
}

void Tour::show(int step) {
  leaveStep();
  // Back from the longer context, from one step to the one before.
  if (step < m_step && m_wentAway) m_workspace.goBack();
  m_wentAway = false;
  m_step = step;
  const Step& shown = m_steps[static_cast<std::size_t>(step)];
  setWindowTitle(QString("Tour, %1 of %2: %3").arg(step + 1).arg(stepCount()).arg(shown.title));
  shown.act();
  m_text->setText(shown.text());
  m_back->setEnabled(step > 0);
  m_next->setText(step + 1 < stepCount() ? "Next" : "Done");
  if (isVisible()) place();
}

void Tour::end() {
  leaveStep();
}

}  // namespace headroom::pages
