#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "app/session/head_board.h"

namespace headroom::session {

/// What a lane's model loses without a query head, or without a KV head and all that read it.
struct HeadWorth {
  std::size_t entry = 0;  ///< of the board
  evaluation::AblationUnit unit = evaluation::AblationUnit::QueryHead;
  int readers = 1;  ///< query heads that go
  HeadBoard::Loss loss;

  /// Whether the text tells it from none.
  bool isTold() const;
};

/// Standard errors from which on a change is told from none: 95 % of those that are none lie below.
inline constexpr double kToldErrors = 1.96;

/// "+0.0113 \u00b1 0.0028" nats per token, or "none".
std::string lossText(const HeadBoard::Loss& loss);
/// All that was measured, what costs most first. A KV head with one reader is that head, and not listed
/// again.
std::vector<HeadWorth> headWorths(const HeadBoard& board);
/// "MQA L3KV0" or "MHA L4H4"
std::string nameOf(const HeadBoard& board, const HeadWorth& worth);
/// Whether the KV head that costs most, of those that several heads read, carries more than the query head
/// that costs most, in sentences; and how many of each are measured.
std::string worthAnswer(const HeadBoard& board, const std::vector<HeadWorth>& worths);
/// "lane,unit,layer,head,query_heads,loss_change,..." with a line for each.
std::string worthCsv(const HeadBoard& board, const std::vector<HeadWorth>& worths);

}  // namespace headroom::session
