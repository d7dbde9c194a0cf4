#include "app/pages/heads/head_exports.h"

#include <QAction>
#include <QCoreApplication>
#include <QWidget>

#include "app/pages/heads/heads_page.h"
#include "app/pages/heads/repeated_tokens_popover.h"
#include "app/pages/heads/subspace_chart.h"
#include "core/model/clock.h"
#include "core/model/error.h"

namespace headroom::pages {

namespace {

/// They refer to the board.
std::vector<figures::SurveyedLane> surveyedLanes(const session::HeadBoard& board) {
  std::vector<figures::SurveyedLane> lanes;
  const auto& colors = analysis::kLaneColorsOnLight;
  for (std::size_t index = 0; index < board.entries().size(); ++index) {
    const session::HeadReport& report = board.entries()[index].report;
    lanes.push_back({.title = report.title,
                     .model = report.config.name,
                     .device = report.deviceName,
                     .text = report.textName.empty() ? "what was decoded" : report.textName,
                     .repeated = RepeatedTokensPopover::summary(report.repeated).toStdString(),
                     .color = colors[static_cast<std::size_t>(report.lane.colorIndex) % colors.size()],
                     .attention = report.config.attention,
                     .layerCount = report.config.layerCount,
                     .survey = &report.survey,
                     .losses = {}});
    for (const analysis::HeadSurvey::Head& head : report.survey.heads) {
      const session::HeadBoard::Loss* loss = board.lossOf(index, {head.layer, head.queryHead});
      lanes.back().losses.push_back(
          loss ? std::optional(figures::HeadLoss{loss->withinNoise ? 0.0 : loss->change, loss->standardError,
                                                 loss->withinNoise})
               : std::nullopt);
    }
  }
  return lanes;
}

figures::FigureOrigin figureOrigin() {
  return {model::dateText(), QCoreApplication::applicationVersion().toStdString()};
}

}  // namespace

void offerExports(QWidget& view, const QString& name, HeadsPage& page, std::function<NamedFigure()> make) {
  view.setContextMenuPolicy(Qt::ActionsContextMenu);
  const auto add = [&](const QString& text, const QString& actionName, auto signal) {
    auto* action = new QAction(text, &view);
    action->setObjectName(actionName + name);
    QObject::connect(action, &QAction::triggered, &page, [&page, make, signal] {
      try {
        const NamedFigure made = make();
        emit(page.*signal)(made.name, made.figure);
      } catch (const model::Error& error) {
        emit page.message({session::Severity::Problem, error.what()});
      }
    });
    view.addAction(action);
  };
  add("Export picture\u2026", "context picture ", &HeadsPage::figureWanted);
  add("Export table\u2026", "context table ", &HeadsPage::figureTableWanted);
}

NamedFigure scoresFigure(const session::HeadBoard& board, const HeadSought& sought) {
  const std::vector<figures::SurveyedLane> lanes = surveyedLanes(board);
  return {"heads-" + sought.name, sought.number
                                      ? figures::headScoresFigure(lanes, *sought.number, figureOrigin())
                                      : figures::headLossFigure(lanes, figureOrigin())};
}

NamedFigure pairsFigure(const session::HeadBoard& board, const analysis::HeadComparison& comparison) {
  return {QString("pairs-") + comparison.name,
          figures::headPairsFigure(surveyedLanes(board), comparison, {}, figureOrigin())};
}

NamedFigure directionsFigure(const session::HeadBoard& board, figures::SubspacesOf of) {
  return {
      of == figures::SubspacesOf::Weights ? "directions-weights" : "directions-cache",
      figures::subspaceFigure(subspaceLanes(board, analysis::kLaneColorsOnLight), of, figureOrigin().text())};
}

}  // namespace headroom::pages
