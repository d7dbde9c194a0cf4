#include "core/lanes/experiment.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <type_traits>

#include "core/formats/bundled_models.h"
#include "core/formats/files/atomic_file.h"
#include "core/formats/files/file_mapping.h"
#include "core/formats/json/json_object.h"
#include "core/formats/json/json_reader.h"
#include "core/lanes/choice_names.h"
#include "core/model/error.h"
#include "core/text/utf8.h"

namespace headroom::lanes {

namespace {
namespace fs = std::filesystem;
using formats::JsonObject;
using nlohmann::json;
using nlohmann::ordered_json;

/// Nothing but the prompt is long in the file.
constexpr std::size_t kMostBytes = kMostPromptBytes;
constexpr double kMostTokensPerSecond = 1e6;
/// Heads of a lane, far beyond what any model has.
constexpr int kMostHeads = 1 << 16;

template <typename Choice>
Choice chosen(const JsonObject& object, std::string_view key, Choice missing) {
  const std::optional<std::size_t> index = object.choice(key, choiceNames<Choice>());
  return index ? static_cast<Choice>(*index) : missing;
}

template <typename Number>
Number within(const JsonObject& object, std::string_view key, model::Range<Number> range, Number missing) {
  if constexpr (std::is_integral_v<Number>) {
    return static_cast<Number>(object.integer(key, range.least, range.most).value_or(missing));
  } else {
    return static_cast<Number>(
        object.number(key, double{range.least}, double{range.most}).value_or(double{missing}));
  }
}

/// Where an experiment lies: models are named beside it, too. Nothing: in no file.
using Folder = std::optional<fs::path>;

/// Where the model is: beside the experiment, or where the path says.
std::string found(const std::string& named, const std::string& relative, const Folder& folder) {
  if (formats::isBundled(named) || !folder) return named;
  std::error_code ignored;
  for (const std::string& path : {relative, named}) {
    if (path.empty() || fs::path(path).is_absolute()) continue;
    const fs::path beside = (*folder / path).lexically_normal();
    if (fs::exists(beside, ignored)) return beside.string();
  }
  return fs::path(named).is_absolute() ? named : (*folder / named).lexically_normal().string();
}

constexpr double kMostGain = 1e6;

model::HeadChange changeOf(const JsonObject& entry) {
  model::HeadChange change{.head = {static_cast<int>(entry.requiredInteger("layer", 0, kMostHeads)),
                                    static_cast<int>(entry.requiredInteger("head", 0, kMostHeads))}};
  if (const auto output = entry.choice("output", model::headOutputNames()))
    change.output = static_cast<model::HeadOutput>(*output);
  if (change.output == model::HeadOutput::Scaled)
    change.gain = entry.number("gain", -kMostGain, kMostGain).value_or(1.0);
  if (change.output != model::HeadOutput::Mean) return change;
  for (const double element : entry.numbers("mean").value_or(std::vector<double>{})) {
    if (std::abs(element) > double{std::numeric_limits<float>::max()})
      throw model::Error(fmt::format("{} holds {}, expected float32", entry.nameOf("mean"), element));
    change.mean.push_back(static_cast<float>(element));
  }
  if (change.mean.empty())
    throw model::Error(entry.nameOf("mean") + " is missing or empty, expected numbers");
  change.meanPositions = entry.requiredInteger("positions", 1, std::numeric_limits<std::int64_t>::max());
  return change;
}

std::vector<model::HeadChange> changesOf(const JsonObject& lane) {
  std::vector<model::HeadChange> changes;
  if (const auto heads = lane.objects("ablated", kMostHeads)) {
    for (const JsonObject& head : *heads) changes.push_back(changeOf(head));
    std::ranges::sort(changes, {}, &model::HeadChange::head);
  }
  return changes;
}

LaneRequest laneOf(const JsonObject& entry, const Folder& folder) {
  LaneRequest lane;
  const std::string model = entry.text("model").value_or("");
  if (model.empty()) throw model::Error(entry.nameOf("model") + " is missing or empty, expected a model");
  lane.source = found(model, entry.text("relative").value_or(""), folder);
  lane.colorIndex = static_cast<int>(entry.integer("color", 0, kMostLanes - 1).value_or(-1));
  lane.options.kvType = chosen(entry, "kv_type", lane.options.kvType);
  lane.options.batch = static_cast<int>(entry.integer("batch", 1, model::kMostSequences).value_or(1));
  lane.options.contextLength = static_cast<int>(entry.integer("context", 0, model::kMostContext).value_or(0));
  lane.options.attention = chosen(entry, "attention", lane.options.attention);
  lane.options.changes = changesOf(entry);
  return lane;
}

/// Lanes without a colour take those that are left.
void colorLanes(std::vector<LaneRequest>& lanes) {
  for (std::size_t index = 0; index < lanes.size(); ++index) {
    const int color = lanes[index].colorIndex;
    if (color >= 0 && std::ranges::count(lanes, color, &LaneRequest::colorIndex) > 1) {
      throw model::Error(fmt::format(
          "lanes[{}].color is {}, which another lane has; expected one colour each", index, color));
    }
  }
  for (LaneRequest& lane : lanes) {
    if (lane.colorIndex < 0) lane.colorIndex = freeColor(lanes);
  }
}

Experiment experimentOf(const json& document, const Folder& folder) {
  const JsonObject file(document);
  if (const std::string format = file.text("format").value_or(""); format != kExperimentFormat) {
    throw model::Error(fmt::format("not an experiment of Headroom: its format is {}, expected {}",
                                   text::quotedName(format), kExperimentFormat));
  }
  const std::int64_t version = file.requiredInteger("version", 1, std::numeric_limits<int>::max());
  if (version > kExperimentVersion) {
    throw model::Error(
        fmt::format("its version is {}, this program reads up to version {}: a newer one is "
                    "needed",
                    version, kExperimentVersion));
  }
  const auto entries = file.objects("lanes", kMostLanes);
  if (!entries) throw model::Error("lanes is missing");
  Experiment experiment;
  for (const JsonObject& entry : *entries) experiment.lanes.push_back(laneOf(entry, folder));
  colorLanes(experiment.lanes);
  if (const auto prompt = file.object("prompt")) {
    experiment.prompt = prompt->text("text").value_or("");
    experiment.promptForm = chosen(*prompt, "form", experiment.promptForm);
  }
  if (const auto sampling = file.object("sampling")) {
    using Options = model::SamplingOptions;
    experiment.sampling = {
        .temperature = within(*sampling, "temperature", Options::kTemperatures, Options().temperature),
        .topK = within(*sampling, "top_k", Options::kTopKs, Options().topK),
        .topP = within(*sampling, "top_p", Options::kTopPs, Options().topP),
        .seed = sampling->natural("seed").value_or(Options().seed)};
  }
  experiment.tokensPerSecond = file.number("tokens_per_second", 0.0, kMostTokensPerSecond).value_or(0.0);
  experiment.feed = chosen(file, "feed", experiment.feed);
  experiment.fill = static_cast<int>(file.integer("fill", 0, model::kMostContext).value_or(0));
  experiment.whenTextEnds = chosen(file, "when_text_ends", experiment.whenTextEnds);
  return experiment;
}

/// 0.8 for the float next to it, and not 0.800000011920929.
double shortest(float value) {
  return std::stod(fmt::format("{}", value));
}

ordered_json documentOf(const model::HeadChange& change) {
  ordered_json entry = {{"layer", change.head.layer}, {"head", change.head.queryHead}};
  if (change.output != model::HeadOutput::Zero)
    entry["output"] = model::headOutputNames()[static_cast<std::size_t>(change.output)];
  if (change.output == model::HeadOutput::Scaled) entry["gain"] = change.gain;
  if (change.output == model::HeadOutput::Mean) {
    for (const float element : change.mean) entry["mean"].push_back(shortest(element));
    entry["positions"] = change.meanPositions;
  }
  return entry;
}

std::string requireUtf8(const std::string& path) {
  if (text::replaceInvalidUtf8(path) == path) return path;
  throw model::Error(fmt::format(
      "The path {} is no UTF-8 and cannot stand in an experiment; rename the model", text::quotedName(path)));
}

ordered_json documentOf(const LaneRequest& lane, const Folder& folder) {
  ordered_json entry;
  std::error_code ignored;
  if (formats::isBundled(lane.source) || (!folder && !fs::exists(lane.source, ignored))) {
    entry["model"] = text::replaceInvalidUtf8(lane.source);
  } else {
    const fs::path path = fs::absolute(lane.source).lexically_normal();
    entry["model"] = folder ? requireUtf8(path.string()) : text::replaceInvalidUtf8(path.string());
    const std::string relative = folder ? path.lexically_relative(*folder).generic_string() : "";
    if (!relative.empty()) entry["relative"] = relative;
  }
  entry["color"] = lane.colorIndex;
  entry["kv_type"] = choiceName(lane.options.kvType);
  entry["batch"] = lane.options.batch;
  entry["context"] = lane.options.contextLength;
  entry["attention"] = choiceName(lane.options.attention);
  for (const model::HeadChange& change : lane.options.changes) entry["ablated"].push_back(documentOf(change));
  return entry;
}

std::string textOf(const Experiment& experiment, const Folder& folder) {
  ordered_json lanes = ordered_json::array();
  for (const LaneRequest& lane : experiment.lanes) lanes.push_back(documentOf(lane, folder));
  const model::SamplingOptions& sampling = experiment.sampling;
  const ordered_json document = {
      {"format", kExperimentFormat},
      {"version", kExperimentVersion},
      {"lanes", lanes},
      {"prompt",
       {{"form", choiceName(experiment.promptForm)}, {"text", text::replaceInvalidUtf8(experiment.prompt)}}},
      {"sampling",
       {{"temperature", shortest(sampling.temperature)},
        {"top_k", sampling.topK},
        {"top_p", shortest(sampling.topP)},
        {"seed", sampling.seed}}},
      {"tokens_per_second", std::max(0.0, experiment.tokensPerSecond)},
      {"feed", choiceName(experiment.feed)},
      {"fill", experiment.fill},
      {"when_text_ends", choiceName(experiment.whenTextEnds)}};
  return document.dump(2) + "\n";
}

Experiment parsed(std::string_view text, const std::string& name, const Folder& folder) {
  const json document = formats::parseJsonObject(text, kMostBytes, name);
  try {
    return experimentOf(document, folder);
  } catch (const model::Error& error) {
    throw model::Error(fmt::format("{}: {}", name, error.what()));
  }
}
}  // namespace

int freeColor(const std::vector<LaneRequest>& lanes) {
  int color = 0;
  while (std::ranges::count(lanes, color, &LaneRequest::colorIndex) > 0) ++color;
  return color;
}

bool isExperiment(const std::string& path) {
  return fs::path(path).extension() == kExperimentEnding;
}

Experiment parseExperiment(std::string_view text, const std::string& path) {
  return parsed(text, text::replaceInvalidUtf8(path), fs::absolute(path).parent_path());
}

Experiment readExperiment(const std::string& path) {
  const formats::FileMapping mapping(path);
  const auto bytes = mapping.bytes();
  return parseExperiment({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path);
}

void writeExperiment(const Experiment& experiment, const std::string& path) {
  const std::string text = textOf(experiment, fs::absolute(path).lexically_normal().parent_path());
  formats::AtomicFile file(path);
  file.write(text);
  file.commit();
}

std::string keptText(const Experiment& experiment) {
  return textOf(experiment, std::nullopt);
}

Experiment parseKept(std::string_view text) {
  return parsed(text, "The experiment that was kept", std::nullopt);
}

}  // namespace headroom::lanes
