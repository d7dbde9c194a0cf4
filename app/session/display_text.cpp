#include "app/session/display_text.h"
#include "core/text/phrases.h"

namespace headroom::session {

std::string quoted(const std::string& label) {
  return "\u201c" + label + "\u201d";
}

std::string sharingSentence(const model::AttentionShape& heads, int kvHead) {
  const model::HeadRange readers = heads.readersOf(kvHead);
  const std::string first = std::to_string(readers.first);
  if (readers.count() == 1) return text::inWords<model::SentenceId::HeadAlone>(first);
  return text::inWords<model::SentenceId::HeadsShare>(first, std::to_string(readers.end - 1),
                                                      std::to_string(readers.count()));
}

}  // namespace headroom::session
