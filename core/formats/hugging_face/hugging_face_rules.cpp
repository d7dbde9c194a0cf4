#include "core/formats/hugging_face/hugging_face_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/formats/base64.h"
#include "core/formats/json/json_object.h"
#include "core/model/error.h"
#include "core/text/pre_tokenizer_families.h"
#include "core/text/utf8.h"

namespace headroom::formats {

namespace {
using model::Error;
using nlohmann::json;

[[noreturn]] void refuse(std::string_view part, std::string_view why) {
  throw Error(fmt::format("{} of this tokenizer.json is not supported: {}", part, why));
}

/// The steps of a part that may be missing, one step, or a sequence of them under `listKey`.
std::vector<const json*> stepsOf(const json* part, std::string_view listKey) {
  std::vector<const json*> steps;
  if (!part) return steps;
  if (textMember(*part, "type", "") != "Sequence") return {part};
  const json* list = findMember(*part, listKey);
  if (!list || !list->is_array()) refuse("a Sequence", fmt::format("it has no list \"{}\"", listKey));
  for (const json& step : *list) {
    const std::vector<const json*> inner = stepsOf(&step, listKey);
    steps.insert(steps.end(), inner.begin(), inner.end());
  }
  return steps;
}

/// A pattern that PCRE2 and this project's table of families write the same way: control characters and what
/// is not ASCII as escapes.
std::string portablePattern(std::string_view pattern) {
  std::string result;
  while (!pattern.empty()) {
    const text::Utf8Character character = text::firstCharacter(pattern);
    if (character.codePoint == '\r') {
      result += "\\r";
    } else if (character.codePoint == '\n') {
      result += "\\n";
    } else if (character.codePoint == '\t') {
      result += "\\t";
    } else if (character.codePoint < 0x20 || character.codePoint > 0x7E) {
      result += fmt::format("\\x{{{:X}}}", static_cast<std::uint32_t>(character.codePoint));
    } else {
      result.push_back(pattern.front());
    }
    pattern.remove_prefix(character.length);
  }
  return result;
}

/// Oniguruma, which these files are written for, has sets within sets and their intersection; to PCRE2 the
/// same characters mean something else.
void refuseNestedSets(std::string_view pattern) {
  bool isInSet = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\') {
      ++i;
    } else if (isInSet && (pattern[i] == '[' || pattern.substr(i).starts_with("&&"))) {
      refuse("a regular expression with a set within a set", text::quotedName(pattern));
    } else if (pattern[i] == '[') {
      isInSet = true;
    } else if (pattern[i] == ']') {
      isInSet = false;
    }
  }
}

std::string quotedPattern(std::string_view text) {
  std::string pattern;
  for (char c : text) {
    if (std::string_view("\\^$.[]|()?*+{}").find(c) != std::string_view::npos) pattern.push_back('\\');
    pattern.push_back(c);
  }
  return portablePattern(pattern);
}

/// {"Regex": ...} or {"String": ...} as a regular expression.
std::string patternOf(const json& step) {
  const json* pattern = findMember(step, "pattern");
  if (!pattern) refuse("a Split without a pattern", text::quotedName(step.dump()));
  if (findMember(*pattern, "String")) return quotedPattern(textMember(*pattern, "String", ""));
  const std::string expression = portablePattern(textMember(*pattern, "Regex", ""));
  refuseNestedSets(expression);
  return std::string(text::linearForm(expression));
}

/// Whether every character is in some match of the usual word patterns: letters, numbers, white space, and
/// what is none of them.
bool coversAllText(std::string_view pattern) {
  const auto has = [&](std::string_view part) { return pattern.find(part) != std::string_view::npos; };
  const bool coversLetters = has(R"(\p{L}+)") || (has(R"([\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+)") &&
                                                  has(R"([\p{Ll}\p{Lm}\p{Lo}\p{M}]+)"));
  return coversLetters && has(R"(\p{N})") && has(R"([^\s\p{L}\p{N}]+)") && pattern.ends_with(R"(|\s+)");
}

bool isEscapedSpace(const std::string& text) {
  return text == text::kEscapedSpace;
}

/// What the steps of the two parts say, put together.
class RuleReader {
 public:
  HuggingFaceRules read(const json& tokenizer) {
    for (const json* step : stepsOf(findMember(tokenizer, "normalizer"), "normalizers"))
      normalizerStep(*step);
    for (const json* step : stepsOf(findMember(tokenizer, "pre_tokenizer"), "pretokenizers")) {
      preTokenizerStep(*step);
    }
    if (m_isByteLevel) {
      if (m_escapesSpaces || m_prepends || m_collapsesSpaces || m_stripsRight || m_splitsAtAnySpace ||
          !m_rules.charsmap.empty()) {
        refuse("a ByteLevel pre_tokenizer", "it is mixed with steps of SentencePiece vocabularies");
      }
      if (m_rules.startsWithSpace && !m_isOnlyByteLevel) {
        refuse("ByteLevel with add_prefix_space", "it comes after another pre_tokenizer");
      }
      m_rules.spelling = Spelling::Bytes;
    } else {
      if (!m_escapesSpaces)
        refuse("the pre_tokenizer", "it has neither ByteLevel nor a step that writes \"▁\"");
      if (!m_rules.expressions.empty()) {
        refuse("a Split", "it cuts text whose spaces are written \"▁\"");
      }
      m_rules.prepends = m_prepends;
      if (m_prepends) m_rules.spacePrefix = text::SpacePrefix::EveryPart;
      const bool trims = m_splitsAtAnySpace || (m_collapsesSpaces && m_stripsRight);
      if ((m_collapsesSpaces || m_stripsRight) && !trims) {
        refuse("the normalizer", "it takes away some of the extra spaces, but not all");
      }
      if (trims && m_rules.charsmap.empty()) {
        refuse("the normalizer", "it takes away white space that is not written as spaces first");
      }
      m_rules.removesExtraSpaces = trims;
    }
    return std::move(m_rules);
  }

