#pragma once

#include <span>
#include <string>
#include <string_view>

namespace headroom::model {

enum class Norm {
  Rms,    ///< x / rms(x) * gain
  Layer,  ///< (x - mean(x)) / deviation(x) * gain + bias
};

enum class Activation {
  Silu,       ///< x * sigmoid(x)
  GeluTanh,   ///< GELU by its tanh approximation
  GeluErf,    ///< GELU exactly
  GeluTable,  ///< GELU by tanh through ggml's table of half-precision values, as readers of GGUF files
              ///< compute it
};

enum class FeedForward {
  Gated,  ///< down(activation(gate x) * up x)
  Plain,  ///< down(activation(up x))
};

enum class Positions {
  Rope,     ///< queries and keys are rotated
  Learned,  ///< a vector per position is added to the embedding
};

enum class Block {
  Sequential,  ///< x += attention(norm x); x += ffn(norm x)
  Parallel,    ///< x += attention(norm x) + ffn(norm x), both of the same x
};

/// Which layers see only the last ModelConfig::slidingWindow positions.
enum class Windows { None, EveryLayer, EvenLayers };

/// Which elements of a head vector RoPE rotates together.
enum class RopePairing {
  Adjacent,  ///< (2i, 2i+1), as GGUF files of architecture llama store them
  Halves,    ///< (i, i + ropeDim/2), as Hugging Face files store them
};

/// What a family of decoder-only transformers does; with the numbers of ModelConfig and whichever optional
/// tensors are there (biases, head norms, norms behind a branch) it fixes the forward pass. The default is
/// Llama's.
struct Traits {
  Norm norm = Norm::Rms;
  Positions positions = Positions::Rope;
  RopePairing ropePairing = RopePairing::Adjacent;
  Block block = Block::Sequential;
  FeedForward feedForward = FeedForward::Gated;
  Activation activation = Activation::Silu;
  Windows windows = Windows::None;
  bool scalesEmbedding = false;  ///< by sqrt(modelDim)
  bool headNorms = false;        ///< RMSNorm of every query and key head before RoPE
  bool branchNorms = false;      ///< RMSNorm of what attention and FFN add to the stream
  bool ownFfnNorm = true;        ///< false: a parallel block's FFN may use the attention's norm

  bool operator==(const Traits&) const = default;
};

/// Which matrices GGUF files of an architecture hold as one, as other readers expect it.
enum class FusedMatrices { None, Qkv, QkvAndGateUp };

/// One row of the table of architectures.
struct Architecture {
  std::string_view name;         ///< as GGUF's general.architecture
  std::string_view huggingFace;  ///< as model_type in a config.json; further names after commas
  std::string_view models;       ///< for people: what runs
  Traits traits;                 ///< as GGUF files store the tensors
  FusedMatrices fused = FusedMatrices::None;
  bool secondNorm = false;  ///< an FFN norm of its own makes attn_norm the FFN's and attn_norm_2 attention's
};

/// Every architecture that the decoders compute.
std::span<const Architecture> architectures();
/// By general.architecture, or null.
const Architecture* findArchitecture(std::string_view name);
/// By model_type, or null.
const Architecture* findHuggingFace(std::string_view modelType);
/// The row whose name is most like `name`, for refusals.
const Architecture& nearestArchitecture(std::string_view name);
/// "llama, qwen2, ...".
std::string architectureNames();

}  // namespace headroom::model
