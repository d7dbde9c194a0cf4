#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/model/memory_need.h"
#include "core/model/model.h"
#include "core/model/trace.h"

namespace headroom::analysis {

/// The device that a model would run on; what it needs there is computed, nothing is allocated.
struct MemoryOutlook {
  std::string device;
  model::MemoryNeed need;
  std::uint64_t there = 0;  ///< the device's memory
  int contextLength = 0;    ///< that the need is computed for
  model::KvType kvType = model::KvType::F32;
  std::string refusal;    ///< why it cannot run there now, empty when it can
  std::string weightsOf;  ///< the lane whose weights it shares, which then count there; empty for its own

  /// What it takes besides what is there already.
  std::uint64_t needed() const { return weightsOf.empty() ? need.total() : need.total() - need.weights; }
  bool fits() const { return refusal.empty(); }
};

/// KV-cache bytes of one token of every sequence, with every term of kvCacheBytes().
struct KvFormula {
  int layers = 0;
  int kvHeads = 0;
  int headDim = 0;
  int bytesPerElement = 0;
  int sequences = 1;
  std::uint64_t bytesPerToken = 0;

  /// "2 (K and V) x 32 layers x 8 KV heads x 128 head_dim x 2 bytes = 131,072 bytes per token"; of several
  /// sequences "... x 2 bytes x 8 sequences = 1,048,576 bytes per position".
  std::string text() const;
};
KvFormula kvFormula(const model::ModelConfig& config, model::KvType type, int sequences = 1);

/// How the tensors of one storage add up.
struct StorageShare {
  std::string name;  ///< "Q4_K"
  int tensors = 0;
  std::uint64_t bytes = 0;
};

/// One line of the card.
struct CardRow {
  std::string label;
  std::string value;
  std::string origin;  ///< where it is from: "counted", "computed", "stated by the file"
  bool warns = false;  ///< that the file contradicts itself
};

/// What a file is, as its tensors prove it and its metadata claims it.
struct TruthCard {
  std::string name;
  std::string path;
  std::string architecture;
  std::string family;  ///< "Llama, Mistral, TinyLlama, SmolLM"
  model::ModelConfig config;
  std::string proof;        ///< of the attention kind, from shapes
  std::string forwardPass;  ///< norms, activation, positions, windows, caps in words
  std::uint64_t parameterCount = 0;
  std::uint64_t storedBytes = 0;
  std::vector<StorageShare> storages;  ///< most bytes first
  bool tiedOutput = false;
  KvFormula kvF32, kvF16;
  std::uint64_t kvBytesIfMha = 0;  ///< per token at f16, were every query head to have a KV head
  std::string tokenizer;           ///< kind and size, empty without one
  std::string chat;                ///< family of the chat template, empty without one
  std::optional<MemoryOutlook> memory;
  std::vector<std::string> contradictions;
  std::vector<std::string> notes;
  bool isTrace = false;          ///< recorded attention of a model that is not here
  model::RecordedPart recorded;  ///< of a trace

  /// For people, in the order in which they ask.
  std::vector<CardRow> rows() const;
};

/// `note` is what Decoder::note() says, or would say.
TruthCard truthCard(const model::Model& model, std::optional<MemoryOutlook> memory,
                    const std::string& note = {});
/// Of a trace: what the file says of the model that was recorded. `writer` is who recorded it.
TruthCard traceCard(const std::string& path, const model::ModelConfig& config, const std::string& writer,
                    const model::RecordedPart& recorded);

}  // namespace headroom::analysis
