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
  if (options.attention == model::AttentionKernel::Naive) {
    throw model::Error(fmt::format("{}, which {}.", why, kNoKernelsToChoose));
  }
  const bool isRounded = options.kvType == model::KvType::F16;
  return fmt::format("{}{}; its times are the processor's.", why,
                     isRounded ? ", which rounds keys and values to f16 and keeps them in float64" : "");
}

}  // namespace headroom::engine
