#include "app/figures/head_figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <vector>

#include "core/model/error.h"
#include "core/model/quantity.h"

namespace headroom::figures {

namespace {

std::vector<std::string> numbered(const char* letter, int count) {
  std::vector<std::string> names;
  for (int index = 0; index < count; ++index) names.push_back(fmt::format("{}{}", letter, index));
  return names;
}

/// What is not known is an empty cell.
std::string cellText(double value) {
  return std::isnan(value) ? std::string() : fmt::format("{}", value);
}

std::string laneSentence(const SurveyedLane& lane, std::int64_t positions) {
  return fmt::format("{}: {}, computed by {}; {} positions of {}{}", lane.title, lane.model, lane.device,
                     model::groupDigits(positions), lane.text,
                     lane.survey->isWhole ? "" : " (stopped before its end)");
}

std::vector<double> valuesOf(const HeadCells& cells) {
  std::vector<double> all;
  for (const HeadCells::Lane& lane : cells.lanes) {
    for (const HeadCells::Map& map : lane.maps) all.insert(all.end(), map.values.begin(), map.values.end());
  }
  return all;
}

void sayUnknown(const HeadCells& cells, std::vector<std::string>& caption) {
  if (std::ranges::any_of(valuesOf(cells), [](double value) { return std::isnan(value); }))
    caption.emplace_back("Hatched: no value is known, which is not 0.");
}

bool isInduction(const analysis::HeadColumn& column) {
  return std::string_view(column.name) == "induction";
}

/// A lane of a figure of all heads, of whose survey `valueOf` gives the value of each head by its place.
template <typename Value>
HeadCells::Lane scoreLane(const SurveyedLane& lane, const Value& valueOf) {
  const int heads = lane.attention.queryHeadCount;
  HeadCells::Map map{
      .name = {},
      .rows = numbered("L", lane.layerCount),
      .columns = numbered("H", heads),
      .values = std::vector<double>(static_cast<std::size_t>(lane.layerCount * heads), analysis::kNotKnown)};
  for (std::size_t index = 0; index < lane.survey->heads.size(); ++index) {
    const analysis::HeadSurvey::Head& head = lane.survey->heads[index];
    map.values[static_cast<std::size_t>(head.layer * heads + head.queryHead)] = valueOf(index);
  }
  return {.name = lane.title,
          .facts = headsText(lane.attention),
          .color = lane.color,
          .groupSize = lane.attention.groupSize(),
          .maps = {std::move(map)}};
}

std::vector<std::string> headCells(const SurveyedLane& lane, const analysis::HeadSurvey::Head& head) {
  return {lane.title, lane.model, fmt::format("{}", head.layer), fmt::format("{}", head.queryHead),
          fmt::format("{}", head.kvHead)};
}

void addScoreRows(const SurveyedLane& lane, const analysis::HeadColumn& column, Table& table) {
  for (const analysis::HeadSurvey::Head& head : lane.survey->heads) {
    std::vector<std::string> row = headCells(lane, head);
    row.push_back(cellText(column.of(head)));
    if (isInduction(column)) row.push_back(cellText(head.inductionDeviation));
    row.emplace_back("computed");
    table.rows.push_back(std::move(row));
  }
}

std::string scoreSentence(const SurveyedLane& lane, const analysis::HeadColumn& column) {
  std::string sentence = laneSentence(lane, lane.survey->positions);
  if (isInduction(column)) sentence += fmt::format(". Induction: {}", lane.repeated);
  for (const analysis::HeadSurvey::Omission& omission : lane.survey->omissions) {
    if (std::string_view(omission.name) == column.name) sentence += ". Left out: " + omission.reason;
  }
  return sentence + ".";
}

/// From 0 to the largest value; with values below 0 as far to both sides.
void fitScale(HeadCells& cells) {
  double least = 0.0;
  double most = 0.0;
  for (const double value : valuesOf(cells)) {
    if (std::isnan(value)) continue;
    least = std::min(least, value);
    most = std::max(most, value);
  }
  if (least < 0.0) {
    cells.colors = analysis::ColorMap::Diverging;
    cells.high = std::max(-least, most);
    cells.low = -cells.high;
  } else {
    cells.high = most > 0.0 ? most : 1.0;
  }
}

HeadCells::Map pairMap(const SurveyedLane& lane, const analysis::HeadComparison& comparison, int layer) {
  const std::vector<std::string> heads =
      numbered(comparison.isOfQueryHeads ? "H" : "KV", headCountOf(comparison, lane.attention));
  const analysis::HeadPairs& pairs = lane.survey->*comparison.pairs;
  return {.name = fmt::format("layer {}", layer),
          .rows = heads,
          .columns = heads,
          .values = pairs.layers[static_cast<std::size_t>(layer)]};
}

void addPairRows(const SurveyedLane& lane, const analysis::HeadComparison& comparison, int layer,
                 Table& table) {
  const analysis::HeadPairs& pairs = lane.survey->*comparison.pairs;
  for (int head = 0; head < pairs.headCount; ++head) {
    for (int other = head + 1; other < pairs.headCount; ++other) {
      std::vector<std::string> row{lane.title, lane.model};
      for (const int number : {layer, head, other}) row.push_back(fmt::format("{}", number));
      if (comparison.isOfQueryHeads) {
        row.push_back(fmt::format("{}", lane.attention.kvHeadOf(head)));
        row.push_back(fmt::format("{}", lane.attention.kvHeadOf(other)));
      }
      row.push_back(cellText(pairs.between(layer, head, other)));
      row.emplace_back("computed");
      table.rows.push_back(std::move(row));
    }
  }
}

std::string pairSentence(const SurveyedLane& lane, const analysis::HeadComparison& comparison) {
  const std::string summary = pairsSummary(*lane.survey, comparison, lane.attention);
  if (!hasComparison(*lane.survey, comparison))
    return fmt::format("{}: {}, {}.", lane.title, lane.model, summary);
  return fmt::format("{}: {}.", laneSentence(lane, (lane.survey->*comparison.pairs).rowCount), summary);
}

std::vector<std::string> pairColumns(const analysis::HeadComparison& comparison) {
  std::vector<std::string> columns{"lane", "model", "layer"};
  if (comparison.isOfQueryHeads) columns.insert(columns.end(), {"head", "other_head"});
  columns.insert(columns.end(), {"kv_head", "other_kv_head", comparison.column, "kind"});
  return columns;
}

}  // namespace

std::string pairsSummary(const analysis::HeadSurvey& survey, const analysis::HeadComparison& comparison,
                         const model::AttentionShape& attention) {
  if (!hasComparison(survey, comparison)) return "left out: " + whyLeftOut(survey, comparison);
  const auto part = [](const char* what, const analysis::PairSummary& pairs) {
    return pairs.pairs == 0
               ? std::string()
               : fmt::format("{} {}{} \u00b1 {}", what, pairs.mean < 0.0 ? "\u2212" : "",
                             model::fixedText(std::abs(pairs.mean), 3), model::fixedText(pairs.deviation, 3));
  };
  const analysis::HeadPairs& pairs = survey.*comparison.pairs;
  if (!comparison.isOfQueryHeads) {
    const std::string all = part("different KV heads", analysis::summariseAll(pairs));
    return all.empty() ? "no two KV heads that both vary" : all;
  }
  const auto [within, across] = analysis::summarise(pairs, attention);
  const std::string one = part("heads of one KV head", within);
  const std::string other = part("heads of different KV heads", across);
  if (one.empty() && other.empty()) return "no two heads that have such a value";
  return one.empty() || other.empty() ? one + other : one + ", " + other;
}

Figure headScoresFigure(std::span<const SurveyedLane> lanes, const analysis::HeadColumn& column,
                        const FigureOrigin& origin) {
  HeadCells cells{.lanes = {}, .down = "layer", .across = "query head", .measure = column.title};
  Figure figure{.title = fmt::format("{}: every head", column.title),
                .caption = {fmt::format("{} Formula: {}. Query heads below one bracket read one KV head.",
                                        column.meaning, analysis::formulaText(column))},
                .content = {},
                .table = {}};
  figure.table.columns = {"lane", "model", "layer", "query_head", "kv_head", column.name};
  if (isInduction(column)) figure.table.columns.emplace_back("induction_deviation");
  figure.table.columns.emplace_back("kind");
  for (const SurveyedLane& lane : lanes) {
    cells.lanes.push_back(
        scoreLane(lane, [&](std::size_t index) { return column.of(lane.survey->heads[index]); }));
    addScoreRows(lane, column, figure.table);
    figure.caption.push_back(scoreSentence(lane, column));
  }
  if (std::ranges::all_of(valuesOf(cells), [](double value) { return std::isnan(value); })) {
    throw model::Error(fmt::format(
        "No head has a value of {}, expected at least one{}", column.name,
        lanes.empty() ? ": heads were not measured yet" : ". " + scoreSentence(lanes.front(), column)));
  }
  fitScale(cells);
  sayUnknown(cells, figure.caption);
  figure.caption.push_back(origin.text());
  figure.content = std::move(cells);
  return figure;
}

Figure headLossFigure(std::span<const SurveyedLane> lanes, const FigureOrigin& origin) {
  HeadCells cells{
      .lanes = {}, .down = "layer", .across = "query head", .measure = "loss without it, nats/token"};
  Figure figure{.title = "Loss without a head: every head",
                .caption = {"How much worse the model predicts the text when the head's output is 0 before "
                            "W_O: change of the mean loss, nats per token; computed by reading the text "
                            "without the head, 0 where it is no larger than what rounding does. Query heads "
                            "below one bracket read one KV head."},
                .content = {},
                .table = {}};
  figure.table.columns = {"lane",
                          "model",
                          "layer",
                          "query_head",
                          "kv_head",
                          "loss_change",
                          "loss_standard_error",
                          "loss_within_rounding",
                          "kind"};
  int known = 0;
  for (const SurveyedLane& lane : lanes) {
    const auto lossOf = [&](std::size_t index) {
      return index < lane.losses.size() ? lane.losses[index] : std::nullopt;
    };
    cells.lanes.push_back(scoreLane(lane, [&](std::size_t index) {
      const std::optional<HeadLoss> loss = lossOf(index);
      return loss ? loss->change : analysis::kNotKnown;
    }));
    for (std::size_t index = 0; index < lane.survey->heads.size(); ++index) {
      const std::optional<HeadLoss> loss = lossOf(index);
      if (!loss) continue;
      ++known;
      std::vector<std::string> row = headCells(lane, lane.survey->heads[index]);
      row.insert(row.end(), {cellText(loss->change), cellText(loss->standardError),
                             loss->withinRounding ? "true" : "false", "computed"});
      figure.table.rows.push_back(std::move(row));
    }
    figure.caption.push_back(laneSentence(lane, lane.survey->positions) + ".");
  }
  if (known == 0)
    throw model::Error(
        "No loss without a head is known yet, expected one at least: choose a head, then Loss "
        "without it");
  fitScale(cells);
  sayUnknown(cells, figure.caption);
  figure.caption.push_back(origin.text());
  figure.content = std::move(cells);
  return figure;
}

Figure headPairsFigure(std::span<const SurveyedLane> lanes, const analysis::HeadComparison& comparison,
                       std::optional<int> layer, const FigureOrigin& origin) {
  const char* heads = comparison.isOfQueryHeads ? "query head" : "KV head";
  HeadCells cells{.lanes = {},
                  .down = heads,
                  .across = heads,
                  .measure = comparison.measure,
                  .low = comparison.low,
                  .high = comparison.high,
                  .colors = comparison.colors,
                  .groups = HeadCells::Groups::Frames};
  Figure figure{
      .title = fmt::format("How alike heads are: {}", comparison.measure),
      .caption = {fmt::format("{} It is {}.{} \u00b1: standard deviation of the pairs of all layers.",
                              comparison.meaning, comparison.basis,
                              comparison.isOfQueryHeads ? " Heads in a frame read one KV head." : "")},
      .content = {},
      .table = {.columns = pairColumns(comparison), .rows = {}}};
  for (const SurveyedLane& lane : lanes) {
    if (layer && (*layer < 0 || *layer >= lane.layerCount)) {
      throw model::Error(
          fmt::format("{} has no layer {}, expected 0 to {}", lane.title, *layer, lane.layerCount - 1));
    }
    HeadCells::Lane shown{.name = lane.title,
                          .facts = headsText(lane.attention),
                          .color = lane.color,
                          .groupSize = comparison.isOfQueryHeads ? lane.attention.groupSize() : 1,
                          .maps = {}};
    const bool has = hasComparison(*lane.survey, comparison);
    if (!has) shown.facts += ", left out";
    for (int at = layer.value_or(0); has && at < (layer ? *layer + 1 : lane.layerCount); ++at) {
      shown.maps.push_back(pairMap(lane, comparison, at));
      addPairRows(lane, comparison, at, figure.table);
    }
    figure.caption.push_back(pairSentence(lane, comparison));
    cells.lanes.push_back(std::move(shown));
  }
  if (figure.table.rows.empty()) {
    throw model::Error(fmt::format(
        "There are no two heads of a layer to compare by {}, expected two in one "
        "lane at least{}",
        comparison.name, lanes.empty() ? ": heads were not measured yet" : ". " + figure.caption[1]));
  }
  sayUnknown(cells, figure.caption);
  figure.caption.push_back(origin.text());
  figure.content = std::move(cells);
  return figure;
}

}  // namespace headroom::figures
