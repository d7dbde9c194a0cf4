#include "app/session/display_text.h"
#include "core/text/phrases.h"

namespace headroom::session {

std::string quoted(const std::string& label) {
  return "\u201c" + label + "\u201d";
}

std::string sharingSentence(const model::AttentionShape& heads, int kvHead) {
  const int group = heads.groupSize();
  const int first = kvHead * group;
  if (group == 1) return text::inWords<model::SentenceId::HeadAlone>(std::to_string(first));
  return text::inWords<model::SentenceId::HeadsShare>(
      std::to_string(first), std::to_string(first + group - 1), std::to_string(group));
}

}  // namespace headroom::session
