#include "app/session/lane_change.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/model/quantity.h"

namespace headroom::session {

namespace {
/// "MHA", "MHA and MQA", "MHA, GQA and MQA".
std::string listed(const std::vector<std::string>& names) {
  std::string list;
  for (std::size_t index = 0; index < names.size(); ++index) {
    if (index > 0) list += index + 1 == names.size() ? " and " : ", ";
    list += names[index];
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

std::string contextFullSentence(const FullLanes& full) {
  std::string sentence;
  for (const auto& [limit, lanes] : full) {
    const bool first = sentence.empty();
    if (!first) sentence += ", ";
    sentence += fmt::format("{} {} reached {}{}{}", listed(lanes), lanes.size() == 1 ? "has" : "have",
                            first ? "the context limit of " : "that of ", model::groupDigits(limit),
                            first ? " tokens" : "");
  }
  return sentence + ". Press play to decode again from the prompt.";
}

void LanesBySentence::add(const std::string& sentence, const std::string& title) {
  const auto same =
      std::ranges::find(m_titlesOfSentences, sentence, &std::pair<std::string, std::string>::first);
  if (same == m_titlesOfSentences.end()) {
    m_titlesOfSentences.emplace_back(sentence, title);
  } else {
    same->second += ", " + title;
  }
}

std::vector<std::string> LanesBySentence::texts() const {
  std::vector<std::string> texts;
  for (const auto& [sentence, titles] : m_titlesOfSentences) texts.push_back(titles + ": " + sentence);
  return texts;
}

std::string otherVocabularySentence(const std::vector<std::string>& titles, int laneCount) {
  if (std::ssize(titles) == laneCount) {
    return "Lockstep feeds every lane the same tokens, but these lanes have different tokenizers, so each "
           "lane "
           "now runs freely; lockstep comes back with lanes of one tokenizer.";
  }
  return fmt::format(
      "{} {} another tokenizer than the other lanes and cannot be fed their tokens, so {} freely; the others "
      "stay in lockstep.",
      listed(titles), titles.size() == 1 ? "has" : "have", titles.size() == 1 ? "it runs" : "they run");
}

std::string otherTextSentence(const std::vector<std::string>& titles) {
  return fmt::format(
      "{} {} read another text, so lockstep cannot go on from here and nothing decoded is thrown away: "
      "restart "
      "to feed all lanes one text.",
      listed(titles), titles.size() == 1 ? "has" : "have");
}

}  // namespace headroom::session
