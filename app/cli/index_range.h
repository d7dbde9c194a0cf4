#pragma once

#include <string>
#include <vector>

namespace headroom::cli {

/// Positions `first` up to, but not including, `end`.
struct IndexRange {
  int first = 0;
  int end = 0;

  int count() const { return end - first; }
};

/// "4:9", ":9", "4:" or "4" of `count` things, which `what` names ("row"). Throws CLI::ValidationError naming
/// `option` when the text is no range, and when the range is empty or begins behind the last one. An end
/// behind the last one is cut.
IndexRange parseRange(const std::string& option, const std::string& text, int count, const std::string& what);

/// "0,3,8:12": single ones and ranges, ascending; all of them when the text is empty. Throws
/// CLI::ValidationError, also where an end lies behind the last one.
std::vector<int> parseIndices(const std::string& option, const std::string& text, int count,
                              const std::string& what);

}  // namespace headroom::cli
