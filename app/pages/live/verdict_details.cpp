#include "app/pages/live/verdict_details.h"

#include <QDialogButtonBox>
#include <QTextBrowser>
#include <QVBoxLayout>
#include <array>
#include <span>
#include <vector>

#include "app/pages/texts.h"
#include "core/analysis/glossary.h"
#include "core/analysis/model_difference.h"
#include "core/analysis/step_bound.h"
#include "core/analysis/step_parts.h"
#include "core/model/quantity.h"

namespace headroom::pages {

namespace {

QString row(const QString& label, const QString& value) {
  return QString("<tr><td style='padding-right:16px'>%1</td><td align='right'>%2</td></tr>")
      .arg(label.toHtmlEscaped(), value.toHtmlEscaped());
}

/// What a step's time consists of: milliseconds, and percents that add up.
QString partsOf(const std::vector<QString>& names, std::span<const double> milliseconds) {
  const std::vector<std::string> percents = model::percentTexts(milliseconds);
  QString text;
  for (std::size_t part = 0; part < names.size(); ++part)
    text += row(names[part], toQt(model::millisecondsText(milliseconds[part])) + ", " + toQt(percents[part]));
  return text;
}

QString timesOf(const session::TraceStore& store, const session::SpeedBoard& board, int lane) {
  const analysis::LaneMeasurement& measured = board.measurement(lane);
  QString text = QString("<h3>%1</h3>").arg(toQt(store.lane(lane).info().title).toHtmlEscaped());
  if (!measured.measured()) return text + "<p>No decode step was measured yet.</p>";
  text += QString("<p>%1</p>").arg(toQt(analysis::boundSentence(measured, store.ceilings())).toHtmlEscaped());
  text += "<table>";
  text += row("a step, median of " + toQt(analysis::recentStepsText(measured.stepCount)),
              toQt(model::millisecondsText(measured.stepMs)));
  std::vector<QString> parts;
  for (int stage = 0; stage < model::kStageCount; ++stage)
    parts.push_back(toQt(model::stageName(static_cast<model::Stage>(stage))));
  parts.emplace_back("outside the stages: prepare, submit, read back");
  if (measured.timedCount > 0 && measured.timedCount < measured.stepCount) {
    text += row(QString("a step with time stamps between its stages, which take time: median of the last %1")
                    .arg(measured.timedCount),
                toQt(model::millisecondsText(measured.timedStepMs)));
    text += row("parts of such steps, scaled together so that they add up to a step without", {});
  } else {
    text += row("its parts, medians scaled together so that they add up to it", {});
  }
  text += partsOf(parts, analysis::stepPartsMs(measured));
  if (analysis::boundOf(measured, store.ceilings()) != analysis::Bound::Unknown) {
    const analysis::TimeShares shares = analysis::timeShares(measured, store.ceilings());
    text += row("the same step, computed: beyond its launch a stage counts whole as what limits it most", {});
    // What limits no stage is left out: that it takes no time would not be true.
    std::vector<QString> limits;
    std::vector<double> milliseconds;
    const auto add = [&](const char* limit, double ms) {
      if (ms <= 0.0) return;
      limits.emplace_back(limit);
      milliseconds.push_back(ms);
    };
    add("launching", shares.launchMs);
    add("stages that reading weights limits", shares.weightMs);
    add("stages that reading keys and values limits", shares.kvMs);
    add("stages that instructions limit", shares.computeMs);
    text += partsOf(limits, milliseconds);
  }
  return text + "</table>";
}

analysis::ModelSize sizeOf(const session::LaneInfo& lane) {
  return {.title = lane.title, .ffnDim = lane.config.ffnDim, .parameterCount = lane.parameterCount};
}

QString comparisonOf(const session::TraceStore& store, const session::SpeedBoard& board) {
  const analysis::Verdict& verdict = board.verdict();
  QString text, remarks;
  if (verdict.reference < 0) return text;
  const QString reference = toQt(store.lane(verdict.reference).info().title);
  text += "<h3>Compared</h3><table>";
  for (const analysis::AgainstReference& against : verdict.others) {
    const session::LaneInfo& lane = store.lane(against.lane).info();
    const QString name = toQt(lane.title);
    if (const auto differs =
            analysis::sizeDifference(sizeOf(store.lane(verdict.reference).info()), sizeOf(lane)))
      remarks += QString("<p>%1</p>").arg(toQt(*differs).toHtmlEscaped());
    text += row(name + " as fast as " + reference + ", measured",
                against.speedup ? toQt(against.speedup->rangeText()) : QString("too few common positions"));
    const bool isCounted =
        board.measurement(verdict.reference).measured() && board.measurement(against.lane).measured();
    text += row(name + " reads fewer bytes per step, logical, counted",
                isCounted ? fixed(against.bytesRatio, 2) + "\u00d7" : QString("\u2013"));
  }
  if (verdict.promise || verdict.quoted) {
    const analysis::Promise& promise = verdict.promise ? *verdict.promise : *verdict.quoted;
    text += row(QString(promise.isMeasured ? "least to most of the sweep's rounds at batch %1, %2 positions"
                                           : "expected at batch %1, %2 positions")
                    .arg(promise.at.batch)
                    .arg(grouped(promise.at.positions)),
                toQt(promise.speedup.rangeText()));
  }
  return text + "</table>" + remarks;
}

QString sweepOf(const analysis::SpeedMap& map) {
  if (map.curves.empty()) return "<h3>Last sweep</h3><p>None yet: Measure makes one.</p>";
  QString text = QString("<h3>Last sweep</h3><p>%1, %2%3. Median ms a step, with the least and the most.</p>")
                     .arg(toQt(map.date), toQt(map.device).toHtmlEscaped(),
                          map.isComplete ? "" : ", stopped before its end");
  text += "<table>";
  for (const analysis::SpeedCurve& curve : map.curves) {
    for (const analysis::SpeedPoint& point : curve.points) {
      const model::Spread spread = point.stepMs();
      text += row(QString("%1, batch %2, %3 positions")
                      .arg(toQt(curve.title()))
                      .arg(point.at.batch)
                      .arg(grouped(point.at.positions)),
                  QString("%1 (%2 to %3)")
                      .arg(fixed(spread.median, 3), fixed(spread.minimum, 3), fixed(spread.maximum, 3)));
    }
  }
  return text + "</table>";
}

/// The classes and what each means.
QString definitions() {
  QString words;
  for (const analysis::Bound bound :
       {analysis::Bound::Launch, analysis::Bound::Weights, analysis::Bound::Kv, analysis::Bound::Compute,
        analysis::Bound::Instructions, analysis::Bound::CacheResident}) {
    const analysis::Term& term = analysis::term(analysis::boundName(bound));
    words +=
        QString("<b>%1</b>: %2 ").arg(toQt(term.name).toHtmlEscaped(), toQt(term.meaning).toHtmlEscaped());
  }
  const analysis::Term& tooNoisy = analysis::term("too noisy");
  return QString(
             "<h3>What the words mean</h3><p>%1</p>"
             "<p><b>Range</b>: %2 resampled measurements lie in it. <b>Expected</b>: the time of the "
             "faster lane and what the slower one takes on top are each a robust line (Theil\u2013Sen) over "
             "the positions of all steps since the last lane came; the range widens with each doubling "
             "beyond them. "
             "<b>Percents</b> are rounded so that those of one step add up to 100. "
             "<b>Sweep</b>: every lane and kernel in turns, in shuffled order, several rounds at each point, "
             "behind a cache of random content. <b>Too noisy</b>: %3 It is too little where %4.</p>")
      .arg(words, toQt(analysis::kRangeShareText), toQt(tooNoisy.meaning).toHtmlEscaped(),
           toQt(tooNoisy.formula).toHtmlEscaped());
}

}  // namespace

VerdictDetails::VerdictDetails(const session::TraceStore& store, const session::SpeedBoard& board,
                               QWidget* parent)
    : QDialog(parent) {
  setWindowTitle("Why?");
  setObjectName("verdictDetails");
  auto* text = new QTextBrowser(this);
  text->setObjectName("verdictDetailsText");
  QString html = QString("<p><b>%1</b></p>").arg(toQt(board.sentence()).toHtmlEscaped());
  html += comparisonOf(store, board);
  for (int lane = 0; lane < board.laneCount(); ++lane) html += timesOf(store, board, lane);
  html += sweepOf(store.speedMap());
  html += definitions();
  text->setHtml(html);
  auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close, this);
  connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
  auto* layout = new QVBoxLayout(this);
  layout->addWidget(text, 1);
  layout->addWidget(buttons);
  resize(parent->window()->size().boundedTo(QSize(760, 640)));
}

}  // namespace headroom::pages
