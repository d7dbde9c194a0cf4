#pragma once

#include <span>
#include <string>
#include <string_view>

namespace headroom::analysis {

/// A word of the program, as it is used everywhere in it.
struct Term {
  std::string name;
  std::string meaning;  ///< two sentences at most
  std::string formula;  ///< how it is computed; empty for what is no number
};

/// All of them, in the order of the alphabet.
std::span<const Term> glossary();
/// The term of that name, which must be one.
const Term& term(std::string_view name);

}  // namespace headroom::analysis
