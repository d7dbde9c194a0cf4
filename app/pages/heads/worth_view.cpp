#include "app/pages/heads/worth_view.h"

#include <QHBoxLayout>
#include <QHelpEvent>
#include <QLabel>
#include <QMouseEvent>
#include <QPainter>
#include <QScrollArea>
#include <QToolButton>
#include <QToolTip>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>

#include "app/pages/colors.h"
#include "app/pages/texts.h"

namespace headroom::pages {

namespace {
constexpr double kBarMargin = 10.0;
/// Across, of names and of figures, in units of the type's size.
constexpr double kNameWidth = 8.0;
constexpr double kFigureWidth = 10.0;
constexpr const char* kNothingMeasured =
    "No loss is measured yet: choose a head and press \u201cLoss without each head\u201d, or the button "
    "beside "
    "it for KV heads.";
}  // namespace

class WorthView::Bars : public QWidget {
 public:
  Bars(WorthView& view) : QWidget(&view), m_view(view) { setObjectName("worthBars"); }

  session::Appearance appearance;
  std::vector<session::HeadWorth> worths;

  double row() const { return 1.6 * static_cast<double>(appearance.textSize()); }
  QSize sizeHint() const override {
    return {static_cast<int>(26.0 * appearance.textSize()),
            static_cast<int>(row() * static_cast<double>(worths.size()) + kBarMargin)};
  }
  QSize minimumSizeHint() const override { return sizeHint(); }

 protected:
  void paintEvent(QPaintEvent* event) override {
    QPainter painter(this);
    const session::Palette& colors = appearance.palette();
    painter.fillRect(event->rect(), toQt(colors.panel));
    QFont type = font();
    type.setPixelSize(static_cast<int>(appearance.textSize()));
    painter.setFont(type);
    // One scale for all, errors included.
    double least = 0.0, most = 0.0;
    for (const session::HeadWorth& worth : worths) {
      const double error = errorOf(worth);
      least = std::min(least, worth.loss.change - error);
      most = std::max(most, worth.loss.change + error);
    }
    const double unit = static_cast<double>(appearance.textSize());
    const double left = kBarMargin + kNameWidth * unit;
    const double room = std::max(40.0, width() - left - kFigureWidth * unit - kBarMargin);
    const auto xOf = [&](double change) {
      return left + (most > least ? (change - least) / (most - least) * room : 0.0);
    };
    for (std::size_t index = 0; index < worths.size(); ++index) {
      const session::HeadWorth& worth = worths[index];
      const QRectF line(0.0, row() * static_cast<double>(index), width(), row());
      if (!line.intersects(event->rect())) continue;
      const QColor lane = toQt(colors.lane(m_view.m_board.entries()[worth.entry].report.lane.colorIndex));
      painter.setPen(lane);
      painter.drawText(QRectF(kBarMargin, line.top(), kNameWidth * unit, line.height()), Qt::AlignVCenter,
                       painter.fontMetrics().elidedText(toQt(session::nameOf(m_view.m_board, worth)),
                                                        Qt::ElideRight, static_cast<int>(kNameWidth * unit)));
      const double change = worth.loss.withinNoise ? 0.0 : worth.loss.change;
      const QRectF bar(QPointF(std::min(xOf(0.0), xOf(change)), line.top() + 0.25 * row()),
                       QPointF(std::max(xOf(0.0), xOf(change)), line.top() + 0.75 * row()));
      // A KV head's bar is full, a single head's an outline.
      const bool isGroup = worth.unit == evaluation::AblationUnit::KvHead;
      if (isGroup) painter.fillRect(bar, lane);
      painter.setPen(QPen(lane, 1.0));
      painter.drawRect(bar);
      painter.setPen(QPen(toQt(colors.text), 1.0));
      const double error = errorOf(worth);
      const double middle = line.center().y();
      if (error > 0.0)
        painter.drawLine(QPointF(xOf(change - error), middle), QPointF(xOf(change + error), middle));
      painter.setPen(toQt(worth.isTold() ? colors.text : colors.textDim));
      painter.drawText(QRectF(left + room + 0.5 * unit, line.top(), kFigureWidth * unit, line.height()),
                       Qt::AlignVCenter, lossText(worth.loss));
    }
    painter.setPen(QPen(toQt(colors.border), 1.0));
    painter.drawLine(QPointF(xOf(0.0), 0.0), QPointF(xOf(0.0), row() * static_cast<double>(worths.size())));
  }

