#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/model/model.h"

namespace headroom::model {

/// What of the attention is in a trace; the rest is not recorded, which is not the same as 0.
struct RecordedPart {
  std::vector<int> layers;  ///< ascending
  int firstRow = 0;         ///< the first position whose row is there
  int rowCount = 0;         ///< how many are

  bool holdsRow(int position) const { return position >= firstRow && position < firstRow + rowCount; }
  bool holds(int layer, int position) const {
    return holdsRow(position) && std::binary_search(layers.begin(), layers.end(), layer);
  }
};

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
  RecordedPart recorded;
  /// By layer: [queryHeads * recorded.rowCount][tokens], after softmax; empty where a layer was not recorded.
  std::vector<Tensor> attention;
  Tensor logits;  ///< [tokens][vocabSize], empty when not recorded
  std::unique_ptr<WeightMemory> memory;
};

}  // namespace headroom::model
