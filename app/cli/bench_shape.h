#pragma once

#include <string>
#include <vector>

#include "core/model/config.h"

namespace headroom::cli {

/// The configurations that a --shape asks for, one per entry of kv_heads:
/// "layers=8,query_heads=8,kv_heads=8/2/1,head_dim=64,ffn=1536,vocab=4096,dim=512". ffn, vocab and dim may be
/// left out: 4 x dim, 4096, and query_heads x head_dim. Throws model::Error naming what is wrong, with what
/// was expected.
std::vector<model::ModelConfig> parseShape(const std::string& text);

/// "1,4096" -> {1, 4096}: whole numbers of at least `least`. Throws model::Error naming `option`.
std::vector<int> parseNumbers(const std::string& option, const std::string& text, char separator, int least);

}  // namespace headroom::cli
