#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/model/architecture.h"
#include "core/model/rope.h"

namespace headroom::model {

enum class AttentionKind { MultiHead, GroupedQuery, MultiQuery };

/// "MHA", "GQA" or "MQA".
std::string_view shortName(AttentionKind kind);

/// Heads `first` to `end - 1`.
struct HeadRange {
  int first = 0;
  int end = 0;

  int count() const { return end - first; }
  bool contains(int head) const { return head >= first && head < end; }
  bool operator==(const HeadRange&) const = default;
};

/// How the heads of one attention layer share keys and values. queryHeadCount is a multiple of kvHeadCount.
struct AttentionShape {
  int queryHeadCount = 0;
  int kvHeadCount = 0;
  int headDim = 0;

  AttentionKind kind() const;
  int groupSize() const { return queryHeadCount / kvHeadCount; }
  /// The KV head that query head `queryHead` reads.
  int kvHeadOf(int queryHead) const { return queryHead / groupSize(); }
  /// The query heads that read KV head `kvHead`.
  HeadRange readersOf(int kvHead) const { return {kvHead * groupSize(), (kvHead + 1) * groupSize()}; }
  int queryDim() const { return queryHeadCount * headDim; }
  int kvDim() const { return kvHeadCount * headDim; }
  bool operator==(const AttentionShape&) const = default;
};

/// "8 Q \u2192 2 KV": how query heads share keys and values.
std::string headsText(const AttentionShape& heads);

/// How keys and values are stored; f64 by the reference only, where f32 is asked for.
enum class KvType { F32, F16, F64 };

std::string_view shortName(KvType type);
constexpr int bytesPerElement(KvType type) {
  return type == KvType::F64 ? 8 : type == KvType::F32 ? 4 : 2;
}

/// The numbers that fix a decoder-only transformer's shape. Everything else follows from the tensors.
struct ModelConfig {
  std::string name;          ///< for people
  std::string architecture;  ///< as the file names it, "llama"
  int layerCount = 0;
  int modelDim = 0;
  int ffnDim = 0;
  int vocabSize = 0;
  int contextLength = 0;  ///< positions the model was made for
  AttentionShape attention;
  Traits traits;
  float normEpsilon = 1e-5f;
  float ropeBase = 10000.0f;
  int ropeDim = 0;  ///< leading elements of each head that are rotated, headDim by default
  RopeScaling ropeScaling;
  float attentionScale = 0.0f;    ///< what scores are multiplied by; 0: 1 / sqrt(headDim)
  float attentionSoftCap = 0.0f;  ///< scores s become cap * tanh(s / cap); 0: they stay
  float logitSoftCap = 0.0f;      ///< likewise logits
  int slidingWindow = 0;          ///< positions that a windowed layer sees, its own included; 0: all

  double scoreScale() const;
  /// Positions that layer `layer` sees at most, its own included; 0: all of them.
  int windowOf(int layer) const;
  /// The first key that a row of `length` keys sees in `layer`.
  std::int64_t firstSeen(std::int64_t length, int layer) const;
};

/// Cache positions where `chosen` are asked for; 0 asks for those that the model was made for.
int chosenContext(const ModelConfig& config, int chosen);

/// KV-cache bytes of `positions` cached positions of `sequences` sequences:
/// 2 (K and V) x layers x kv_heads x positions x head_dim x bytes per element x sequences.
std::uint64_t kvCacheBytes(const ModelConfig& config, KvType type, std::uint64_t positions,
                           std::uint64_t sequences = 1);

}  // namespace headroom::model
