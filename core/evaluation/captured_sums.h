#pragma once

#include <vector>

#include "core/analysis/head_survey.h"
#include "core/analysis/second_moments.h"
#include "core/model/decoder.h"
#include "core/model/model.h"

namespace headroom::evaluation {

/// Sums over what steps hand back of keys, values, head outputs and the residual stream, by layer, and what
/// they say of heads; takes constant memory.
class CapturedSums {
 public:
  /// `model` is the decoder's, or null: head outputs say something only with its weights. It outlives the
  /// sums.
  CapturedSums(const model::ModelConfig& config, const model::Model* model);

  /// What a step must hand back.
  std::vector<model::ActivationRequest> requests() const;
  /// Adds what the step handed back. Of head outputs and the residual stream position 0 of a text does not
  /// count, where every head can only look at itself.
  void add(const model::StepRecord& record);

  /// Puts into `survey`, which has its heads, how they compare, what they write and how many directions keys
  /// and values use, or why one of these is not there.
  void conclude(analysis::HeadSurvey& survey) const;

 private:
  struct Layer {
    analysis::SecondMoments keys;
    analysis::SecondMoments values;
    analysis::SecondMoments outputs;
    double streamSquares = 0.0;  ///< sum over positions of |x|^2
  };

  bool readsCache() const;
  bool readsOutputs() const;
  void concludeCache(analysis::HeadSurvey& survey) const;
  void concludeOutputs(analysis::HeadSurvey& survey) const;

  const model::ModelConfig& m_config;
  const model::Model* m_model;
  std::vector<Layer> m_layers;
};

}  // namespace headroom::evaluation
