#pragma once

#include <vector>

#include "core/analysis/second_moments.h"
#include "core/model/model.h"

namespace headroom::analysis {

/// How many directions a set of vectors uses.
struct Subspace {
  std::vector<double> singularValues;  ///< largest first, of the matrix whose rows or columns the vectors are
  int bound = 0;                       ///< directions that there can be at most

  /// exp of the entropy of the singular values as shares (effective rank: Roy and Vetterli 2007, EUSIPCO).
  double effectiveRank() const;
  /// (sum of squares)^2 / sum of fourth powers: the participation ratio of the variances (Gao et al. 2017,
  /// bioRxiv 214262), which small singular values hardly change.
  double participationRatio() const;
};

/// Of more columns of keys, all KV heads together, no subspaces are computed: finding them takes time that
/// grows with the third power.
inline constexpr int kMostSubspaceColumns = 1024;
bool hasSubspaces(const model::AttentionShape& attention);

/// Keys and values of a layer, all KV heads together.
struct LayerSubspaces {
  Subspace keys;
  Subspace values;
};

/// Of the stacked rows of W_K and W_V, [kvHeads * headDim][modelDim], by layer: bound is the smaller of both.
/// None where hasSubspaces() says so.
std::vector<LayerSubspaces> weightSubspaces(const model::Model& model);

/// Of the vectors as they are, their mean not taken away; bound is the smaller of columns and vectors.
Subspace subspaceOf(const SecondMoments& moments);

}  // namespace headroom::analysis
