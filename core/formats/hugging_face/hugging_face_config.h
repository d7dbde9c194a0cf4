#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/formats/model_builder.h"

namespace headroom::formats {

/// Whether a config.json says that some projection of layer 0 has a bias.
struct BiasClaim {
  std::string source;  ///< "attention_bias: true"
  bool hasBias = false;
  std::string tensor;  ///< GGUF name of the bias
};

/// What a config.json says.
struct HuggingFaceConfig {
  std::string modelType;
  ModelClaims claims;
  std::vector<BiasClaim> biases;
  bool tied = false;  ///< the embedding is the output matrix, whatever else lies in the folder
};

/// Reads the text of a config.json of one of the families of model::architectures(). Whatever the forward
/// pass would not compute exactly is refused: throws model::Error, one sentence with the key, its value and
/// what was expected.
HuggingFaceConfig readHuggingFaceConfig(std::string_view text);

/// What a generation_config.json suggests, a sentence for people; empty when it suggests nothing. Throws
/// model::Error when it is not sound.
std::string describeGenerationConfig(std::string_view text);

}  // namespace headroom::formats
