#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "core/model/model.h"

namespace headroom::analysis {

/// Whether each query head makes the tokens that it looks at more likely (copying, towards 1) or less
/// (towards -1): the sum of the eigenvalues over the sum of their moduli of the matrix W_U W_O W_V W_E,
/// [vocabSize][vocabSize], that takes a token to the logits it gives by that head alone (Elhage et al. 2021,
/// transformer-circuits.pub/2021/framework). Eigenvalues that are not real come in conjugate pairs, so that
/// their sum is real. Computed of the [headDim][headDim] matrix W_V (W_E^T W_U) W_O, which has the same ones
/// but for zeros, in double.
///
/// The gains of the layer's norm, of the norm behind W_O where there is one, and of the last norm are part of
/// the matrix, with the centring of LayerNorm. What depends on the text, or is the same whatever the
/// token, is left out: the norms' divisions, biases, learned positions, what layers in between do, a cap of
/// the logits. The scale of the embedding changes no score.
///
/// [layer][queryHead]; NaN where a head's matrix is zero. Empty when `stop`, asked several times a second,
/// says so.
std::vector<std::vector<double>> copyingScores(const model::Model& model, const std::function<bool()>& stop);

/// Multiplications that they take, about. One core of an AMD EPYC (Zen 3) does 8 billion a second.
double copyingOperations(const model::Model& model);
/// More are not worth waiting for: about a minute.
inline constexpr double kMostCopyingOperations = 5e11;

}  // namespace headroom::analysis
