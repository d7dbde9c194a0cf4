#pragma once

#include <span>
#include <vector>

#include "core/model/decoder.h"
#include "core/model/model.h"
#include "core/reference/matrices.h"

namespace headroom::reference {

/// Keys and values of one sequence.
struct SequenceCache {
  struct Layer {
    std::vector<double> keys;    // [position][kvHead][headDim]
    std::vector<double> values;  // [position][kvHead][headDim]
  };

  std::vector<Layer> layers;
  int position = 0;  ///< tokens that have gone through all layers

  /// Forgets what lies behind the first `positions`, of kvHeads * headDim elements each.
  void truncate(int positions, int kvDim);
};

/// The forward pass over a block of tokens of one sequence. Activations are [tokens of the block][dimension].
class ForwardPass {
 public:
  /// Copies what it needs of `model`; `options` has its context filled in.
  /// `roundsToHalf`: keys and values are those that a cache of f16 would hold.
  ForwardPass(const model::Model& model, int contextLength, bool roundsToHalf);

  /// Those of checkInterventions(); from the next run() on.
  void setInterventions(std::span<const model::HeadIntervention> interventions) {
    m_interventions.assign(interventions.begin(), interventions.end());
  }

  /// Appends `tokens` to the cache and adds stages and captured rows to `record`: the residual stream after
  /// the last layer. Throws model::Error when a stage is not finite; the cache is then to be truncated.
  Matrix run(std::span<const int> tokens, SequenceCache& cache, const model::Capture& capture,
             model::StepRecord& record) const;
  /// Logits of rows of that stream, [rows][vocabSize]; row i is of position `positions`[i]. Throws likewise.
  Matrix logits(const Matrix& x, std::span<const int> positions, model::StepRecord& record) const;

  // What run() consists of, for those who change values between its parts. They throw likewise.
  /// The residual stream before the first layer.
  Matrix embed(std::span<const int> tokens, int firstPosition, model::StepRecord& record) const;
  /// What the heads of `layer` give before W_O, [tokens][queryHeads*headDim], of the stream before it.
  /// Appends keys and values to that layer of the cache, whose position is that of the first token.
  Matrix headOutputs(const Matrix& x, int layer, SequenceCache& cache, model::StepRecord& record) const;
  /// The rest of the layer, whose heads gave `outputs`: takes `x`, the stream before it, to the stream behind
  /// it.
  void finishLayer(const Matrix& outputs, int layer, int firstPosition, Matrix& x,
                   model::StepRecord& record) const;

 private:
  Matrix projectQkv(const Matrix& x, int layer, SequenceCache& cache, model::StepRecord& record) const;
  void append(const Matrix& rows, std::vector<double>& cached, int firstPosition, int layer) const;
  Matrix attend(const Matrix& queries, int layer, const SequenceCache& cache,
                model::StepRecord& record) const;
  /// Changes what a head gives, `output` [headDim], for the row at `position`, where it is to be changed.
  void intervene(int layer, int queryHead, int position, const SequenceCache::Layer& cached,
                 std::span<double> output) const;
  void projectAttention(const Matrix& attended, int layer, int firstPosition, Matrix& x,
                        model::StepRecord& record) const;
  Matrix gateAndUp(const Matrix& x, int layer, int firstPosition, model::StepRecord& record) const;
  void projectDown(const Matrix& hidden, int layer, int firstPosition, Matrix& x,
                   model::StepRecord& record) const;
  void addBranch(Matrix& x, const Matrix& branch, const Matrix& postNorm) const;

  model::ModelConfig m_config;
  bool m_roundsToHalf;
  ActivationFunction m_activation;
  model::RopeTable m_rope;
  ModelMatrices m_weights;
  std::vector<model::HeadIntervention> m_interventions;
};

}  // namespace headroom::reference
