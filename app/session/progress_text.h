#pragma once

#include <optional>
#include <string>

#include "app/session/lane.h"

namespace headroom::session {

// How far work is that takes long, a sentence each. Percents are of what is done, so 100 only where all is.

std::string progressText(const Opening& opening);
std::string progressText(const Measuring& measuring);
std::string progressText(const Studying& studying);
/// What quitting now would lose besides.
std::string progressAtQuit(const Measuring& measuring);
/// `secondsLeft` where they can be told.
std::string progressText(const Filling& filling, std::optional<int> secondsLeft = {});

}  // namespace headroom::session
