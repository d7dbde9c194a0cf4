#include "app/cli/make_decoder.h"

#include <fmt/format.h>

#include "core/model/error.h"
#include "core/reference/reference_decoder.h"

namespace headroom::cli {

void DecoderChoice::addOptions(CLI::App& app) {
  backend = "reference";
  app.add_option("--backend", backend, "What computes")
      ->check(CLI::IsMember({"reference"}))
      ->capture_default_str();
  app.add_option("--kv-type", kvType, "Element type of the KV cache")
      ->check(CLI::IsMember({"f32", "f16"}))
      ->capture_default_str();
}

std::unique_ptr<model::Decoder> makeDecoder(const DecoderChoice& choice, const std::string& device,
                                            const model::Model& model) {
  const model::DecoderOptions options = {
      .kvType = choice.kvType == "f16" ? model::KvType::F16 : model::KvType::F32,
      .contextLength = choice.contextLength,
      .batch = choice.batch,
      .attention =
          choice.attention == "naive" ? model::AttentionKernel::Naive : model::AttentionKernel::Shared,
  };
  if (!device.empty()) throw model::Error("--device chooses a Vulkan device; the reference backend has none");
  return std::make_unique<reference::ReferenceDecoder>(model, options);
}

}  // namespace headroom::cli