  bool event(QEvent* event) override {
    if (event->type() != QEvent::ToolTip) return QWidget::event(event);
    const auto* help = static_cast<QHelpEvent*>(event);
    const session::HeadWorth* worth = at(help->pos());
    if (!worth) {
      QToolTip::hideText();
      return true;
    }
    const QString what =
        worth->readers > 1 ? QString("Without this KV head and the %1 heads that read it").arg(worth->readers)
                           : QString("Without this head");
    QToolTip::showText(
        help->globalPos(),
        inLines(
            QString("%1\n%2 the loss changes by %3 nats per token; \u00b1 is the standard error, the line "
                    "1.96 of them to either side.%4")
                .arg(toQt(session::nameOf(m_view.m_board, *worth)), what, lossText(worth->loss),
                     worth->isTold() ? "" : " The text is too short to tell it from none.")),
        this);
    return true;
  }

  void mousePressEvent(QMouseEvent* event) override {
    const session::HeadWorth* worth = at(event->pos());
    if (!worth) return;
    const model::AttentionShape& heads = m_view.m_board.entries()[worth->entry].report.config.attention;
    // Of a KV head the first that reads it.
    const int head = worth->loss.head * worth->readers;
    emit m_view.chosen(
        {worth->entry, static_cast<std::size_t>(worth->loss.layer * heads.queryHeadCount + head)});
  }

 private:
  static double errorOf(const session::HeadWorth& worth) {
    return std::isfinite(worth.loss.standardError) ? session::kToldErrors * worth.loss.standardError : 0.0;
  }
  const session::HeadWorth* at(QPoint point) const {
    const auto index = static_cast<std::size_t>(std::max(0.0, point.y() / row()));
    return index < worths.size() ? &worths[index] : nullptr;
  }

  WorthView& m_view;
};

WorthView::WorthView(const session::HeadBoard& board, QWidget* parent)
    : QWidget(parent),
      m_board(board),
      m_answer(new QLabel(this)),
      m_copy(new QToolButton(this)),
      m_scroll(new QScrollArea(this)),
      m_bars(new Bars(*this)) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  auto* top = new QHBoxLayout;
  top->setContentsMargins(8, 4, 8, 0);
  m_answer->setObjectName("worthAnswer");
  m_answer->setWordWrap(true);
  m_copy->setText("Copy table");
  m_copy->setObjectName("copyWorth");
  m_copy->setToolTip("These losses as comma-separated values, to the clipboard");
  top->addWidget(m_answer, 1);
  top->addWidget(m_copy, 0, Qt::AlignTop);
  layout->addLayout(top);
  m_scroll->setWidget(m_bars);
  m_scroll->setWidgetResizable(true);
  m_scroll->setFrameShape(QFrame::NoFrame);
  layout->addWidget(m_scroll, 1);
  connect(m_copy, &QToolButton::clicked, this,
          [this] { emit copyWanted(session::worthCsv(m_board, m_bars->worths)); });
}

void WorthView::setAppearance(const session::Appearance& appearance) {
  m_bars->appearance = appearance;
  refresh();
}

void WorthView::refresh() {
  m_bars->worths = session::headWorths(m_board);
  m_answer->setText(m_bars->worths.empty() ? QString(kNothingMeasured)
                                           : toQt(session::worthAnswer(m_board, m_bars->worths)));
  m_copy->setEnabled(!m_bars->worths.empty());
  m_bars->updateGeometry();
  m_bars->update();
}

}  // namespace headroom::pages
