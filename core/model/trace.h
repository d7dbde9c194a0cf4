#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/model/model.h"

namespace headroom::model {

/// What a decoder-only model attended to while it read or wrote a text: recorded, by this program or another.
/// Move-only; owns what its tensors point into.
struct Trace {
  std::string path;
  std::string name;    ///< of the model
  std::string writer;  ///< the program that recorded it
  ModelConfig config;  ///< shape of the attention; contextLength is the number of tokens
  std::vector<int> tokens;
  int promptTokens = 1;               ///< of them
  std::map<int, std::string> pieces;  ///< bytes of the tokens, as far as the file tells
  /// By layer: [queryHeads * rowCount][tokens], after softmax; empty where a layer was not recorded.
  std::vector<Tensor> attention;
  int firstRow = 0;                   ///< the first token whose attention was recorded
  int rowCount = 0;                   ///< how many were
  Tensor logits;                      ///< [tokens][vocabSize], empty when not recorded
  std::unique_ptr<WeightMemory> memory;

  bool recordsRow(int position) const { return position >= firstRow && position < firstRow + rowCount; }
};

}  // namespace headroom::model
