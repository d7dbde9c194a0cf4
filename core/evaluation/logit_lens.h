#pragma once

#include <functional>
#include <span>

#include "core/evaluation/survey_watch.h"
#include "core/model/decoder.h"
#include "core/model/model.h"

namespace headroom::evaluation {

/// Positions of a text.
struct PositionRange {
  int first = 0;
  int count = 1;
};

/// Told [vocabSize] for the residual stream before `layer`, or after the last where `layer` is their number.
using KeepLensRow = std::function<void(int layer, int position, std::span<const float> logits)>;

/// The logit lens (nostalgebraist 2020): what the model would say at each of `positions` if it ended before a
/// layer. The residual stream is the decoder's, the last norm and the output matrix are computed in float64.
/// `keep` is told by layer, then by position; false when it was stopped. The decoder is left empty, also when
/// an exception passes. `model` is the one that it decodes. Throws model::Error for tokens that do not fit
/// the decoder, or positions that are not theirs.
bool readLens(model::Decoder& decoder, const model::Model& model, std::span<const int> tokens,
              PositionRange positions, const StopRequest& stop, const KeepLensRow& keep);

}  // namespace headroom::evaluation
