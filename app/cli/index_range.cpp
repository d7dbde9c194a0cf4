#include "app/cli/index_range.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <numeric>
#include <sstream>
#include <string_view>

#include "core/model/whole_number.h"
#include "core/text/utf8.h"

namespace headroom::cli {

namespace {
[[noreturn]] void refuse(const std::string& option, const std::string& why) {
  throw CLI::ValidationError(option, why);
}

int number(const std::string& option, std::string_view part, const std::string& text) {
  const std::optional<int> value = model::wholeNumber(part);
  if (!value || *value < 0) {
    refuse(option,
           fmt::format("{}: expected numbers from 0 on, as in 4:9, 4: or :9", text::quotedName(text)));
  }
  return *value;
}
}  // namespace

IndexRange parseRange(const std::string& option, const std::string& text, int count,
                      const std::string& what) {
  const std::string_view all = text;
  const std::size_t colon = all.find(':');
  IndexRange range{.first = 0, .end = count};
  if (colon == std::string_view::npos) {
    range.first = number(option, all, text);
    range.end = range.first < count ? range.first + 1 : count;
  } else {
    if (colon > 0) range.first = number(option, all.substr(0, colon), text);
    if (colon + 1 < all.size()) range.end = number(option, all.substr(colon + 1), text);
    if (range.end <= range.first && range.first < count) {
      refuse(option, fmt::format("{} holds no {}: its end is the first one behind it", text, what));
    }
  }
  if (range.first >= count) {
    refuse(option, fmt::format("there is no {} {}, expected 0 to {}", what, range.first, count - 1));
  }
  range.end = std::min(range.end, count);
  return range;
}

std::vector<int> parseIndices(const std::string& option, const std::string& text, int count,
                              const std::string& what) {
  std::vector<int> indices;
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, ',');) {
    const IndexRange range = parseRange(option, part, count, what);
    if (const std::size_t colon = part.find(':'); colon != std::string::npos && colon + 1 < part.size()) {
      const int end = number(option, std::string_view(part).substr(colon + 1), text);
      if (end > count)
        refuse(option, fmt::format("there is no {} {}, expected 0 to {}", what, end - 1, count - 1));
    }
    if (!indices.empty() && range.first <= indices.back()) {
      refuse(option, fmt::format("{} is not ascending at {}", text, range.first));
    }
    for (int index = range.first; index < range.end; ++index) indices.push_back(index);
  }
  if (!indices.empty()) return indices;
  indices.resize(static_cast<std::size_t>(count));
  std::iota(indices.begin(), indices.end(), 0);
  return indices;
}

}  // namespace headroom::cli
