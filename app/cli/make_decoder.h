#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "core/model/decoder.h"
#include "core/model/model.h"

namespace headroom::cli {

/// How a command runs its models, as its options say.
struct DecoderChoice {
  std::string backend;  ///< "vulkan" or "reference"
  std::string kvType = "f32";
  std::string attention = "shared";
  int batch = 1;
  int contextLength = 0;  ///< 0: the model's own

  /// Adds --backend and --kv-type.
  void addOptions(CLI::App& app);
};

/// A decoder for `model` on `device` (Vulkan only; empty for the first one). `model` stays with the caller
/// and outlives the decoder. Throws model::Error.
std::unique_ptr<model::Decoder> makeDecoder(const DecoderChoice& choice, const std::string& device,
                                            const model::Model& model);

}  // namespace headroom::cli
