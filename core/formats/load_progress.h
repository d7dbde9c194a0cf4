#pragma once

#include <functional>

namespace headroom::formats {

/// Told the share of a file's weights that is checked, 0 to 1, every few MB; may throw model::Cancelled to
/// end the loading.
using LoadProgress = std::function<void(double)>;

}  // namespace headroom::formats
