#pragma once

#include <vector>

#include "core/analysis/second_moments.h"

namespace headroom::analysis {

/// How alike the vectors of two heads are, whatever rotation and scale of one makes them so: linear centred
/// kernel alignment, |X^T Y|^2 / (|X^T X| |Y^T Y|) with Frobenius norms, of X and Y, [positions][headDim],
/// each less its mean over positions (Kornblith et al. 2019, arXiv 1905.00414). 1: one is the other, rotated
/// and scaled; 0: uncorrelated. Positions must be many times headDim, for over few any vectors look alike.
///
/// Of all pairs of `headCount` heads whose vectors lie side by side in `vectors`, [headCount * headDim]
/// columns: [head * headCount + other head], symmetric; NaN where one of them does not vary.
std::vector<double> linearCka(const SecondMoments& vectors, int headCount);

}  // namespace headroom::analysis
