#include "app/session/lane_change.h"

#include <algorithm>
#include <utility>

#include "core/lanes/experiment.h"
#include "core/model/quantity.h"
#include "core/text/phrases.h"

namespace headroom::session {

namespace {

using model::SentenceId;
using text::inWords;

/// "MHA", "MHA and MQA", "MHA, GQA and MQA".
std::string listed(const std::vector<std::string>& names) {
  std::string list;
  for (std::size_t index = 0; index < names.size(); ++index) {
    const bool isLast = index + 1 == names.size();
    list = index == 0 ? names[index]
           : isLast   ? inWords<SentenceId::ListLast>(list, names[index])
                      : inWords<SentenceId::ListNext>(list, names[index]);
  }
  return list;
}
}  // namespace

std::vector<LaneOrigin> laneOrigins(const std::vector<LaneRequest>& old,
                                    const std::vector<LaneRequest>& wanted) {
  std::vector<LaneOrigin> origins(wanted.size());
  const auto take = [&](auto matches, bool asItIs) {
    for (std::size_t index = 0; index < wanted.size(); ++index) {
      for (int lane = 0; lane < std::ssize(old) && origins[index].lane < 0; ++lane) {
        const bool isTaken = std::ranges::count(origins, lane, &LaneOrigin::lane) > 0;
        const LaneRequest& candidate = old[static_cast<std::size_t>(lane)];
        if (isTaken || candidate.source != wanted[index].source || !matches(candidate, wanted[index]))
          continue;
        origins[index] = {lane, asItIs};
      }
    }
  };
  const auto alike = [](const auto& a, const auto& b) { return a.options == b.options; };
  const auto sameColor = [](const auto& a, const auto& b) { return a.colorIndex == b.colorIndex; };
  take([&](const auto& a, const auto& b) { return alike(a, b) && sameColor(a, b); }, true);
  take(alike, true);
  take(sameColor, false);
  return origins;
}

LaneRequest laneBeside(const std::vector<LaneRequest>& lanes, const std::string& source) {
  LaneRequest lane{source, lanes::freeColor(lanes), lanes.empty() ? LaneOptions{} : lanes.back().options};
  lane.options.changes.clear();
  return lane;
}

LaneRequest withHeadsChanged(LaneRequest lane, const std::vector<model::HeadPlace>& heads,
                             const std::optional<model::HeadChange>& change) {
  std::vector<model::HeadChange>& changes = lane.options.changes;
  std::erase_if(changes,
                [&](const model::HeadChange& known) { return std::ranges::count(heads, known.head) > 0; });
  for (const model::HeadPlace& head : heads) {
    if (!change) break;
    changes.push_back(*change);
    changes.back().head = head;
  }
  std::ranges::sort(changes, {}, &model::HeadChange::head);
  return lane;
}

LaneRequest withHeadsSwitched(LaneRequest lane, const std::vector<model::HeadPlace>& heads) {
  const bool areChanged = std::ranges::all_of(heads, [&](const model::HeadPlace& head) {
    return std::ranges::count(lane.options.changes, head, &model::HeadChange::head) > 0;
  });
  return withHeadsChanged(std::move(lane), heads,
                          areChanged ? std::nullopt : std::optional(model::HeadChange{}));
}

std::vector<model::HeadPlace> headsOf(const HeadAddress& head, SwitchedHeads heads,
                                      const model::AttentionShape& attention) {
  if (heads == SwitchedHeads::QueryHead) return {{head.layer, head.queryHead}};
  return model::headsOfGroup(head.layer, attention.kvHeadOf(head.queryHead), attention);
}

std::string contextFullSentence(const FullLanes& full) {
  std::string sentence;
  for (const auto& [limit, lanes] : full) {
    const std::string names = listed(lanes);
    const std::string positions = model::groupDigits(limit);
    const bool isOne = lanes.size() == 1;
    if (sentence.empty()) {
      sentence = isOne ? inWords<SentenceId::ContextFullOfOne>(names, positions)
                       : inWords<SentenceId::ContextFullOfMany>(names, positions);
    } else {
      sentence = isOne ? inWords<SentenceId::ContextFullOfOneToo>(sentence, names, positions)
                       : inWords<SentenceId::ContextFullOfManyToo>(sentence, names, positions);
    }
  }
  return inWords<SentenceId::ContextFullPlayAgain>(sentence);
}

void LanesBySentence::add(const std::string& sentence, const std::string& title) {
  const auto same =
      std::ranges::find(m_titlesOfSentences, sentence, &std::pair<std::string, std::string>::first);
  if (same == m_titlesOfSentences.end()) {
    m_titlesOfSentences.emplace_back(sentence, title);
  } else {
    same->second = inWords<SentenceId::OfLanesToo>(same->second, title);
  }
}

std::vector<std::string> LanesBySentence::texts() const {
  std::vector<std::string> texts;
  for (const auto& [sentence, titles] : m_titlesOfSentences)
    texts.push_back(inWords<SentenceId::OfLane>(titles, sentence));
  return texts;
}

std::string otherVocabularySentence(const std::vector<std::string>& titles, bool othersStay) {
  if (!othersStay) return inWords<SentenceId::ApartAllVocabularies>();
  return titles.size() == 1 ? inWords<SentenceId::ApartVocabularyOfOne>(listed(titles))
                            : inWords<SentenceId::ApartVocabularyOfMany>(listed(titles));
}

std::string otherTextSentence(const std::vector<std::string>& titles) {
  return titles.size() == 1 ? inWords<SentenceId::ApartTextOfOne>(listed(titles))
                            : inWords<SentenceId::ApartTextOfMany>(listed(titles));
}

}  // namespace headroom::session
