#include "core/engine/reference_fallback.h"

#include <fmt/format.h>

#include "core/model/error.h"

namespace headroom::engine {

std::optional<std::string> referenceNote(const model::ModelConfig& config,
                                         const model::DecoderOptions& options) {
  // The kernels load four elements of a head at once.
  if (config.attention.headDim % 4 == 0) return std::nullopt;
  const std::string why = fmt::format(
      "head_dim {} is no multiple of 4, so this model runs on the float64 "
      "reference on the processor",
      config.attention.headDim);
  const auto refuse = [&](const std::string& reason) { throw model::Error(why + ", " + reason); };
  if (options.kvType == model::KvType::F16) {
    refuse("which keeps its cache in float64; a cache in f16 was asked for.");
  }
  if (options.attention == model::AttentionKernel::Naive) {
    refuse("which has no kernels to choose from; the naive one was asked for.");
  }
  return why + "; its times are the processor's.";
}

}  // namespace headroom::engine
