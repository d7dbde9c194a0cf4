#include "app/session/head_worth.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/model/csv.h"
#include "core/model/quantity.h"

namespace headroom::session {

namespace {
using evaluation::AblationUnit;

const HeadWorth* firstOf(const std::vector<HeadWorth>& worths, AblationUnit unit) {
  const auto found = std::ranges::find(worths, unit, &HeadWorth::unit);
  return found == worths.end() ? nullptr : &*found;
}

/// How one loss compares with the other, where their errors tell.
std::string comparison(const HeadWorth& group, const HeadWorth& head) {
  const double error = std::hypot(group.loss.standardError, head.loss.standardError);
  if (!std::isfinite(error) || std::abs(group.loss.change - head.loss.change) < kToldErrors * error)
    return "Their errors do not tell which of them carries more.";
  if (group.loss.change < head.loss.change) return "So the query head carries more.";
  if (!head.isTold() || head.loss.change <= 0.0) return "So the shared KV head carries more.";
  const double ratio = group.loss.change / head.loss.change;
  const double ratioError = ratio * std::hypot(group.loss.standardError / group.loss.change,
                                               head.loss.standardError / head.loss.change);
  return fmt::format("So the shared KV head carries {} \u00b1 {} times as much.", model::fixedText(ratio, 1),
                     model::fixedText(ratioError, 1));
}
}  // namespace

std::string lossText(const HeadBoard::Loss& loss) {
  if (loss.withinNoise) return "none";
  const std::string change =
      (loss.change < 0.0 ? "\u2212" : "+") + model::fixedText(std::abs(loss.change), 4);
  return std::isfinite(loss.standardError) ? change + " \u00b1 " + model::fixedText(loss.standardError, 4)
                                           : change;
}

bool HeadWorth::isTold() const {
  return !loss.withinNoise && std::abs(loss.change) >= kToldErrors * loss.standardError;
}

std::vector<HeadWorth> headWorths(const HeadBoard& board) {
  std::vector<HeadWorth> worths;
  for (std::size_t entry = 0; entry < board.entries().size(); ++entry) {
    const HeadBoard::Entry& of = board.entries()[entry];
    for (const HeadBoard::Loss& loss : of.losses.heads)
      worths.push_back({.entry = entry, .unit = AblationUnit::QueryHead, .readers = 1, .loss = loss});
    const int readers = of.report.config.attention.groupSize();
    if (readers < 2) continue;
    for (const HeadBoard::Loss& loss : of.groupLosses.heads)
      worths.push_back({.entry = entry, .unit = AblationUnit::KvHead, .readers = readers, .loss = loss});
  }
  std::ranges::stable_sort(worths, std::ranges::greater{}, [](const HeadWorth& worth) {
    return worth.loss.withinNoise ? 0.0 : worth.loss.change;
  });
  return worths;
}

std::string nameOf(const HeadBoard& board, const HeadWorth& worth) {
  return fmt::format("{} L{}{}{}", board.entries()[worth.entry].report.title, worth.loss.layer,
                     worth.unit == AblationUnit::KvHead ? "KV" : "H", worth.loss.head);
}

std::string worthAnswer(const HeadBoard& board, const std::vector<HeadWorth>& worths) {
  const HeadWorth* head = firstOf(worths, AblationUnit::QueryHead);
  const HeadWorth* group = firstOf(worths, AblationUnit::KvHead);
  std::string answer;
  if (group) {
    answer += fmt::format(
        "Of shared KV heads {} costs most: without it and its {} heads the loss changes by {} "
        "nats per token. ",
        nameOf(board, *group), group->readers, lossText(group->loss));
  }
  if (head) {
    answer += fmt::format("Of query heads {} costs most: {}. ", nameOf(board, *head), lossText(head->loss));
  }
  if (group && head) answer += comparison(*group, *head) + " ";
  std::string measured;
  bool isOneText = true;
  for (const HeadBoard::Entry& entry : board.entries()) {
    const model::AttentionShape& heads = entry.report.config.attention;
    const int layers = entry.report.config.layerCount;
    isOneText = isOneText && entry.report.tokens == board.entries().front().report.tokens;
    measured += fmt::format("{}{}: {} of {} heads", measured.empty() ? "" : "; ", entry.report.title,
                            entry.losses.heads.size(), layers * heads.queryHeadCount);
    if (heads.groupSize() > 1)
      measured +=
          fmt::format(", {} of {} KV heads", entry.groupLosses.heads.size(), layers * heads.kvHeadCount);
  }
  if (!measured.empty()) answer += "Measured until now: " + measured + ".";
  if (!isOneText) answer += " Each lane was measured on its own text.";
  return answer;
}

std::string worthCsv(const HeadBoard& board, const std::vector<HeadWorth>& worths) {
  std::string lines =
      "lane,unit,layer,head,query_heads,loss_change,loss_standard_error,loss_within_rounding,kl_divergence,"
      "top1_changed,rank_change\n";
  const auto cell = [](const std::optional<double>& seen) {
    return seen ? fmt::format("{}", *seen) : std::string();
  };
  for (const HeadWorth& worth : worths) {
    const auto [divergence, topChanges, rankChange] = board.seenEffects(worth.entry, worth.loss);
    lines += fmt::format(
        "{},{},{},{},{},{},{},{},{},{},{}\n", model::csvCell(board.entries()[worth.entry].report.title),
        worth.unit == AblationUnit::KvHead ? "kv_head" : "query_head", worth.loss.layer, worth.loss.head,
        worth.readers, worth.loss.withinNoise ? 0.0 : worth.loss.change, worth.loss.standardError,
        worth.loss.withinNoise, cell(divergence), cell(topChanges), cell(rankChange));
  }
  return lines;
}

}  // namespace headroom::session
