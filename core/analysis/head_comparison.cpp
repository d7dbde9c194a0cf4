#include "core/analysis/head_comparison.h"

#include <algorithm>
#include <array>
#include <numbers>
#include <string_view>

namespace headroom::analysis {

namespace {

constexpr std::array kComparisons = {
    HeadComparison{"attention", "divergence", "Attention", "Jensen\u2013Shannon divergence, nats",
                   "How unlike two heads of a layer look at the text: Jensen\u2013Shannon divergence of "
                   "their attention (Lin 1991), nats; 0 the same, 0.693 nothing in common.",
                   "computed from captured attention; the mean over positions of the text", 0.0,
                   std::numbers::ln2, ColorMap::Viridis, true, &HeadSurvey::divergences},
    HeadComparison{"outputs", "output_cosine", "Outputs", "cosine of outputs",
                   "Whether two heads of a layer write the same: cosine of what they add to the residual "
                   "stream, over all positions together; 1 the same direction, 0 unrelated, \u22121 "
                   "opposite.",
                   "computed from captured head outputs and W_O without its bias", -1.0, 1.0,
                   ColorMap::Diverging, true, &HeadSurvey::outputCosines},
    HeadComparison{"keys", "key_cka", "Keys", "CKA of keys",
                   "Whether keys of two KV heads of a layer tell positions apart alike: linear centred "
                   "kernel alignment, CKA (Kornblith et al. 2019); 0 unrelated, 1 the same but for a "
                   "rotation, a shift and a scale.",
                   "computed from keys as they lay in the cache", 0.0, 1.0, ColorMap::Viridis, false,
                   &HeadSurvey::keyCka},
    HeadComparison{"values", "value_cka", "Values", "CKA of values",
                   "Whether values of two KV heads of a layer tell positions apart alike: linear centred "
                   "kernel alignment, CKA (Kornblith et al. 2019); 0 unrelated, 1 the same but for a "
                   "rotation, a shift and a scale.",
                   "computed from values as they lay in the cache", 0.0, 1.0, ColorMap::Viridis, false,
                   &HeadSurvey::valueCka}};

}  // namespace

std::span<const HeadComparison> headComparisons() {
  return kComparisons;
}

int headCountOf(const HeadComparison& comparison, const model::AttentionShape& attention) {
  return comparison.isOfQueryHeads ? attention.queryHeadCount : attention.kvHeadCount;
}

bool hasComparison(const HeadSurvey& survey, const HeadComparison& comparison) {
  const HeadPairs& pairs = survey.*comparison.pairs;
  return !pairs.layers.empty() && pairs.rowCount > 0;
}

std::string whyLeftOut(const HeadSurvey& survey, const HeadComparison& comparison) {
  if (hasComparison(survey, comparison)) return {};
  const auto found = std::ranges::find(survey.omissions, std::string_view(comparison.column),
                                       [](const auto& omission) { return std::string_view(omission.name); });
  return found == survey.omissions.end() ? "No position behind the first one of a text was read"
                                         : found->reason;
}

Color colorOf(const HeadComparison& comparison, double value) {
  return colorOf(comparison.colors, (value - comparison.low) / (comparison.high - comparison.low));
}

}  // namespace headroom::analysis
