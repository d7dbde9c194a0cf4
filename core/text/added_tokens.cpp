#include "core/text/added_tokens.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <queue>

#include "core/model/error.h"

namespace headroom::text {

namespace {
bool isSpace(char byte) {
  return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/// The longest added token at `start` that may still be there.
struct Candidate {
  std::size_t length = 0;
  std::size_t start = 0;
  int token = -1;
  // Longest first, then leftmost.
  bool operator<(const Candidate& other) const {
    return length != other.length ? length < other.length : start > other.start;
  }
};

/// A token in the text, with the white space that belongs to it.
struct Claim {
  std::size_t start = 0;
  std::size_t end = 0;
  int token = -1;
};

Candidate longestAt(std::string_view text, std::size_t start, std::size_t mostBytes, const ByteTrie& trie) {
  Candidate longest{.start = start};
  trie.forEachPrefix(text.substr(start, mostBytes), [&](std::size_t length, int token) {
    longest.length = length;
    longest.token = token;
  });
  return longest;
}
}  // namespace

AddedTokens::AddedTokens(const std::vector<std::string>& tokens, const std::vector<TokenType>& types,
                         const TokenStripping& stripping)
    : m_stripsLeft(tokens.size()), m_stripsRight(tokens.size()) {
  assert(types.empty() || types.size() == tokens.size());
  std::vector<std::pair<std::string_view, int>> userDefined;
  std::vector<std::pair<std::string_view, int>> all;
  for (std::size_t i = 0; i < types.size(); ++i) {
    const std::pair<std::string_view, int> entry = {tokens[i], static_cast<int>(i)};
    if (types[i] == TokenType::UserDefined) userDefined.push_back(entry);
    if (types[i] == TokenType::UserDefined || types[i] == TokenType::Control ||
        types[i] == TokenType::Unknown) {
      all.push_back(entry);
    }
  }
  m_userDefined = ByteTrie(std::move(userDefined));
  m_all = ByteTrie(std::move(all));
  const auto mark = [](const std::vector<int>& ids, std::vector<bool>& marks) {
    for (int id : ids) {
      if (id < 0 || id >= std::ssize(marks)) {
        throw model::Error(fmt::format("A token that strips white space is {}, expected 0 to {}", id,
                                       std::ssize(marks) - 1));
      }
      marks[static_cast<std::size_t>(id)] = true;
    }
  };
  mark(stripping.left, m_stripsLeft);
  mark(stripping.right, m_stripsRight);
}

std::vector<TextPart> AddedTokens::split(std::string_view text, model::SpecialText special) const {
  const ByteTrie& trie = special == model::SpecialText::Parsed ? m_all : m_userDefined;
  std::priority_queue<Candidate> candidates;
  if (!trie.empty()) {
    for (std::size_t start = 0; start < text.size(); ++start) {
      const Candidate candidate = longestAt(text, start, std::string_view::npos, trie);
      if (candidate.length > 0) candidates.push(candidate);
    }
  }
  std::vector<bool> isTaken(candidates.empty() ? 0 : text.size());
  std::vector<Claim> claims;
  while (!candidates.empty()) {
    const Candidate candidate = candidates.top();
    candidates.pop();
    const std::size_t start = candidate.start;
    const std::size_t end = start + candidate.length;
    if (isTaken[start]) continue;
    // What was taken before is at least as long: where it overlaps this, it holds the first or last byte.
    if (isTaken[end - 1]) {
      std::size_t free = 1;
      while (!isTaken[start + free]) ++free;
      const Candidate shorter = longestAt(text, start, free, trie);
      if (shorter.length > 0) candidates.push(shorter);
      continue;
    }
    Claim claim{start, end, candidate.token};
    if (m_stripsLeft[candidate.token]) {
      while (claim.start > 0 && !isTaken[claim.start - 1] && isSpace(text[claim.start - 1])) --claim.start;
    }
    if (m_stripsRight[candidate.token]) {
      while (claim.end < text.size() && !isTaken[claim.end] && isSpace(text[claim.end])) ++claim.end;
    }
    for (std::size_t i = claim.start; i < claim.end; ++i) isTaken[i] = true;
    claims.push_back(claim);
  }
  std::sort(claims.begin(), claims.end(), [](const Claim& a, const Claim& b) { return a.start < b.start; });

  std::vector<TextPart> parts;
  std::size_t at = 0;
  for (const Claim& claim : claims) {
    if (claim.start > at) parts.push_back({.text = text.substr(at, claim.start - at)});
    parts.push_back({.token = claim.token});
    at = claim.end;
  }
  if (at < text.size()) parts.push_back({.text = text.substr(at)});
  return parts;
}

}  // namespace headroom::text
