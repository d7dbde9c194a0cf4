#pragma once

#include <span>
#include <string>
#include <vector>

#include "app/figures/figure.h"
#include "core/analysis/subspaces.h"

namespace headroom::figures {

/// Whose directions are shown.
enum class SubspacesOf {
  Weights,  ///< the rows of W_K and W_V
  Cache,    ///< keys and values of a text, as they lay in the cache
};

struct SubspaceLane {
  std::string title;
  std::string model;
  analysis::Color color;
  int positions = 0;  ///< of the text
  std::vector<analysis::LayerSubspaces> weights;
  std::vector<analysis::LayerSubspaces> cached;
};

/// Effective rank over layers: of each lane keys, solid, with its title, values, dashed, and what it can be
/// at most, dotted, without a name.
LinePlot subspacePlot(std::span<const SubspaceLane> lanes, SubspacesOf of);

/// subspacePlot() with its numbers and what they are. Throws model::Error where no lane has subspaces.
Figure subspaceFigure(std::span<const SubspaceLane> lanes, SubspacesOf of, const std::string& date);

}  // namespace headroom::figures
