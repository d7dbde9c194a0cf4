#include "app/cli/heads_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

namespace headroom::cli {

namespace {

using analysis::HeadColumn;
using analysis::headColumns;
using analysis::HeadPairs;
using analysis::HeadSurvey;
using analysis::PairSummary;
using nlohmann::ordered_json;

/// Null of no pairs.
ordered_json summaryOf(const PairSummary& pairs) {
  ordered_json summary = {{"mean", nullptr}, {"deviation", nullptr}, {"pairs", pairs.pairs}};
  if (pairs.pairs > 0) {
    summary["mean"] = pairs.mean;
    summary["deviation"] = pairs.deviation;
  }
  return summary;
}

/// Of query heads, with the summaries of pairs that share a KV head and of those that do not.
ordered_json queryHeadsDocument(const HeadPairs& pairs, const model::AttentionShape& attention) {
  const auto [within, across] = analysis::summarise(pairs, attention);
  return {{"positions", pairs.rowCount},
          {"within_kv_heads", summaryOf(within)},
          {"across_kv_heads", summaryOf(across)},
          {"layers", pairs.layers}};
}

ordered_json kvHeadsDocument(const HeadPairs& pairs) {
  return {{"positions", pairs.rowCount},
          {"between_kv_heads", summaryOf(analysis::summariseAll(pairs))},
          {"layers", pairs.layers}};
}

void printPairs(const char* what, const PairSummary& pairs) {
  if (pairs.pairs > 0)
    fmt::print("  {:<31}{:.3f}, deviation {:.3f}, {} pairs\n", what, pairs.mean, pairs.deviation,
               pairs.pairs);
}

void printQueryHeads(const char* title, const HeadPairs& pairs, const model::AttentionShape& attention) {
  if (pairs.layers.empty()) return;
  const auto [within, across] = analysis::summarise(pairs, attention);
  fmt::print("\n{} over {} positions\n", title, pairs.rowCount);
  printPairs("heads that read one KV head", within);
  printPairs("heads that read different ones", across);
}

void printSubspaces(const HeadSurvey& survey, const std::vector<analysis::LayerSubspaces>& weights) {
  if (weights.empty()) return;
  fmt::print(
      "\nEffective rank (exp of the entropy of the singular values) and, behind it, what it can be at most\n"
      "{:>5}{:>17}{:>17}{:>17}{:>17}\n",
      "layer", "W_K", "W_V", "cached keys", "cached values");
  const auto text = [](const analysis::Subspace& subspace) {
    return fmt::format("{:.1f} of {}", subspace.effectiveRank(), subspace.bound);
  };
  for (std::size_t layer = 0; layer < weights.size(); ++layer) {
    fmt::print("{:>5}{:>17}{:>17}", layer, text(weights[layer].keys), text(weights[layer].values));
    if (layer < survey.cached.size())
      fmt::print("{:>17}{:>17}", text(survey.cached[layer].keys), text(survey.cached[layer].values));
    fmt::print("\n");
  }
}

}  // namespace

ordered_json headMeanings() {
  ordered_json meanings;
  for (const HeadColumn& column : headColumns()) meanings[column.name] = column.formula;
  return meanings;
}

ordered_json headsDocument(const HeadSurvey& survey) {
  ordered_json heads = ordered_json::array();
  for (const HeadSurvey::Head& head : survey.heads) {
    ordered_json entry = {{"layer", head.layer}, {"head", head.queryHead}, {"kv_head", head.kvHead}};
    // A document has no NaN: the library writes null.
    for (const HeadColumn& column : headColumns()) entry[column.name] = column.of(head);
    entry["induction_deviation"] = head.inductionDeviation;
    heads.push_back(std::move(entry));
  }
  return heads;
}

ordered_json headPairsDocuments(const HeadSurvey& survey, const model::AttentionShape& attention) {
  const auto part = [](const PairSummary& pairs) {
    return ordered_json{{"mean", pairs.mean}, {"deviation", pairs.deviation}, {"pairs", pairs.pairs}};
  };
  ordered_json divergence = queryHeadsDocument(survey.divergences, attention);
  // Zeros of no pairs, as this one had from the first.
  const auto [within, across] = analysis::summarise(survey.divergences, attention);
  divergence["within_kv_heads"] = part(within);
  divergence["across_kv_heads"] = part(across);
  return {{"divergence", divergence},
          {"output_cosine", queryHeadsDocument(survey.outputCosines, attention)},
          {"key_cka", kvHeadsDocument(survey.keyCka)},
          {"value_cka", kvHeadsDocument(survey.valueCka)}};
}

ordered_json subspacesDocument(const HeadSurvey& survey, const model::Model& model) {
  const auto one = [](const analysis::Subspace& subspace) {
    return ordered_json{{"bound", subspace.bound},
                        {"effective_rank", subspace.effectiveRank()},
                        {"participation_ratio", subspace.participationRatio()},
                        {"singular_values", subspace.singularValues}};
  };
  const std::vector<analysis::LayerSubspaces> weights = analysis::weightSubspaces(model);
  ordered_json layers = ordered_json::array();
  for (std::size_t layer = 0; layer < weights.size(); ++layer) {
    ordered_json entry = {{"layer", layer},
                          {"key_weights", one(weights[layer].keys)},
                          {"value_weights", one(weights[layer].values)}};
    if (layer < survey.cached.size()) {
      entry["cached_keys"] = one(survey.cached[layer].keys);
      entry["cached_values"] = one(survey.cached[layer].values);
    }
    layers.push_back(std::move(entry));
  }
  return layers;
}

ordered_json omissionsDocument(const HeadSurvey& survey) {
  ordered_json omissions = ordered_json::object();
  for (const HeadSurvey::Omission& omission : survey.omissions) omissions[omission.name] = omission.reason;
  return omissions;
}

void printHeadsCsv(const HeadSurvey& survey) {
  fmt::print("{}\n", analysis::headCsvTitles());
  for (const HeadSurvey::Head& head : survey.heads) fmt::print("{}\n", analysis::headCsvLine(head));
}

void printEmptyColumns(const HeadSurvey& survey) {
  for (const HeadSurvey::Omission& omission : survey.omissions) {
    const bool isColumn = std::ranges::any_of(headColumns(), [&](const HeadColumn& column) {
      return std::string_view(column.name) == omission.name;
    });
    if (isColumn) fmt::print(stderr, "{} is empty: {}\n", omission.name, omission.reason);
  }
}

void printHeadsTable(const HeadSurvey& survey) {
  for (const HeadColumn& column : headColumns()) fmt::print("  {:<17}{}\n", column.name, column.formula);
  fmt::print(
      "  a: attention of position i to position j; c_h: what head h writes at a position\n\n{:>5}{:>5}{:>4}",
      "layer", "head", "KV");
  for (const HeadColumn& column : headColumns()) fmt::print("{:>17}", column.name);
  fmt::print("\n");
  for (const HeadSurvey::Head& head : survey.heads) {
    fmt::print("{:>5}{:>5}{:>4}", head.layer, head.queryHead, head.kvHead);
    for (const HeadColumn& column : headColumns()) {
      const double value = column.of(head);
      fmt::print("{:>17}", std::isnan(value) ? "-" : fmt::format("{:.4f}", value));
    }
    fmt::print("\n");
  }
}

void printSharedHeads(const HeadSurvey& survey, const model::Model& model) {
  const model::AttentionShape& attention = model.config.attention;
  printQueryHeads("Jensen-Shannon divergence of attention, nats (0 alike, 0.693 nothing in common), means",
                  survey.divergences, attention);
  printQueryHeads("Cosine of what heads write (1 the same, 0 unrelated, -1 the opposite), pooled",
                  survey.outputCosines, attention);
  for (const auto& [what, pairs] :
       {std::pair("keys", &survey.keyCka), std::pair("values", &survey.valueCka)}) {
    if (pairs->layers.empty()) continue;
    fmt::print(
        "\nLinear CKA of {} of KV heads (1 the same but for rotation and scale, 0 unrelated), over {} "
        "positions\n",
        what, pairs->rowCount);
    printPairs("KV heads of a layer", analysis::summariseAll(*pairs));
  }
  printSubspaces(survey, analysis::weightSubspaces(model));
  for (std::size_t index = 0; index < survey.omissions.size(); ++index) {
    const HeadSurvey::Omission& omission = survey.omissions[index];
    fmt::print("{}Without {}: {}\n", index == 0 ? "\n" : "", omission.name, omission.reason);
  }
}

}  // namespace headroom::cli
