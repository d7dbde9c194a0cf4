#include "core/text/token_list.h"

#include <charconv>
#include <string>

#include <fmt/format.h>

#include "core/model/error.h"
#include "core/text/utf8.h"

namespace headroom::text {

std::vector<int> parseTokenIds(std::string_view list) {
  constexpr std::string_view kSpaces = " \t\r\n";
  std::vector<int> ids;
  const char* at = list.data();
  const char* const end = at + list.size();
  const auto skipSpaces = [&] {
    while (at != end && kSpaces.find(*at) != std::string_view::npos) ++at;
  };
  const auto refuse = [&](const char* from) {
    const std::string_view rest(from, static_cast<std::size_t>(end - from));
    throw model::Error(
        fmt::format("{} in a token list: expected ids from 0 on, as in 1, 2, 3",
                    quotedName(std::string(rest.substr(0, rest.find_first_of(" ,\t\r\n", 1))))));
  };
  skipSpaces();
  while (at != end) {
    int id = 0;
    const auto [next, status] = std::from_chars(at, end, id);
    const bool ends = next == end || *next == ',' || kSpaces.find(*next) != std::string_view::npos;
    if (status != std::errc() || id < 0 || !ends) refuse(at);
    ids.push_back(id);
    at = next;
    skipSpaces();
    if (at == end || *at != ',') continue;
    const char* const comma = at++;
    skipSpaces();
    if (at == end) refuse(comma);
  }
  return ids;
}

}  // namespace headroom::text
