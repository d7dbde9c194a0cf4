#pragma once

#include <optional>

#include "core/model/config.h"

namespace headroom::analysis {

/// KV heads of a model and the query heads that read them.
struct SharedHeads {
  model::HeadRange kv;
  model::HeadRange query;

  bool operator==(const SharedHeads&) const = default;
};

/// Of a model of shape `here`: the KV heads that serve what reads KV head `kvHead` of a model of shape
/// `pointed`, and all query heads that read them. Nothing for models of other numbers of query heads.
std::optional<SharedHeads> sharedHeads(const model::AttentionShape& pointed, int kvHead,
                                       const model::AttentionShape& here);

}  // namespace headroom::analysis
