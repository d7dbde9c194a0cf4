#pragma once

#include <QMenu>
#include <functional>
#include <optional>
#include <vector>

#include "core/model/head_change.h"

namespace headroom::pages {

/// Told what heads are to give from now on; nothing: what they compute.
using ChooseChange = std::function<void(const std::optional<model::HeadChange>& change)>;

/// Adds what heads can give to W_O in place of what they compute to `menu`, each to be chosen. What all of
/// them give now is ticked; `now` has their changes, null of one that gives what it computes.
void addHeadChanges(QMenu* menu, const std::vector<const model::HeadChange*>& now,
                    const ChooseChange& choose);

}  // namespace headroom::pages
