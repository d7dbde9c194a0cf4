#pragma once

#include <string>

#include "core/formats/gguf/gguf_writer.h"
#include "tests/support/random_model.h"

namespace headroom::tests {

/// Writes a random model of two layers of four query heads to `path`, and gives that.
inline std::string writeSmallModel(const std::string& path, int kvHeads) {
  const model::Model model = randomModel(smallConfig({4, kvHeads, 8}), Output::Tied);
  formats::writeGguf({.config = model.config, .weights = model.weights, .tokenizer = model.tokenizer.get()},
                     path, model::Storage::F32);
  return path;
}

}  // namespace headroom::tests
