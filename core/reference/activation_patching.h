#pragma once

#include <span>
#include <vector>

#include "core/reference/forward_pass.h"

namespace headroom::reference {

/// Copies values of one text's run into another's and looks what the model says then, in float64: activation
/// patching (Vig et al. 2020, Meng et al. 2022, Wang et al. 2022). Keeps the residual streams and head
/// outputs of both runs.
class ActivationPatching {
 public:
  /// Runs both texts, which have as many tokens; `contextLength` as ForwardPass has it. Throws model::Error
  /// when a stage is not finite.
  ActivationPatching(const model::Model& model, int contextLength, std::span<const int> clean,
                     std::span<const int> corrupt);

  /// Logits after the last token, [vocabSize], of the texts as they are.
  std::vector<double> cleanLogits() const { return logitsAfter(m_clean.streams.back()); }
  std::vector<double> corruptLogits() const { return logitsAfter(m_corrupt.streams.back()); }
  /// ... and of the corrupt one, where the output of `queryHead` of `layer` is the clean one's at every
  /// position.
  std::vector<double> withHead(int layer, int queryHead) const;
  /// ... and where the residual stream before `layer` (or after the last, where `layer` is their number) is
  /// the clean one's at `position`.
  std::vector<double> withResidual(int layer, int position) const;

 private:
  /// What went through the layers, [tokens][dimension] each.
  struct Run {
    std::vector<Matrix> streams;      ///< before each layer, and after the last
    std::vector<Matrix> headOutputs;  ///< of each layer
  };

  Run runOf(std::span<const int> tokens) const;
  SequenceCache emptyCache() const;
  /// Takes `x`, a stream before `layer`, through it and all behind it; logits after its last row.
  std::vector<double> logitsFrom(int layer, Matrix x) const;
  std::vector<double> logitsAfter(const Matrix& lastStream) const;

  ForwardPass m_pass;
  int m_layerCount;
  int m_headDim;
  Run m_clean;
  Run m_corrupt;
};

}  // namespace headroom::reference
