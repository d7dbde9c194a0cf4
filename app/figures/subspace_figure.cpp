#include "app/figures/subspace_figure.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/model/error.h"
#include "core/model/quantity.h"

namespace headroom::figures {

namespace {

using Layers = std::vector<analysis::LayerSubspaces>;

const Layers& layersOf(const SubspaceLane& lane, SubspacesOf of) {
  return of == SubspacesOf::Weights ? lane.weights : lane.cached;
}

template <typename Value>
std::vector<Point> pointsOf(const Layers& layers, const Value& value) {
  std::vector<Point> points;
  for (std::size_t layer = 0; layer < layers.size(); ++layer)
    points.push_back({static_cast<double>(layer), value(layers[layer])});
  return points;
}

}  // namespace

LinePlot subspacePlot(std::span<const SubspaceLane> lanes, SubspacesOf of) {
  double most = 1.0;
  std::size_t layers = 1;
  LinePlot plot{.x = {.label = "layer"}, .y = {.label = "effective rank"}, .series = {}, .untrainedFrom = {}};
  for (const SubspaceLane& lane : lanes) {
    const Layers& shown = layersOf(lane, of);
    for (const analysis::LayerSubspaces& layer : shown)
      most = std::max(most, static_cast<double>(layer.keys.bound));
    layers = std::max(layers, shown.size());
    plot.series.push_back(
        {.name = lane.title,
         .color = lane.color,
         .mark = Mark::Disc,
         .points = pointsOf(shown, [](const auto& layer) { return layer.keys.effectiveRank(); })});
    plot.series.push_back(
        {.name = "",
         .color = lane.color,
         .stroke = Stroke::Dashed,
         .mark = Mark::Disc,
         .points = pointsOf(shown, [](const auto& layer) { return layer.values.effectiveRank(); })});
    plot.series.push_back(
        {.name = "",
         .color = lane.color,
         .stroke = Stroke::Dotted,
         .points = pointsOf(shown, [](const auto& layer) { return static_cast<double>(layer.keys.bound); })});
  }
  plot.x.high = std::max(1.0, static_cast<double>(layers) - 1.0);
  plot.y.high = 1.06 * most;
  return plot;
}

Figure subspaceFigure(std::span<const SubspaceLane> lanes, SubspacesOf of, const std::string& date) {
  const bool isWeights = of == SubspacesOf::Weights;
  Figure figure{
      .title = isWeights ? "Directions of W_K and W_V" : "Directions of keys and values in the cache",
      .caption = {"Effective rank: exp of the entropy of the singular values as shares (Roy and "
                  "Vetterli 2007), of all KV heads of a layer together; computed. Solid: keys; dashed: "
                  "values; dotted: what it can be at most."},
      .content = subspacePlot(lanes, of),
      .table = {}};
  figure.table.columns = {"lane", "model", "layer", "of", "bound", "effective_rank", "participation_ratio",
                          "kind"};
  for (const SubspaceLane& lane : lanes) {
    const Layers& layers = layersOf(lane, of);
    for (std::size_t layer = 0; layer < layers.size(); ++layer) {
      const auto add = [&](const char* what, const analysis::Subspace& subspace) {
        figure.table.rows.push_back({lane.title, lane.model, fmt::format("{}", layer), what,
                                     fmt::format("{}", subspace.bound),
                                     fmt::format("{}", subspace.effectiveRank()),
                                     fmt::format("{}", subspace.participationRatio()), "computed"});
      };
      add(isWeights ? "W_K" : "keys", layers[layer].keys);
      add(isWeights ? "W_V" : "values", layers[layer].values);
    }
    figure.caption.push_back(isWeights ? fmt::format("{}: {}.", lane.title, lane.model)
                                       : fmt::format("{}: {}, {} positions of a text.", lane.title,
                                                     lane.model, model::groupDigits(lane.positions)));
  }
  if (figure.table.rows.empty())
    throw model::Error("No lane has subspaces of keys and values yet, expected at least one: measure heads");
  figure.caption.push_back(date);
  return figure;
}

}  // namespace headroom::figures
