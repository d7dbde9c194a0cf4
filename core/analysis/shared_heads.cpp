#include "core/analysis/shared_heads.h"

namespace headroom::analysis {

std::optional<SharedHeads> sharedHeads(const model::AttentionShape& pointed, int kvHead,
                                       const model::AttentionShape& here) {
  if (pointed.queryHeadCount != here.queryHeadCount || kvHead < 0 || kvHead >= pointed.kvHeadCount)
    return std::nullopt;
  const model::HeadRange readers = pointed.readersOf(kvHead);
  const model::HeadRange kv{here.kvHeadOf(readers.first), here.kvHeadOf(readers.end - 1) + 1};
  return SharedHeads{.kv = kv, .query = {here.readersOf(kv.first).first, here.readersOf(kv.end - 1).end}};
}

}  // namespace headroom::analysis
