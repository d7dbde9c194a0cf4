#include "core/model/unicode_composition.h"

#include <algorithm>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "core/model/unicode_composition_table.h"
#include "core/model/utf8.h"

namespace headroom::model {

namespace {
// Hangul syllables are numbered by their parts (The Unicode Standard, 3.12).
constexpr char32_t kFirstSyllable = 0xAC00;
constexpr char32_t kFirstLead = 0x1100;
constexpr char32_t kFirstVowel = 0x1161;
constexpr char32_t kBeforeTrail = 0x11A7;  // a syllable without a trailing consonant has index 0
constexpr char32_t kLeadCount = 19;
constexpr char32_t kVowelCount = 21;
constexpr char32_t kTrailCount = 28;
constexpr char32_t kSyllableCount = kLeadCount * kVowelCount * kTrailCount;

std::uint64_t pairKey(char32_t first, char32_t second) {
  return static_cast<std::uint64_t>(first) << 32 | second;
}

class Composer {
 public:
  Composer() {
    const auto addPairs = [this](std::span<const std::uint32_t> triples, bool isComposed) {
      for (std::size_t i = 0; i < triples.size(); i += 3) {
        m_parts[triples[i]] = {triples[i + 1], triples[i + 2]};
        if (isComposed) m_composed[pairKey(triples[i + 1], triples[i + 2])] = triples[i];
      }
    };
    addPairs(compositionPairs(), true);
    addPairs(decompositionPairs(), false);
    const std::span<const std::uint32_t> singles = decompositionSingles();
    for (std::size_t i = 0; i < singles.size(); i += 2 + singles[i + 1]) {
      for (std::uint32_t k = 0; k < singles[i + 1]; ++k) m_parts[singles[i] + k] = {singles[i + 2 + k], 0};
    }
  }

  /// Appends what `character` stands for.
  void decompose(char32_t character, std::u32string& result) const {
    if (character >= kFirstSyllable && character < kFirstSyllable + kSyllableCount) {
      const char32_t index = character - kFirstSyllable;
      result.push_back(kFirstLead + index / (kVowelCount * kTrailCount));
      result.push_back(kFirstVowel + index / kTrailCount % kVowelCount);
      if (index % kTrailCount > 0) result.push_back(kBeforeTrail + index % kTrailCount);
      return;
    }
    const auto found = m_parts.find(character);
    if (found == m_parts.end()) {
      result.push_back(character);
      return;
    }
    decompose(found->second.first, result);
    if (found->second.second != 0) decompose(found->second.second, result);
  }

  /// The character that stands for both, or 0.
  char32_t compose(char32_t first, char32_t second) const {
    if (first >= kFirstLead && first < kFirstLead + kLeadCount && second >= kFirstVowel &&
        second < kFirstVowel + kVowelCount) {
      return kFirstSyllable + ((first - kFirstLead) * kVowelCount + (second - kFirstVowel)) * kTrailCount;
    }
    const bool isOpenSyllable = first >= kFirstSyllable && first < kFirstSyllable + kSyllableCount &&
                                (first - kFirstSyllable) % kTrailCount == 0;
    if (isOpenSyllable && second > kBeforeTrail && second < kBeforeTrail + kTrailCount) {
      return first + (second - kBeforeTrail);
    }
    const auto found = m_composed.find(pairKey(first, second));
    return found == m_composed.end() ? 0 : found->second;
  }

  static int combiningClass(char32_t character) {
    const std::span<const std::uint32_t> ranges = combiningClasses();
    std::size_t low = 0;
    std::size_t high = ranges.size() / 3;
    while (low < high) {
      const std::size_t middle = (low + high) / 2;
      if (ranges[3 * middle + 1] < character) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    const bool isIn = low < ranges.size() / 3 && ranges[3 * low] <= character;
    return isIn ? static_cast<int>(ranges[3 * low + 2]) : 0;
  }

 private:
  struct Parts {
    char32_t first = 0;
    char32_t second = 0;  ///< 0 when there is only one
  };
  std::unordered_map<char32_t, Parts> m_parts;
  std::unordered_map<std::uint64_t, char32_t> m_composed;
};

/// Combining marks between two other characters in the order of their classes.
void orderMarks(std::u32string& text) {
  for (std::size_t start = 0; start < text.size();) {
    if (Composer::combiningClass(text[start]) == 0) {
      ++start;
      continue;
    }
    std::size_t end = start;
    while (end < text.size() && Composer::combiningClass(text[end]) != 0) ++end;
    std::stable_sort(
        text.begin() + static_cast<std::ptrdiff_t>(start), text.begin() + static_cast<std::ptrdiff_t>(end),
        [](char32_t a, char32_t b) { return Composer::combiningClass(a) < Composer::combiningClass(b); });
    start = end;
  }
}

std::u32string composed(const std::u32string& text, const Composer& composer) {
  std::u32string result;
  std::size_t starter = std::u32string::npos;  // index in the result of the last character of class 0
  int lastClass = -1;                          // of what stands between it and the next one; -1: nothing
  for (char32_t character : text) {
    const int itsClass = Composer::combiningClass(character);
    if (starter != std::u32string::npos && lastClass < itsClass) {
      if (const char32_t both = composer.compose(result[starter], character); both != 0) {
        result[starter] = both;
        continue;
      }
    }
    if (itsClass == 0) {
      starter = result.size();
      lastClass = -1;
    } else {
      lastClass = itsClass;
    }
    result.push_back(character);
  }
  return result;
}
}  // namespace

std::string composeCharacters(std::string_view text) {
  // Every character below U+0300 is composed already and stands alone unless one from there on follows.
  constexpr std::uint8_t kLeadByteOf0300 = 0xCC;
  const bool isComposed = std::all_of(
      text.begin(), text.end(), [](char byte) { return static_cast<std::uint8_t>(byte) < kLeadByteOf0300; });
  if (isComposed) return std::string(text);

  static const Composer composer;
  std::string result;
  std::u32string run;
  const auto finishRun = [&] {
    orderMarks(run);
    for (char32_t character : composed(run, composer)) result += toUtf8(character);
    run.clear();
  };
  while (!text.empty()) {
    const Utf8Character character = firstCharacter(text);
    if (character.valid) {
      composer.decompose(character.codePoint, run);
    } else {
      finishRun();
      result.push_back(text.front());
    }
    text.remove_prefix(character.length);
  }
  finishRun();
  return result;
}

}  // namespace headroom::model
