#pragma once

#include <array>

#include "core/model/stage.h"

namespace headroom::pages {

/// The stages by names that stand under a bar and beside a dot; model::stageName() is the whole one.
inline constexpr std::array<const char*, model::kStageCount> kStageNames{
    "embed", "QKV", "attention", "attn. out", "FFN up", "FFN down", "logits"};

}  // namespace headroom::pages
