#pragma once

#include <string>
#include <vector>

namespace headroom::model {

/// What a sentence says; its words are in core/text/phrases.
enum class SentenceId {
  VerdictNotMeasured,
  VerdictTooFewSteps,
  VerdictOneLaneShares,
  VerdictOneLaneAlone,
  VerdictOtherPositions,
  VerdictTooNoisy,
  VerdictCompared,
  VerdictNothingMore,
  VerdictExpected,
  VerdictMeasured,
  VerdictKernelLimits,
  VerdictKernelLimitsInShort,
  VerdictKernelLimitsOnly,
  VerdictSmallIssuedShare,
  VerdictSmallLogicalShare,
  SizesDiffer,
};

/// A sentence for people, apart from its words: what it says and the names and numbers in it.
struct Sentence {
  SentenceId id = SentenceId::VerdictNotMeasured;
  std::vector<std::string> arguments = {};

  bool operator==(const Sentence&) const = default;
};

}  // namespace headroom::model
