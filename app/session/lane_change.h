#pragma once

#include <exception>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/session/lane.h"
#include "app/session/selection.h"

namespace headroom::session {

/// For each of `wanted` the old lane that does just that, whatever its colour, or else the lane of its model
/// and colour, which then decodes otherwise; no old lane twice.
std::vector<LaneOrigin> laneOrigins(const std::vector<LaneRequest>& old,
                                    const std::vector<LaneRequest>& wanted);

/// A further lane of a model, which runs as the last of `lanes` does, so that they compare; with all its
/// heads.
LaneRequest laneBeside(const std::vector<LaneRequest>& lanes, const std::string& source);
/// `lane` whose heads there become as `change` says, or, without one, give what they compute.
LaneRequest withHeadsChanged(LaneRequest lane, const std::vector<model::HeadPlace>& heads,
                             const std::optional<model::HeadChange>& change);
/// `lane` without those heads; or with them, as they compute, where they all give something else already.
LaneRequest withHeadsSwitched(LaneRequest lane, const std::vector<model::HeadPlace>& heads);

/// The heads that go with that one.
std::vector<model::HeadPlace> headsOf(const HeadAddress& head, SwitchedHeads heads,
                                      const model::AttentionShape& attention);

/// Titles of lanes by the context limit that they reached.
using FullLanes = std::map<int, std::vector<std::string>>;
/// "MHA and MQA have reached the context limit of 512 tokens, GQA has reached that of 1024. ..."
std::string contextFullSentence(const FullLanes& full);
/// Sentences that hold of lanes: what is true of several is said once, with all their titles before it.
class LanesBySentence {
 public:
  void add(const std::string& sentence, const std::string& title);
  /// "MHA, MQA: the prompt is empty.", in the order in which they came.
  std::vector<std::string> texts() const;

 private:
  std::vector<std::pair<std::string, std::string>> m_titlesOfSentences;
};
/// Why these of `laneCount` lanes, each alone with its vocabulary, run freely although lockstep is asked for.
std::string otherVocabularySentence(const std::vector<std::string>& titles, bool othersStay);
/// Likewise lanes that have read another text than those of their vocabulary.
std::string otherTextSentence(const std::vector<std::string>& titles);

}  // namespace headroom::session
