#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/formats/load_progress.h"
#include "core/model/architecture.h"
#include "core/model/error.h"
#include "core/model/model.h"

namespace headroom::formats {

/// A file's tensors by GGUF name ("blk.0.attn_q.weight"), wherever their bytes lie. Matrices are
/// [rows][columns] with columns the dimension of the input; vectors are [1][columns].
using TensorDirectory = std::map<std::string, model::Tensor, std::less<>>;

/// One place where metadata says how many KV heads there are.
struct KvHeadClaim {
  std::string source;  ///< for people: "falcon.attention.head_count_kv", "multi_query: true"
  int kvHeadCount = 0;
};

/// What a file's metadata says, before the tensors prove it.
struct ModelClaims {
  /// Everything but attention.kvHeadCount, attention.headDim and vocabSize, which the tensors say. A ropeDim
  /// of 0 means the whole head, an ffnDim of 0 the FFN's own.
  model::ModelConfig config;
  std::vector<KvHeadClaim> kvHeads;  ///< in the order in which they shall be named
  int headDim = 0;                   ///< 0: nothing said
  int vocabSize = 0;                 ///< 0: nothing said
  std::string headCountSource;       ///< for messages: the key of the query head count
  std::string headDimSource;
  std::string vocabSizeSource;
  /// For messages: what the file calls a tensor of a GGUF name; the same when this is empty.
  std::function<std::string(std::string_view ggufName)> nameInFile = {};

  std::string shown(std::string_view ggufName) const {
    return nameInFile ? nameInFile(ggufName) : std::string(ggufName);
  }
};

/// Proves the attention kind from the tensors' shapes, checks every tensor, and fills `model`'s config,
/// weights, storageName and contradictions. model.memory is what the tensors point into, or null. Throws
/// model::Error, a sentence with expected and actual values, when a tensor is missing, has another shape,
/// holds NaN or infinity, or is not part of the forward pass.
void buildModel(const ModelClaims& claims, const TensorDirectory& tensors, model::Model& model,
                const LoadProgress& progress = {});

/// The note of a model whose tokenizer this program cannot read: no reason to keep it shut.
std::string unusableTokenizerNote(const model::Error& why);

}  // namespace headroom::formats
