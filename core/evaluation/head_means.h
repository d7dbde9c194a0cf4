#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/evaluation/survey_watch.h"
#include "core/model/decoder.h"
#include "core/model/head_change.h"

namespace headroom::evaluation {

/// What a head gives to W_O on average.
struct HeadMean {
  model::HeadPlace head;
  std::vector<float> mean;     ///< [headDim], before W_O
  std::int64_t positions = 0;  ///< of the text: all of them
};

/// Of each of `heads`, over a text that is read by windows as long as the decoder's context, each from an
/// empty cache; takes constant memory. The decoder, which should change no heads, is left empty, also when an
/// exception passes. Nothing when it was stopped. Throws model::Error when the decoder cannot run it, or for
/// an empty text.
std::vector<HeadMean> headMeans(model::Decoder& decoder, std::span<const int> text,
                                std::span<const model::HeadPlace> heads, const StopRequest& stop,
                                const SurveyProgress& progress);

/// Gives those of `changes` that want a mean and have none yet that of `text`. False when it was stopped;
/// nothing is read where none is missing.
bool measureMeans(model::Decoder& decoder, std::span<const int> text, std::vector<model::HeadChange>& changes,
                  const StopRequest& stop, const SurveyProgress& progress);

}  // namespace headroom::evaluation
