#include "core/training/bpe_trainer.h"

#include <cstdint>
#include <map>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <fmt/format.h>

#include "core/model/error.h"
#include "core/text/byte_alphabet.h"
#include "core/text/pre_tokenizer.h"

namespace headroom::training {

namespace {

using Pair = std::pair<int, int>;

struct Word {
  std::vector<int> tokens;
  std::int64_t count = 0;
};

/// Adjacent pairs of all words: how often each occurs and in which words it may occur.
class PairCounts {
 public:
  explicit PairCounts(std::vector<Word> words) : m_words(std::move(words)) {
    for (std::size_t index = 0; index < m_words.size(); ++index) add(index, +1);
  }

  /// The most frequent pair, ties to the lower ids; count 0 when there is none.
  std::pair<Pair, std::int64_t> best() const {
    std::pair<Pair, std::int64_t> found{{}, 0};
    for (const auto& [pair, count] : m_counts) {
      if (count > found.second) found = {pair, count};
    }
    return found;
  }

  void merge(Pair pair, int mergedToken) {
    const std::unordered_set<std::size_t> touched = std::move(m_wordsOf[pair]);
    m_wordsOf.erase(pair);
    for (std::size_t index : touched) {
      add(index, -1);
      std::vector<int>& tokens = m_words[index].tokens;
      std::size_t kept = 0;
      for (std::size_t i = 0; i < tokens.size(); ++i) {
        const bool matches = i + 1 < tokens.size() && tokens[i] == pair.first && tokens[i + 1] == pair.second;
        tokens[kept++] = matches ? mergedToken : tokens[i];
        if (matches) ++i;
      }
      tokens.resize(kept);
      add(index, +1);
    }
  }

 private:
  void add(std::size_t index, int sign) {
    const Word& word = m_words[index];
    for (std::size_t i = 0; i + 1 < word.tokens.size(); ++i) {
      const Pair pair{word.tokens[i], word.tokens[i + 1]};
      const auto entry = m_counts.try_emplace(pair, 0).first;
      entry->second += sign * word.count;
      if (sign > 0) m_wordsOf[pair].insert(index);
      if (entry->second == 0) m_counts.erase(entry);
    }
  }

  std::vector<Word> m_words;
  std::map<Pair, std::int64_t> m_counts;
  std::map<Pair, std::unordered_set<std::size_t>> m_wordsOf;
};

std::vector<Word> countWords(std::string_view text) {
  const text::PreTokenizer preTokenizer("gpt-2");
  std::unordered_map<std::string_view, std::int64_t> counts;
  for (std::string_view word : preTokenizer.split(text)) ++counts[word];
  std::vector<Word> words;
  words.reserve(counts.size());
  for (const auto& [spelling, count] : counts) {
    Word word;
    word.count = count;
    for (char byte : spelling) word.tokens.push_back(static_cast<std::uint8_t>(byte));
    words.push_back(std::move(word));
  }
  return words;
}

}  // namespace

text::ByteLevelBpeData trainByteLevelBpe(std::string_view text, int vocabSize) {
  constexpr int kByteCount = 256;
  if (vocabSize < kByteCount + 2) {
    throw model::Error(fmt::format("A byte-level vocabulary needs at least {} tokens, {} were asked for.",
                                   kByteCount + 2, vocabSize));
  }
  text::ByteLevelBpeData data;
  for (int byte = 0; byte < kByteCount; ++byte) {
    data.tokens.emplace_back(text::spellByte(static_cast<std::uint8_t>(byte)));
  }
  PairCounts pairs(countWords(text));
  while (std::ssize(data.tokens) < vocabSize - 1) {
    const auto [pair, count] = pairs.best();
    if (count < 2) {
      throw model::Error(
          fmt::format("The text gives {} tokens, {} were asked for: use a longer text or a smaller "
                      "vocabulary.",
                      data.tokens.size() + 1, vocabSize));
    }
    const std::string& left = data.tokens[pair.first];
    const std::string& right = data.tokens[pair.second];
    data.merges.push_back(left + " " + right);
    pairs.merge(pair, static_cast<int>(data.tokens.size()));
    data.tokens.push_back(left + right);
  }
  data.endToken = static_cast<int>(data.tokens.size());
  data.tokens.emplace_back("<|endoftext|>");
  data.tokenTypes.assign(data.tokens.size(), text::TokenType::Normal);
  data.tokenTypes.back() = text::TokenType::Control;
  return data;
}

}  // namespace headroom::training
