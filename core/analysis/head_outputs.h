#pragma once

#include <vector>

#include "core/analysis/second_moments.h"
#include "core/model/config.h"
#include "core/model/tensor.h"

namespace headroom::analysis {

/// What each query head of a layer gives through its own columns of W_O, c_h(t) = W_O[h] z_h(t), at the
/// positions t that were read; a(t) = sum over heads of c_h(t), without a bias (heads write each by itself:
/// Elhage et al. 2021, transformer-circuits.pub/2021/framework).
struct LayerOutputs {
  /// [query head] sum_t <c_h, a> / sum_t |a|^2: its part of what all of them give. They sum to 1; below 0
  /// where a head takes away what others give. NaN where nothing is given.
  std::vector<double> shares;
  std::vector<double> sizes;  ///< [query head] root mean square of |c_h(t)| over positions
  /// [head * queryHeadCount + other head] sum_t <c_h, c_k> / sqrt(sum_t |c_h|^2 sum_t |c_k|^2), -1 to 1; NaN
  /// where one of them gives nothing.
  std::vector<double> cosines;
};

/// Whether heads of that shape are few and small enough, by kMostSubspaceColumns: sums of their outputs take
/// the square of queryDim() doubles a layer.
bool hasOutputs(const model::AttentionShape& attention);

/// Of head outputs z before W_O, [positions][queryDim], by their second moments, and of W_O,
/// [modelDim][queryDim].
LayerOutputs outputsOf(const SecondMoments& outputs, const model::Tensor& attentionOutput,
                       const model::AttentionShape& attention);

}  // namespace headroom::analysis
