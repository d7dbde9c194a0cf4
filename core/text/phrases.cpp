#include "core/text/phrases.h"

#include <charconv>
#include <string_view>

namespace headroom::text {

namespace {

using model::SentenceId;

/// One place for all words, so that another language is another table.
std::string_view words(SentenceId id) {
  switch (id) {
    case SentenceId::VerdictNotMeasured:
      return "Not measured yet: decode a few tokens in every lane, or press Measure.";
    case SentenceId::VerdictTooFewSteps:
      return "Too few steps to compare yet: {0} of the {1} that every lane needs.";
    case SentenceId::VerdictOneLaneShares:
      return "Open {0} as MHA, or another lane with more KV heads, beside it to see what sharing brings.";
    case SentenceId::VerdictOneLaneAlone:
      return "Open a GQA or MQA lane beside {0} to see what sharing keys and values brings.";
    case SentenceId::VerdictOtherPositions:
      return "These lanes stand at different positions: fed the same text, their times compare.";
    case SentenceId::VerdictTooNoisy:
      return "Too noisy here to tell: {0} is {1} to {2}\u00d7 as fast as {3}. Measure takes turns.";
    case SentenceId::VerdictCompared:
      return "{0} as fast as {1} here";
    case SentenceId::VerdictNothingMore:
      return ".";
    case SentenceId::VerdictExpected:
      return "; {0}\u00d7 expected at {1} ({2} to {3}).";
    case SentenceId::VerdictMeasured:
      return "; {0}\u00d7 measured at {1}.";
    case SentenceId::VerdictKernelLimits:
      return ". Our kernel is the limit, not the memory: attention of {0} reads KV at {1} GB/s, of {2} at "
             "{3}.";
    case SentenceId::VerdictKernelLimitsInShort:
      return ". Our kernel is the limit: attention reads KV at {1} GB/s in {0}, {3} in {2}.";
    case SentenceId::VerdictKernelLimitsOnly:
      return ". Our kernel is the limit, not the memory.";
    case SentenceId::VerdictSmallIssuedShare:
      return "; KV is {0} of the issued bytes that {1} reads";
    case SentenceId::VerdictSmallLogicalShare:
      return "; KV is {0} of the logical bytes that {1} reads";
    case SentenceId::SizesDiffer:
      return "{0} has an FFN {1} wide and {2} parameters, {3} an FFN {4} wide and {5}: that is compared too, "
             "not KV heads alone.";
  }
  return "";
}

}  // namespace

std::string phrase(const model::Sentence& sentence) {
  const std::string_view pattern = words(sentence.id);
  std::string result;
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    std::size_t index = 0;
    const std::size_t end = pattern[at] == '{' ? pattern.find('}', at) : std::string_view::npos;
    if (end == std::string_view::npos) {
      result += pattern[at];
      continue;
    }
    std::from_chars(pattern.data() + at + 1, pattern.data() + end, index);
    result += sentence.arguments.at(index);
    at = end;
  }
  return result;
}

std::string phrases(const std::vector<model::Sentence>& sentences) {
  std::string result;
  for (const model::Sentence& sentence : sentences) result += phrase(sentence);
  return result;
}

}  // namespace headroom::text
