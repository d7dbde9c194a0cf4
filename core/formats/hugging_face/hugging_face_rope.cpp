#include "core/formats/hugging_face/hugging_face_rope.h"

#include <fmt/format.h>

#include <cmath>

#include "core/formats/limits.h"
#include "core/model/error.h"
#include "core/text/utf8.h"

namespace headroom::formats {

namespace {
using model::Error;
using model::RopeScaling;
using model::RopeScalingKind;
using text::quotedName;

double requiredPositive(const JsonObject& object, std::string_view key) {
  const auto value = object.positive(key);
  if (!value) throw Error(fmt::format("{} is missing", object.nameOf(key)));
  return *value;
}

std::vector<float> readFactors(const JsonObject& object, std::string_view key) {
  const auto values = object.numbers(key);
  if (!values || values->empty()) throw Error(fmt::format("{} is missing", object.nameOf(key)));
  std::vector<float> factors;
  for (double value : *values) factors.push_back(static_cast<float>(value));
  return factors;
}

/// LongRoPE (arXiv 2402.13753): a set of divisors within the original context and one beyond it.
RopeScaling readLongRope(const JsonObject& config, const JsonObject& object, int contextLength) {
  RopeScaling scaling{.kind = RopeScalingKind::Factors, .originalContext = contextLength};
  auto original = config.integer("original_max_position_embeddings", 1, kMostPositions);
  if (!original) original = object.integer("original_max_position_embeddings", 1, kMostPositions);
  if (original) scaling.originalContext = static_cast<int>(*original);
  const double growth = original ? static_cast<double>(contextLength) / static_cast<double>(*original)
                                 : object.positive("factor").value_or(1.0);
  scaling.factors = readFactors(object, "short_factor");
  scaling.longFactors = readFactors(object, "long_factor");
  if (scaling.factors.size() != scaling.longFactors.size()) {
    throw Error(fmt::format("{} has {} numbers and {} has {}, expected the same",
                            object.nameOf("short_factor"), scaling.factors.size(),
                            object.nameOf("long_factor"), scaling.longFactors.size()));
  }
  const double magnitude =
      growth > 1.0 ? std::sqrt(1.0 + std::log(growth) / std::log(scaling.originalContext)) : 1.0;
  scaling.magnitude = object.positive("attention_factor").value_or(magnitude);
  if (!std::isfinite(scaling.magnitude)) {
    throw Error(fmt::format("{} is {}, expected at least 2 positions", "original_max_position_embeddings",
                            scaling.originalContext));
  }
  return scaling;
}

RopeScaling readYarn(const JsonObject& object, int contextLength) {
  RopeScaling scaling{.kind = RopeScalingKind::Yarn, .factor = requiredPositive(object, "factor")};
  scaling.originalContext = static_cast<int>(
      object.integer("original_max_position_embeddings", 1, kMostPositions).value_or(contextLength));
  scaling.betaFast = object.positive("beta_fast").value_or(scaling.betaFast);
  scaling.betaSlow = object.positive("beta_slow").value_or(scaling.betaSlow);
  if (scaling.factor < 1.0) {
    throw Error(fmt::format("{} is {}, expected at least 1", object.nameOf("factor"), scaling.factor));
  }
  if (!object.flag("truncate").value_or(true)) {
    throw Error(fmt::format("{} is false, expected true: only whole pairs bound the ramp of YaRN here",
                            object.nameOf("truncate")));
  }
  // DeepSeek's refinement: the ratio of two magnitudes.
  const auto magnitudeOf = [&](double weight) { return 0.1 * weight * std::log(scaling.factor) + 1.0; };
  const auto weight = object.positive("mscale");
  const auto allWeight = object.positive("mscale_all_dim");
  if (weight && allWeight) scaling.magnitude = magnitudeOf(*weight) / magnitudeOf(*allWeight);
  scaling.magnitude = object.positive("attention_factor").value_or(scaling.magnitude);
  return scaling;
}

RopeScaling readLlama3(const JsonObject& object) {
  RopeScaling scaling{.kind = RopeScalingKind::Llama3, .factor = requiredPositive(object, "factor")};
  scaling.originalContext =
      static_cast<int>(object.requiredInteger("original_max_position_embeddings", 1, kMostPositions));
  scaling.lowFrequencyFactor = requiredPositive(object, "low_freq_factor");
  scaling.highFrequencyFactor = requiredPositive(object, "high_freq_factor");
  if (scaling.highFrequencyFactor <= scaling.lowFrequencyFactor) {
    throw Error(fmt::format("{} is {} and {} is {}, expected the first to be larger",
                            object.nameOf("high_freq_factor"), scaling.highFrequencyFactor,
                            object.nameOf("low_freq_factor"), scaling.lowFrequencyFactor));
  }
  return scaling;
}

RopeScaling readScaling(const JsonObject& config, const JsonObject& object, int contextLength) {
  auto type = object.text("rope_type");
  if (!type) type = object.text("type");
  if (!type || *type == "default" || *type == "none") return {};
  if (*type == "linear")
    return {.kind = RopeScalingKind::Linear, .factor = requiredPositive(object, "factor")};
  if (*type == "llama3") return readLlama3(object);
  if (*type == "yarn") return readYarn(object, contextLength);
  if (*type == "longrope" || *type == "su") return readLongRope(config, object, contextLength);
  if (*type == "dynamic") {
    throw Error(fmt::format(
        "{} is dynamic, which turns earlier keys differently with every length of a text, so that a cache of "
        "them cannot be exact; expected linear, llama3, yarn or longrope",
        object.nameOf("type")));
  }
  throw Error(fmt::format("{} is {}, expected default, linear, llama3, yarn or longrope",
                          object.nameOf("type"), quotedName(*type)));
}
}  // namespace

HuggingFaceRope readHuggingFaceRope(const JsonObject& config, int contextLength, double usualPart) {
  HuggingFaceRope rope;
  const auto parameters = config.object("rope_parameters");
  const auto scaling = parameters ? parameters : config.object("rope_scaling");
  // Newer files keep everything in rope_parameters; GPT-NeoX has names of its own.
  const auto firstOf = [&](std::initializer_list<const char*> keys, double fallback) {
    for (const char* key : keys) {
      if (parameters && parameters->has(key)) return *parameters->positive(key);
      if (config.has(key)) return *config.positive(key);
    }
    return fallback;
  };
  rope.base = firstOf({"rope_theta", "rotary_emb_base"}, rope.base);
  rope.rotatedPart = firstOf({"partial_rotary_factor", "rotary_pct"}, usualPart);
  if (rope.rotatedPart > 1.0) {
    throw Error(fmt::format("{} of each head is rotated, expected at most 1", rope.rotatedPart));
  }
  if (scaling) rope.scaling = readScaling(config, *scaling, contextLength);
  return rope;
}

}  // namespace headroom::formats
