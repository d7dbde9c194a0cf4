#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/model/model.h"

namespace headroom::formats {

/// What a file is written from; all of it is only read. A trainer fills Weights with F32 tensors over its own
/// buffers; a loaded Model works as it is.
struct GgufSource {
  const model::ModelConfig& config;
  const model::Weights& weights;
  const model::Tokenizer* tokenizer = nullptr;  ///< one that GGUF has no keys for is left out; null for none
  std::vector<std::pair<std::string, std::string>> notes = {};  ///< further metadata texts, key and value
};

/// Writes a GGUF v3 file of the configuration's architecture with the matrices in `matrices` (F32, F16 or
/// Q8_0) and the vectors in F32, so that loadGguf and llama.cpp read it; a tied output is left out. Atomic.
/// Throws model::Error when the file cannot be written, a value is not finite in `matrices`, or Q8_0 rows are
/// not a multiple of 32; asserts that tensor shapes match `config`.
void writeGguf(const GgufSource& source, const std::string& path, model::Storage matrices);

}  // namespace headroom::formats
