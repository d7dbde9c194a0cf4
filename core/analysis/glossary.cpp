#include "core/analysis/glossary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cctype>
#include <vector>

#include "core/analysis/lane_measurement.h"
#include "core/analysis/speed_comparison.h"
#include "core/analysis/step_bound.h"
#include "core/analysis/verdict.h"
#include "core/model/decoder.h"
#include "core/model/quantity.h"

namespace headroom::analysis {

namespace {
std::string nameOf(Bound bound) {
  return std::string(boundName(bound));
}

std::vector<Term> makeTerms() {
  return {
      {"MHA", "Multi-head attention: every query head reads a KV head of its own.", "KV heads = query heads"},
      {"GQA",
       "Grouped-query attention: the query heads of a group read one KV head. It lies between MHA and MQA.",
       "group size = query heads / KV heads"},
      {"MQA", "Multi-query attention: all query heads read the same KV head.", "KV heads = 1"},
      {"query head",
       "One of the parallel parts of an attention layer that looks back at the text, with weights of its "
       "own. "
       "Each gives every position seen a share of its attention.",
       "attention = softmax(query \u00b7 keys \u00d7 scale), scale usually 1 / \u221ahead dim"},
      {"KV head",
       "A set of keys and values that one query head or a whole group of them reads. Fewer of them make the "
       "KV "
       "cache smaller.",
       "bytes per token = 2 \u00d7 layers \u00d7 KV heads \u00d7 head dim \u00d7 bytes per element"},
      {"KV cache",
       "The keys and values of all positions so far, kept so that no step computes them again. It grows with "
       "every token and is read whole by each step, but for sliding windows.",
       "2 \u00d7 layers \u00d7 KV heads \u00d7 positions \u00d7 head dim \u00d7 bytes per element \u00d7 "
       "sequences"},
      {"prefill",
       "Feeding a prompt, many positions at once. Its times are no decode steps and are kept apart from "
       "them.",
       ""},
      {nameOf(Bound::Launch),
       "Dispatches \u00d7 an empty dispatch and the time outside the stages are the largest part of a step.",
       "launching = dispatches \u00d7 empty dispatch + time outside the stages"},
      {nameOf(Bound::Weights), "Reading weights is the largest part of a step.",
       fmt::format("a stage counts so where bytes / read ceiling explain {:.0f} % of its time beyond the "
                   "launch and take longer than FLOPs / FMA rate",
                   100.0 * kExplained)},
      {nameOf(Bound::Kv), "Reading keys and values is the largest part of a step.",
       fmt::format("attention counts so where bytes / read ceiling explain {:.0f} % of its time beyond the "
                   "launch and take longer than FLOPs / FMA rate",
                   100.0 * kExplained)},
      {nameOf(Bound::Compute),
       "Arithmetic is the largest part of a step: FLOPs at the FMA rate take longer than bytes at the read "
       "ceiling, and explain that time.",
       fmt::format("FLOPs / FMA rate > bytes / read ceiling, and at least {:.0f} % of these stages' time "
                   "beyond the launch",
                   100.0 * kExplained)},
      {nameOf(Bound::Instructions),
       "The kernels' other instructions are the largest part of a step: neither bytes at the read ceiling "
       "nor "
       "FLOPs at the FMA rate explain a stage's time.",
       fmt::format("both less than {:.0f} % of these stages' time beyond the launch", 100.0 * kExplained)},
      {nameOf(Bound::CacheResident),
       "Reading is the largest part of a step, but from the device's caches: what memory reaches does not "
       "limit it.",
       fmt::format("implied GB/s > read ceiling of memory, where the ceiling at the step's bytes is {} times "
                   "that or more",
                   model::fixedText(kCached, 2))},
      {"issued",
       "Bytes that the kernels load and store, padding and reloads included. They are declared with every "
       "dispatch, and audited against counters inside the kernels.",
       "sum over all dispatches of a step"},
      {"logical", "Bytes with each datum once, however often a kernel loads it.",
       "sum over all classes of a step's bytes: weights, KV, activations, capture"},
      {"implied GB/s",
       "The bandwidth that a step would need if it moved each datum once. 1 GB is 10^9 bytes.",
       "logical bytes / time per step"},
      {"KV loads", "How often the kernel loads each key and value in a step.",
       "issued KV reads / logical KV reads"},
      {"read ceiling",
       "What reading the same bytes again and again reaches on this device, measured for working sets from "
       "inside its caches to memory. Kernels that only read, kernels that copy and the copy command are "
       "tried; the fastest counts.",
       "(bytes read + bytes written) / time"},
      {"capture",
       "Handing attention rows back out of a step, so that they can be shown. Its writes are a class of "
       "bytes of "
       "their own.",
       "4 bytes \u00d7 captured heads \u00d7 (values per row + 2 per chunk of the context, its maximum and "
       "sum)"},
      {"position",
       "The place of a token in its sequence, numbered from 0: with n positions in the cache the newest is "
       "number n \u2212 1. A step writes one key and one value per KV head and layer for it.",
       "newest = positions in the cache \u2212 1"},
      {"sink", "The attention that goes to position 0, which often takes what a head has no other use for.",
       "sink mass = attention[0]"},
      {"naive",
       "The attention kernel with one workgroup per query head, which loads keys and values anew for each. "
       "Sharing heads then saves memory but no traffic.",
       "KV loads = query heads / KV heads"},
      {"shared",
       "The attention kernel that loads each key and value for the query heads of its KV head together: once "
       "per step, or, where a GPU's registers hold only some of a wide group, once for each of its parts.",
       "KV loads = issued / logical KV bytes"},
      {"lockstep",
       "Lanes of one vocabulary are fed the tokens of one of them, so that their maps compare position by "
       "position. Where a lane would have chosen another token is marked.",
       ""},
      {"free run", "Every lane is fed the tokens that it chooses itself.", ""},
      {"entropy",
       "How widely one row of attention is spread: 0 bits looks at one token, log2 of the positions at all "
       "of "
       "them alike. Of the next token's distribution it is given in nats.",
       "\u2212\u03a3 p log2 p"},
      {"mean distance", "How far back a row of attention looks on average, in tokens.",
       "\u03a3 p \u00d7 (query position \u2212 attended position)"},
      {"stage",
       "A part of a decode step with a dispatch and a time stamp of its own: embedding, QKV, attention, its "
       "output, the feed-forward network up and down, logits.",
       "step = stages + time outside them"},
      {"roofline",
       "A stage's arithmetic per second against its arithmetic per byte, under what the device reaches at "
       "most. "
       "Left of the corner bytes are the limit, right of it FLOPs.",
       "attainable FLOP/s = min(FMA rate, FLOPs / issued bytes \u00d7 read ceiling)"},
      {"taken away",
       "Of a head: its output is 0 before W_O, where heads are still separate; with a KV head go all query "
       "heads that read it. The lane's text is read again without them.",
       "attention output = sum over the other heads of A V W_O"},
      {"induction head",
       "A head that looks at the token after the earlier copy of the one it stands at, and so continues what "
       "was said "
       "before. Found on random tokens that are said again.",
       "mean of a[i][i \u2212 length + 1] in the later copies"},
      {"loss without a head",
       "How much worse a model predicts a text without one head. \u201cnone\u201d: no more than another "
       "split of "
       "the text into steps changes by itself.",
       "mean over tokens of ln p(with all heads) \u2212 ln p(without it), nats per token"},
      {"divergence",
       "Jensen\u2013Shannon divergence of two heads' attention: 0 where they look at the same, ln 2 = 0.693 "
       "where "
       "they have nothing in common.",
       "H((p + q) / 2) \u2212 (H(p) + H(q)) / 2, nats, mean over positions"},
      {"copying",
       "Of a head: whether the tokens it looks at become more likely by its output alone, towards 1, or less "
       "likely, towards \u22121 (Elhage and others, 2021). Computed from the weights, not from a text.",
       "sum of eigenvalues / sum of their moduli of W_U W_O W_V W_E"},
      {"prefix matching",
       "The attention that a head gives to the tokens which followed earlier copies of the one it stands at: "
       "induction in the text itself (Olsson and others, 2022).",
       "sum of a over the positions after earlier copies of the same token"},
      {"write share",
       "The part that a head has in what its layer's attention adds to the residual stream. Below 0 it takes "
       "away what the others add.",
       "sum c_h \u00b7 w / sum w \u00b7 w, c_h: what head h adds at a position, w: sum of c_h over the "
       "heads"},
      {"write size",
       "How large what a head adds to the residual stream is beside what is there before: root mean squares "
       "over the positions.",
       "size of c_h / size of the residual stream before it"},
      {"cosine",
       "Of two heads' outputs: whether they point the same way, over all positions together. 1: the same "
       "direction, 0: unrelated, \u22121: opposite.",
       "sum c_g \u00b7 c_h / \u221a(sum c_g \u00b7 c_g \u00d7 sum c_h \u00b7 c_h), over positions"},
      {"CKA",
       "Linear centred kernel alignment: whether two heads' keys, or values, are the same but for a "
       "rotation, "
       "a shift and a scale, which is 1; 0: unrelated (Kornblith and others, 2019). Over few positions any "
       "vectors "
       "look alike.",
       "|X^T Y|^2 / (|X^T X| |Y^T Y|), Frobenius norms; X, Y: positions \u00d7 head dim, each less its mean"},
      {"effective rank",
       "How many directions a set of vectors uses: as many as there are if all are used alike, fewer where "
       "some "
       "carry most. Sharing keys and values lowers what it can be at most.",
       "exp(\u2212sum s ln s), s: singular values as shares"},
      {"tokens/s",
       "Tokens that a lane decodes in a second, of all its sequences together. It is what the lane reaches "
       "on "
       "its own: the speed setting may pace it slower.",
       "sequences / wall time of a step"},
      {"trained context",
       "The positions that a model was made for. Beyond them text need not make sense, times and bytes are "
       "true.",
       ""},
      {"median",
       fmt::format(
           "The middle one of the sorted values, which a single slow step does not move. Times per step "
           "are the median of {}.",
           recentStepsText()),
       ""},
      {"\u00b1",
       fmt::format(
           "Of speeds: the farther end of the range in which {} resampled measurements lie, from the value "
           "before it. Of a loss without a head the standard error of the mean, of pairs of heads the "
           "standard "
           "deviation of the pairs.",
           kRangeShareText),
       "max(high \u2212 value, value \u2212 low)"},
      {"too noisy",
       "Said of a comparison whose range tells too little. It is lifted again once the range is clearly "
       "narrower, so that the answer does not flip.",
       fmt::format("high > {:.0f} \u00d7 low; or low \u2264 {:.2f}, high \u2265 {:.2f} and \u00b1 > {:.0f} % "
                   "of the value",
                   kWidestRange, 1.0 + kNoticeable, 1.0 - kNoticeable, 100.0 * kTooNoisy)},
  };
}

std::string lowered(const std::string& name) {
  std::string lower = name;
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  return lower;
}

const std::vector<Term>& terms() {
  static const std::vector<Term> sorted = [] {
    std::vector<Term> made = makeTerms();
    std::ranges::sort(made, {}, [](const Term& term) { return lowered(term.name); });
    return made;
  }();
  return sorted;
}
}  // namespace

std::span<const Term> glossary() {
  return terms();
}

const Term& term(std::string_view name) {
  const auto found = std::ranges::find(terms(), name, &Term::name);
  assert(found != terms().end());
  return *found;
}

}  // namespace headroom::analysis
