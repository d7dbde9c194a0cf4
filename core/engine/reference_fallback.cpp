#include "core/engine/reference_fallback.h"

#include <fmt/format.h>

#include "core/engine/step_shape.h"
#include "core/model/error.h"

namespace headroom::engine {

std::optional<std::string> referenceNote(const model::ModelConfig& config,
                                         const model::DecoderOptions& options) {
  const int headDim = config.attention.headDim;
  if (headDimFits(headDim)) return std::nullopt;
  const bool isOdd = headDim % kHeadDimStep != 0;
  const std::string why =
      fmt::format("head_dim {} is {} {}, so this model runs on the float64 reference on the processor",
                  headDim, isOdd ? "no multiple of" : "more than", isOdd ? kHeadDimStep : kMostHeadDim);
  const auto refuse = [&](const std::string& reason) { throw model::Error(why + ", " + reason); };
  if (options.kvType == model::KvType::F16) {
    refuse("which keeps its cache in float64; a cache in f16 was asked for.");
  }
  if (options.attention == model::AttentionKernel::Naive) {
    refuse(fmt::format("which {}.", kNoKernelsToChoose));
  }
  return why + "; its times are the processor's.";
}

}  // namespace headroom::engine
