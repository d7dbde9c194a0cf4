#include "app/session/display_text.h"

namespace headroom::session {

std::string quoted(const std::string& label) {
  return "\u201c" + label + "\u201d";
}

std::string sharingSentence(const model::AttentionShape& heads, int kvHead) {
  const int group = heads.groupSize();
  const int first = kvHead * group;
  if (group == 1) {
    return "Query head " + std::to_string(first) +
           " alone reads the keys and values of this KV head: nothing is shared.";
  }
  return "Query heads " + std::to_string(first) + " to " + std::to_string(first + group - 1) +
         " share the keys and values of this KV head, which are cached once for all " +
         std::to_string(group) + " of them.";
}

}  // namespace headroom::session