 private:
  void normalizerStep(const json& step) {
    const std::string type = textMember(step, "type", "");
    if (type == "NFC") {
      m_rules.composesCharacters = true;
    } else if (type == "Prepend" && isEscapedSpace(textMember(step, "prepend", ""))) {
      m_prepends = true;
    } else if (type == "Replace") {
      replaceStep(step);
    } else if (type == "Precompiled") {
      m_rules.charsmap = decodeBase64(textMember(step, "precompiled_charsmap", ""));
    } else if (type == "Strip" && flagMember(step, "strip_right", true)) {
      m_stripsRight = true;  // spaces at the start become the one that is put there
    } else {
      refuse("the normalizer", fmt::format("a step of type {}", text::quotedName(type)));
    }
  }

  void replaceStep(const json& step) {
    const std::string content = textMember(step, "content", "");
    const json* pattern = findMember(step, "pattern");
    const bool isText = pattern && findMember(*pattern, "String");
    const std::string from = pattern ? textMember(*pattern, isText ? "String" : "Regex", "") : "";
    if (isText && from == " " && isEscapedSpace(content)) {
      m_escapesSpaces = true;
    } else if (!isText && from == " {2,}" && (content == " " || isEscapedSpace(content))) {
      m_collapsesSpaces = true;
    } else {
      refuse("the normalizer",
             fmt::format("it replaces {} by {}", text::quotedName(from), text::quotedName(content)));
    }
  }

  void preTokenizerStep(const json& step) {
    const std::string type = textMember(step, "type", "");
    if (type == "ByteLevel") {
      m_isOnlyByteLevel = m_rules.expressions.empty();
      m_isByteLevel = true;
      m_rules.startsWithSpace = flagMember(step, "add_prefix_space", true);
      if (flagMember(step, "use_regex", true)) {
        m_rules.expressions.emplace_back(text::preTokenizerFamily("gpt-2").expressions[0]);
      }
    } else if (type == "Split") {
      splitStep(step);
    } else if (type == "Digits") {
      // After ByteLevel text is spelled in bytes, of which only those of ASCII digits look like digits.
      const std::string digit = m_isByteLevel ? "[0-9]" : R"(\p{N})";
      m_rules.expressions.push_back(flagMember(step, "individual_digits", false) ? digit : digit + "+");
    } else if (type == "Punctuation" && !m_isByteLevel) {
      const std::string behavior = textMember(step, "behavior", "Isolated");
      if (behavior != "Contiguous" && behavior != "Isolated") {
        refuse("the pre_tokenizer Punctuation", fmt::format("behavior {}", text::quotedName(behavior)));
      }
      m_rules.expressions.emplace_back(R"([\p{P}\$\+<=>\^~\|`])");
      if (behavior == "Contiguous") m_rules.expressions.back() += "+";
    } else if (type == "Metaspace") {
      metaspaceStep(step);
    } else if (type == "WhitespaceSplit") {
      m_splitsAtAnySpace = true;
    } else {
      refuse("the pre_tokenizer", fmt::format("a step of type {}", text::quotedName(type)));
    }
  }

  void splitStep(const json& step) {
    const std::string behavior = textMember(step, "behavior", "");
    const bool isInverted = flagMember(step, "invert", false);
    std::string pattern = patternOf(step);
    // Spaces are written otherwise by now, so there is nothing to cut at.
    if (m_escapesSpaces && pattern == " ") return;
    if (m_isByteLevel && pattern.find_first_of("\\.^") != std::string::npos) {
      refuse("a Split after ByteLevel", text::quotedName(pattern));
    }
    const bool keepsMatchesOnly = behavior == "Removed" && isInverted && coversAllText(pattern);
    if (behavior == "Contiguous" && !isInverted) {
      pattern = "(?:" + pattern + ")+";
    } else if (behavior != "Isolated" && !keepsMatchesOnly) {
      refuse("the pre_tokenizer Split", fmt::format("behavior {} with the pattern {}",
                                                    text::quotedName(behavior), text::quotedName(pattern)));
    }
    m_rules.expressions.push_back(pattern);
  }

  void metaspaceStep(const json& step) {
    if (!isEscapedSpace(textMember(step, "replacement", text::kEscapedSpace))) {
      refuse("the pre_tokenizer Metaspace", "it writes a space otherwise than \"▁\"");
    }
    m_escapesSpaces = true;
    m_rules.splitsAtSpaces = flagMember(step, "split", true);
    const std::string scheme =
        textMember(step, "prepend_scheme", flagMember(step, "add_prefix_space", true) ? "always" : "never");
    if (scheme == "always") {
      m_rules.spacePrefix = text::SpacePrefix::EveryPartUnlessThere;
    } else if (scheme == "first") {
      m_rules.spacePrefix = text::SpacePrefix::StartUnlessThere;
    } else if (scheme != "never") {
      refuse("the pre_tokenizer Metaspace", fmt::format("prepend_scheme {}", text::quotedName(scheme)));
    }
  }

  HuggingFaceRules m_rules;
  bool m_isByteLevel = false;
  bool m_isOnlyByteLevel = false;
  bool m_escapesSpaces = false;
  bool m_prepends = false;
  bool m_collapsesSpaces = false;
  bool m_stripsRight = false;
  bool m_splitsAtAnySpace = false;
};
}  // namespace

HuggingFaceRules readHuggingFaceRules(const json& tokenizer) {
  return RuleReader().read(tokenizer);
}

}  // namespace headroom::formats
