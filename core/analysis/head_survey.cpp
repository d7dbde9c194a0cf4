#include "core/analysis/head_survey.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

namespace headroom::analysis {

namespace {

using Head = HeadSurvey::Head;

constexpr const char* kOfText =
    "computed from captured attention; the mean over all positions read but the first";
constexpr const char* kOfDraws =
    "computed from captured attention; the mean over the later copies and over the draws, \u00b1 the "
    "standard deviation of the draws";
constexpr const char* kOfOutputs =
    "computed from captured head outputs and W_O without its bias (c_h: what head h writes at a position), "
    "over all positions read but the first";

constexpr std::array kColumns = {
    HeadColumn{"entropy", "Entropy, nats", "-sum a ln a, nats",
               "How spread out its attention is: 0 looks at one position, ln(i + 1) at all alike.", kOfText,
               [](const Head& head) { return head.scores.entropy; }},
    HeadColumn{"max_weight", "Largest weight", "largest a", "The largest share that one position gets.",
               kOfText, [](const Head& head) { return head.scores.maxWeight; }},
    HeadColumn{"mean_distance", "Distance, positions", "sum a (i - j), positions",
               "How far back it looks on average.", kOfText,
               [](const Head& head) { return head.scores.meanDistance; }},
    HeadColumn{
        "sink_mass", "Sink", "a of position 0",
        "What the first position gets, where many heads put what they have no use for (attention sinks: "
        "Xiao et al. 2023).",
        kOfText, [](const Head& head) { return head.scores.sinkMass; }},
    HeadColumn{"previous_token", "Previous token", "a of the position before",
               "What the token just before gets (previous-token heads: Elhage et al. 2021).", kOfText,
               [](const Head& head) { return head.scores.previousToken; }},
    HeadColumn{"duplicate_token", "Duplicate token", "sum of a over earlier positions with the same token",
               "What earlier copies of the same token get (duplicate-token heads: Wang et al. 2022).",
               kOfText, [](const Head& head) { return head.scores.duplicateToken; }},
    HeadColumn{"prefix_matching", "Prefix matching",
               "sum of a over the positions after earlier copies of the same token",
               "What the tokens get that followed earlier copies of this one: induction in the text itself "
               "(prefix matching: Olsson et al. 2022).",
               "computed from captured attention; the mean over all positions read but the first whose token "
               "stands earlier in the window too",
               [](const Head& head) { return head.scores.prefixMatching; }},
    HeadColumn{
        "copying", "Copying", "sum of eigenvalues / sum of their moduli of W_U W_O W_V W_E",
        "Whether the tokens it looks at become more likely (towards 1) or less (towards \u22121) by its "
        "output alone (copying heads: Elhage et al. 2021).",
        "computed from the weights: gains of the norms are in, their divisions, biases and learned "
        "positions are not",
        [](const Head& head) { return head.copying; }},
    HeadColumn{
        "write_share", "Write share", "sum c_h . w / sum w . w, w: sum of c_h over the heads of its layer",
        "Its part of what its layer's attention writes; below 0 where it takes away what others write.",
        kOfOutputs, [](const Head& head) { return head.writeShare; }},
    HeadColumn{"write_size", "Write size", "size of c_h / size of the residual stream before it",
               "How large what it writes is beside what is there: root mean squares over the positions.",
               kOfOutputs, [](const Head& head) { return head.writeSize; }},
    HeadColumn{"induction", "Induction",
               "a of the position after the earlier copy, over random tokens said again",
               "What the token after the earlier copy of this one gets, which is what comes next if the text "
               "repeats itself (induction heads: Olsson et al. 2022).",
               kOfDraws, [](const Head& head) { return head.induction; }}};

constexpr std::size_t column(std::string_view name) {
  std::size_t index = 0;
  while (kColumns[index].name != name) ++index;
  return index;
}

constexpr std::array kKinds = {
    HeadKind{"Induction",
             "Heads that look at the token after the earlier copy: they continue what was said before.",
             column("induction")},
    HeadKind{"Previous token", "Heads that look at the token just before.", column("previous_token")},
    HeadKind{"Sink", "Heads that put most of their attention on the first position.", column("sink_mass")},
    HeadKind{"Local", "Heads that look no further back than a few positions.", column("mean_distance"),
             false},
    HeadKind{"Uniform", "Heads that look at all positions alike: the largest entropy.", column("entropy")}};

}  // namespace

std::span<const HeadColumn> headColumns() {
  return kColumns;
}

std::string formulaText(const HeadColumn& column) {
  const bool isOfAttention = std::string_view(column.basis).starts_with("computed from captured attention");
  return fmt::format("{}{}; {}", column.formula,
                     isOfAttention ? " (a: attention of position i to position j)" : "", column.basis);
}

std::span<const HeadKind> headKinds() {
  return kKinds;
}

const Head* strongest(const HeadSurvey& survey, const HeadKind& kind) {
  if (survey.heads.empty()) return nullptr;
  const auto of = kColumns[kind.column].of;
  const auto found = std::ranges::max_element(
      survey.heads, {}, [&](const Head& head) { return kind.largestFirst ? of(head) : -of(head); });
  return &*found;
}

std::string headCsvTitles() {
  std::string line = "layer,head,kv_head";
  for (const HeadColumn& column : kColumns) line += fmt::format(",{}", column.name);
  return line;
}

std::string headCsvLine(const Head& head) {
  std::string line = fmt::format("{},{},{}", head.layer, head.queryHead, head.kvHead);
  for (const HeadColumn& column : kColumns) {
    const double value = column.of(head);
    line += std::isnan(value) ? "," : fmt::format(",{}", value);
  }
  return line;
}

}  // namespace headroom::analysis
