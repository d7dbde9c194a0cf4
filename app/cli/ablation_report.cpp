#include "app/cli/ablation_report.h"

#include <fmt/format.h>

#include <array>
#include <optional>

#include "app/cli/report_parts.h"
#include "core/model/statistics.h"

namespace headroom::cli {

namespace {

using evaluation::AblationSurvey;
using evaluation::DistributionChange;
using evaluation::SeenChange;
using nlohmann::ordered_json;

/// A column of what becomes of distributions.
struct EffectColumn {
  const char* name;
  const char* meaning;
  double DistributionChange::*of;
  std::optional<double> SeenChange::*seen;
};
constexpr std::array<EffectColumn, 3> kEffectColumns{
    {{"kl_divergence",
      "mean of D(p || q) = sum of p ln(p / q), nats: p with all heads as they are, q with this one away or "
      "changed",
      &DistributionChange::divergence, &SeenChange::divergence},
     {"top1_changed", "share of positions whose most likely token is another then",
      &DistributionChange::topChanges, &SeenChange::topChanges},
     {"rank_change", "mean of how far the token that came moves then in the order of logits",
      &DistributionChange::rankChange, &SeenChange::rankChange}}};

/// The change as it is shown: none where rounding alone moves losses as far.
double shownChange(const AblationSurvey::Head& head) {
  return head.withinNoise ? 0.0 : head.change;
}

/// Effects of `head` above the noise of `survey`; nothing where they were not asked for.
std::optional<SeenChange> seenEffects(const AblationSurvey& survey, const AblationSurvey::Head& head) {
  if (!survey.effectNoise || !head.effects) return {};
  return seenAbove(*survey.effectNoise, *head.effects);
}

}  // namespace

const char* unitName(evaluation::AblationUnit unit) {
  return unit == evaluation::AblationUnit::KvHead ? "kv_head" : "query_head";
}

std::string replacementText(const evaluation::HeadReplacement& replacement) {
  switch (replacement.output) {
    case model::HeadOutput::Zero:
      return "its output set to 0 before W_O";
    case model::HeadOutput::Mean:
      return fmt::format("its output before W_O set to its mean over all {} tokens of the text",
                         replacement.meanPositions());
    case model::HeadOutput::PreviousToken:
      return "its attention all on the token before";
    case model::HeadOutput::Uniform:
      return "its attention the same on every position that it sees";
    case model::HeadOutput::FirstToken:
      return "its attention all on the first token";
    case model::HeadOutput::Scaled:
      break;
  }
  return fmt::format("its output before W_O times {}", replacement.gain);
}

void addReplacement(const evaluation::HeadReplacement& replacement, ordered_json& document) {
  document["replaced_by"] = model::headOutputNames()[static_cast<std::size_t>(replacement.output)];
  if (replacement.output == model::HeadOutput::Mean) document["mean_positions"] = replacement.meanPositions();
}

std::string AblationReport::changeMeaning() const {
  const std::string what = replacementText(survey.replacement);
  if (survey.replacement.output == model::HeadOutput::Zero)
    return fmt::format("mean loss without the head, {}, less that with it, nats per token", what);
  return fmt::format("mean loss with the head changed, {}, less that with it as it is, nats per token", what);
}

int AblationReport::kvHeadOf(const AblationSurvey::Head& head) const {
  return isOfKvHeads() ? head.head : model.config.attention.kvHeadOf(head.head);
}

ordered_json AblationReport::document() const {
  ordered_json heads = ordered_json::array();
  for (const AblationSurvey::Head& head : survey.heads) {
    ordered_json entry = {{"layer", head.layer}};
    if (!isOfKvHeads()) entry["head"] = head.head;
    entry["kv_head"] = kvHeadOf(head);
    entry["change"] = shownChange(head);
    entry["standard_error"] = head.standardError;
    entry["within_noise"] = head.withinNoise;
    if (const auto effects = seenEffects(survey, head)) {
      for (const EffectColumn& column : kEffectColumns) {
        const std::optional<double>& value = *effects.*column.seen;
        entry[column.name] = value ? ordered_json(*value) : ordered_json();
      }
    }
    heads.push_back(std::move(entry));
  }
  ordered_json baseline, noise;
  if (!survey.baseline.empty()) {
    const model::Mean mean = model::meanOf(std::span<const float>(survey.baseline));
    baseline = {{"nats_per_token", mean.value},
                {"standard_error", mean.standardError},
                {"predicted_tokens", survey.baseline.size()},
                {"windows", survey.windows}};
  }
  if (survey.noise) {
    noise = {{"mean", survey.noise->mean},
             {"largest", survey.noise->largest},
             {"tokens_of_a_step", survey.noise->blockTokens}};
  }
  ordered_json meanings = {{"change", changeMeaning()},
                           {"standard_error", "of the mean of the tokens' own differences"},
                           {"within_noise", "the change is not above noise.mean, so it is shown as 0"},
                           {"noise",
                            "how far the loss of a token moves when only the split of the text into steps "
                            "changes, and at least as "
                            "floats lie apart, nats"}};
  ordered_json document = {{"model", model.path},
                           {"device", device},
                           {"attention", attentionDocument(model.config.attention)},
                           {"tokens", tokens},
                           {"unit", unitName(survey.unit)}};
  addReplacement(survey.replacement, document);
  document["interrupted"] = !survey.isWhole;
  if (survey.measuresEffects) {
    document["effects"] = {{"positions", survey.effectPositions}, {"stride", survey.effectStride}};
    meanings["effects"] =
        "kl_divergence, top1_changed and rank_change are means over positions: every stride-th predicted "
        "token, "
        "as many as 256 MiB of logits hold; null where not above what noise has for them";
    for (const EffectColumn& column : kEffectColumns) {
      if (survey.effectNoise) noise[column.name] = *survey.effectNoise.*column.of;
      meanings[column.name] = column.meaning;
    }
  }
  document["baseline"] = baseline;
  document["noise"] = noise;
  document["meanings"] = meanings;
  document["heads"] = heads;
  return document;
}

void AblationReport::printCsv() const {
  fmt::print("layer,{}kv_head,change,standard_error,within_noise", isOfKvHeads() ? "" : "head,");
  for (const EffectColumn& column : kEffectColumns) {
    if (survey.measuresEffects) fmt::print(",{}", column.name);
  }
  fmt::print("\n");
  for (const AblationSurvey::Head& head : survey.heads) {
    fmt::print("{},", head.layer);
    if (!isOfKvHeads()) fmt::print("{},", head.head);
    fmt::print("{},{},{},{}", kvHeadOf(head), shownChange(head), head.standardError, head.withinNoise);
    if (const auto effects = seenEffects(survey, head)) {
      for (const EffectColumn& column : kEffectColumns) {
        const std::optional<double>& value = *effects.*column.seen;
        fmt::print(",{}", value ? fmt::to_string(*value) : "");
      }
    }
    fmt::print("\n");
  }
}

void AblationReport::printMeanings() const {
  fmt::print("  change          {}\n  standard_error  of the mean of the tokens' own differences\n",
             changeMeaning());
  if (survey.effectNoise) {
    for (const EffectColumn& column : kEffectColumns)
      fmt::print("  {:<14}  {}\n", column.name, column.meaning);
    const bool isEach = survey.effectStride == 1;
    fmt::print("                  the last three over {} positions{}\n", survey.effectPositions,
               isEach ? "" : fmt::format(", one of every {}", survey.effectStride));
  }
  fmt::print(
      "  none            not above {:.2g}: as far the loss of a token moves on average ({:.2g} at most)\n"
      "                  when steps have only {} of the tokens\n",
      survey.noise->mean, survey.noise->largest, survey.noise->blockTokens);
  if (survey.effectNoise) {
    fmt::print("                  (the last three: {:.2g}, {:.2g} and {:.2g})\n",
               survey.effectNoise->divergence, survey.effectNoise->topChanges,
               survey.effectNoise->rankChange);
  }
}

void AblationReport::printTable() const {
  fmt::print("{}, computed by {}: {} tokens in {}\n", model.path, device, tokens,
             survey.windows == 1 ? "one window" : fmt::format("{} windows", survey.windows));
  if (!survey.noise) return;
  const model::Mean mean = model::meanOf(std::span<const float>(survey.baseline));
  fmt::print("with all heads {:.4f} nats per token, standard error {:.4f}, over {} predicted tokens\n",
             mean.value, mean.standardError, survey.baseline.size());
  printMeanings();
  fmt::print("\n{:>5}", "layer");
  if (!isOfKvHeads()) fmt::print("{:>5}", "head");
  fmt::print("{:>4}{:>14}{:>16}", "KV", "change", "standard_error");
  for (const EffectColumn& column : kEffectColumns) {
    if (survey.effectNoise) fmt::print("{:>15}", column.name);
  }
  fmt::print("\n");
  for (const AblationSurvey::Head& head : survey.heads) {
    fmt::print("{:>5}", head.layer);
    if (!isOfKvHeads()) fmt::print("{:>5}", head.head);
    fmt::print("{:>4}{:>14}{:>16.6f}", kvHeadOf(head),
               head.withinNoise ? "none" : fmt::format("{:+.6f}", head.change), head.standardError);
    if (const auto effects = seenEffects(survey, head)) {
      for (const EffectColumn& column : kEffectColumns) {
        const std::optional<double>& value = *effects.*column.seen;
        fmt::print("{:>15}", value ? fmt::format("{:.4g}", *value) : "none");
      }
    }
    fmt::print("\n");
  }
}

}  // namespace headroom::cli
