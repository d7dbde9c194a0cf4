#include "core/model/head_change.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

#include "core/model/error.h"
#include "core/model/quantity.h"
#include "core/model/whole_number.h"

namespace headroom::model {

namespace {
constexpr std::array<std::string_view, 6> kHeadOutputNames{"zero",    "mean",        "previous-token",
                                                           "uniform", "first-token", "scaled"};

std::optional<double> finiteNumber(std::string_view text) {
  double number = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(number)) return std::nullopt;
  return number;
}

/// Of "L4H2" or "L3KV0".
std::vector<HeadPlace> placesNamed(std::string_view name, const ModelConfig& config) {
  const AttentionShape& attention = config.attention;
  const std::size_t letter = name.find_first_of("HK", 1);
  const bool isGroup = letter != std::string_view::npos && name.substr(letter).starts_with("KV");
  std::optional<int> layer, index;
  if (name.starts_with('L') && letter != std::string_view::npos) {
    layer = wholeNumber(name.substr(1, letter - 1));
    index = wholeNumber(name.substr(letter + (isGroup ? 2 : 1)));
  }
  const int count = isGroup ? attention.kvHeadCount : attention.queryHeadCount;
  if (!layer || !index || *layer < 0 || *layer >= config.layerCount || *index < 0 || *index >= count) {
    throw Error(fmt::format(
        "There is no head {}, expected L0H0 to L{}H{} or, with all that read it, L0KV0 to L{}KV{}",
        name.empty() ? "without a name" : name, config.layerCount - 1, attention.queryHeadCount - 1,
        config.layerCount - 1, attention.kvHeadCount - 1));
  }
  if (isGroup) return headsOfGroup(*layer, *index, attention);
  return {{*layer, *index}};
}

/// The change without its head, of what stands behind "=".
HeadChange changeTo(std::string_view what) {
  if (const std::optional<double> gain = finiteNumber(what))
    return {.head = {}, .output = HeadOutput::Scaled, .gain = *gain};
  const std::optional<HeadOutput> output = headOutputNamed(what);
  if (!output || *output == HeadOutput::Scaled) {
    throw Error(
        fmt::format("A head cannot become {}, expected zero, mean, previous-token, uniform, "
                    "first-token or a factor such as 0.5",
                    what.empty() ? "nothing after \"=\"" : what));
  }
  return {.head = {}, .output = *output};
}

AttentionPattern patternOf(HeadOutput output) {
  switch (output) {
    case HeadOutput::PreviousToken:
      return AttentionPattern::PreviousToken;
    case HeadOutput::Uniform:
      return AttentionPattern::Uniform;
    case HeadOutput::FirstToken:
      return AttentionPattern::FirstToken;
    case HeadOutput::Zero:
    case HeadOutput::Mean:
    case HeadOutput::Scaled:
      break;
  }
  return AttentionPattern::Computed;
}
}  // namespace

std::span<const std::string_view> headOutputNames() {
  return kHeadOutputNames;
}

std::optional<HeadOutput> headOutputNamed(std::string_view name) {
  const auto found = std::ranges::find(kHeadOutputNames, name);
  if (found == kHeadOutputNames.end()) return std::nullopt;
  return static_cast<HeadOutput>(found - kHeadOutputNames.begin());
}

bool isMeasured(const HeadChange& change) {
  return change.output != HeadOutput::Mean || !change.mean.empty();
}

std::vector<HeadChange> headChangesNamed(std::string_view names, const ModelConfig& config) {
  std::map<HeadPlace, HeadChange> changes;
  while (true) {
    const std::string_view name = names.substr(0, names.find(','));
    const std::size_t sign = name.find('=');
    HeadChange change = sign == std::string_view::npos ? HeadChange{} : changeTo(name.substr(sign + 1));
    for (const HeadPlace& head : placesNamed(name.substr(0, sign), config)) {
      change.head = head;
      const auto [known, isNew] = changes.emplace(head, change);
      if (!isNew && known->second != change) {
        throw Error(fmt::format("{} was to become two things, {} and {}, expected one", headName(head),
                                nameOf(known->second), nameOf(change)));
      }
    }
    if (name.size() == names.size()) break;
    names.remove_prefix(name.size() + 1);
  }
  std::vector<HeadChange> ordered;
  for (auto& [head, change] : changes) ordered.push_back(std::move(change));
  return ordered;
}

std::string nameOf(const HeadChange& change) {
  const std::string head = headName(change.head);
  switch (change.output) {
    case HeadOutput::Zero:
      return head;
    case HeadOutput::Scaled:
      return fmt::format("{}={}", head, change.gain);
    case HeadOutput::Mean:
    case HeadOutput::PreviousToken:
    case HeadOutput::Uniform:
    case HeadOutput::FirstToken:
      break;
  }
  return fmt::format("{}={}", head, kHeadOutputNames[static_cast<std::size_t>(change.output)]);
}

std::string nameWith(std::string_view name, std::span<const HeadChange> changes) {
  const auto isGone = [](const HeadChange& change) { return change.output == HeadOutput::Zero; };
  if (changes.size() > 2) {
    return std::ranges::all_of(changes, isGone) ? fmt::format("{} \u2212{} heads", name, changes.size())
                                                : fmt::format("{}, {} heads changed", name, changes.size());
  }
  std::string with(name);
  for (const HeadChange& change : changes) with += (isGone(change) ? " \u2212" : " ") + nameOf(change);
  return with;
}

std::string deedOf(const HeadChange& change) {
  switch (change.output) {
    case HeadOutput::Zero:
      return "gives nothing";
    case HeadOutput::Mean:
      return fmt::format("gives its mean over {} positions", groupDigits(change.meanPositions));
    case HeadOutput::PreviousToken:
      return "is frozen to the token before";
    case HeadOutput::Uniform:
      return "is frozen to equal weights";
    case HeadOutput::FirstToken:
      return "is frozen to the first token";
    case HeadOutput::Scaled:
      break;
  }
  return fmt::format("counts {} times", change.gain);
}

std::vector<HeadIntervention> interventionsOf(std::span<const HeadChange> changes,
                                              const ModelConfig& config) {
  std::vector<HeadIntervention> interventions;
  for (const HeadChange& change : changes) {
    const auto [layer, queryHead] = change.head;
    if (!isMeasured(change)) {
      throw Error(
          fmt::format("{} was to give its mean, which is not measured: expected a text to measure it "
                      "on",
                      headName(change.head)));
    }
    if (change.output == HeadOutput::Zero || change.output == HeadOutput::Mean) {
      interventions.push_back(HeadIntervention::ablation(layer, queryHead, config, change.mean));
      continue;
    }
    HeadIntervention intervention{
        .layer = layer, .queryHead = queryHead, .pattern = patternOf(change.output)};
    if (change.output == HeadOutput::Scaled)
      intervention.gain.assign(static_cast<std::size_t>(config.attention.headDim),
                               static_cast<float>(change.gain));
    interventions.push_back(std::move(intervention));
  }
  return interventions;
}

}  // namespace headroom::model
