#pragma once

#include <string>
#include <vector>

#include "app/cli/lane_run.h"
#include "app/figures/lane_figures.h"

namespace headroom::cli {

/// What figures take of a lane that ran; the lane's place among others gives its colour.
figures::FigureLane figureLane(const LaneRun& run, const lanes::LaneSet::Lane& lane, int place);

/// The tokens that the lane was fed, on one line each: [positions].
std::vector<std::string> tokenLabels(const lanes::LaneSet::Lane& lane);

}  // namespace headroom::cli
