#include "core/text/phrases.h"

#include <charconv>
#include <string_view>

namespace headroom::text {

std::string phrase(const model::Sentence& sentence) {
  const std::string_view pattern = words(sentence.id);
  std::string result;
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    std::size_t index = 0;
    const std::size_t end = pattern[at] == '{' ? pattern.find('}', at) : std::string_view::npos;
    if (end == std::string_view::npos) {
      result += pattern[at];
      continue;
    }
    std::from_chars(pattern.data() + at + 1, pattern.data() + end, index);
    result += sentence.arguments.at(index);
    at = end;
  }
  return result;
}

std::string phrases(const std::vector<model::Sentence>& sentences) {
  std::string result;
  for (const model::Sentence& sentence : sentences) result += phrase(sentence);
  return result;
}

}  // namespace headroom::text
