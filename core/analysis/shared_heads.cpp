#include "core/analysis/shared_heads.h"

namespace headroom::analysis {

std::optional<SharedHeads> sharedHeads(const model::AttentionShape& pointed, int kvHead,
                                       const model::AttentionShape& here) {
  if (pointed.queryHeadCount != here.queryHeadCount || kvHead < 0 || kvHead >= pointed.kvHeadCount)
    return std::nullopt;
  const HeadRange readers{kvHead * pointed.groupSize(), (kvHead + 1) * pointed.groupSize()};
  const int group = here.groupSize();
  const HeadRange kv{readers.first / group, (readers.end - 1) / group + 1};
  return SharedHeads{.kv = kv, .query = {kv.first * group, kv.end * group}};
}

}  // namespace headroom::analysis
