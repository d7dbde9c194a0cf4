#pragma once

#include <string>
#include <utility>

#include "core/model/sentence.h"
#include "core/text/phrase_table.h"

namespace headroom::text {

/// The sentence in words, its arguments in their places.
std::string phrase(const model::Sentence& sentence);
/// Several, one behind the other.
std::string phrases(const std::vector<model::Sentence>& sentences);

/// A sentence with its arguments as text; with more or fewer than its words have places for it does not
/// compile.
template <model::SentenceId id, typename... Arguments>
model::Sentence sentence(Arguments&&... arguments) {
  static_assert(sizeof...(Arguments) == argumentCount(id));
  return {id, {std::string(std::forward<Arguments>(arguments))...}};
}

/// The same in words, where nobody chooses among sentences.
template <model::SentenceId id, typename... Arguments>
std::string inWords(Arguments&&... arguments) {
  return phrase(sentence<id>(std::forward<Arguments>(arguments)...));
}

}  // namespace headroom::text
