#include "core/formats/hugging_face/hugging_face_tensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/model/error.h"
#include "core/text/utf8.h"

namespace headroom::formats {

namespace {
using model::Error;
using model::Tensor;
using text::quotedName;

std::size_t elementBytes(const Tensor& tensor) {
  return static_cast<std::size_t>(model::formatOf(tensor.storage).blockBytes);
}

template <typename Word>
void transposeWords(const Tensor& tensor, std::byte* target) {
  constexpr std::int64_t kTile = 32;  // rows and columns that stay in the fastest cache together
  for (std::int64_t rowTile = 0; rowTile < tensor.rows; rowTile += kTile) {
    for (std::int64_t columnTile = 0; columnTile < tensor.columns; columnTile += kTile) {
      for (std::int64_t row = rowTile; row < std::min(rowTile + kTile, tensor.rows); ++row) {
        for (std::int64_t column = columnTile; column < std::min(columnTile + kTile, tensor.columns);
             ++column) {
          std::memcpy(
              target + static_cast<std::size_t>(column * tensor.rows + row) * sizeof(Word),
              tensor.bytes.data() + static_cast<std::size_t>(row * tensor.columns + column) * sizeof(Word),
              sizeof(Word));
        }
      }
    }
  }
}

/// [columns][rows] of the same elements.
Tensor transposed(const Tensor& tensor, OwnedTensors& owned) {
  std::vector<std::byte>& target = owned.emplace_back(tensor.bytes.size());
  if (tensor.storage == model::Storage::F32) {
    transposeWords<std::uint32_t>(tensor, target.data());
  } else {
    transposeWords<std::uint16_t>(tensor, target.data());
  }
  return {tensor.storage, tensor.columns, tensor.rows, target};
}

/// A Gemma norm stores what is added to 1.
Tensor plusOne(const Tensor& tensor, OwnedTensors& owned) {
  std::vector<float> values = tensor.toFloat();
  for (float& value : values) value += 1.0f;
  const auto bytes = std::as_bytes(std::span(values));
  std::vector<std::byte>& target = owned.emplace_back(bytes.begin(), bytes.end());
  return {model::Storage::F32, tensor.rows, tensor.columns, target};
}

/// Rows of queries, keys and values, one behind the other, of a matrix whose rows lie by KV head: its
/// queries, its key, its value.
Tensor regrouped(const Tensor& tensor, int queryHeads, int kvHeads, std::size_t headBytes,
                 OwnedTensors& owned) {
  if (kvHeads == 1) return tensor;  // one group lies in that order
  std::vector<std::byte>& target = owned.emplace_back(tensor.bytes.size());
  const auto group = static_cast<std::size_t>(queryHeads / kvHeads);
  const auto place = [&](std::size_t head, std::size_t source, std::size_t heads) {
    std::memcpy(target.data() + head * headBytes, tensor.bytes.data() + source * headBytes,
                heads * headBytes);
  };
  for (std::size_t kvHead = 0; kvHead < static_cast<std::size_t>(kvHeads); ++kvHead) {
    const std::size_t first = kvHead * (group + 2);
    place(kvHead * group, first, group);
    place(static_cast<std::size_t>(queryHeads) + kvHead, first + group, 1);
    place(static_cast<std::size_t>(queryHeads + kvHeads) + kvHead, first + group + 1, 1);
  }
  return {tensor.storage, tensor.rows, tensor.columns, target};
}

/// Puts every "attn_qkv" into GGUF's order, where the shapes allow to tell its heads.
void regroupJointProjections(int queryHeads, TensorDirectory& tensors, OwnedTensors& owned) {
  const auto output = tensors.find("blk.0.attn_output.weight");
  if (output == tensors.end() || output->second.columns % queryHeads != 0) return;
  const std::int64_t headDim = output->second.columns / queryHeads;
  for (auto& [name, tensor] : tensors) {
    if (name.find(".attn_qkv.") == std::string::npos || headDim == 0) continue;
    const bool isBias = name.ends_with(".bias");
    const std::int64_t rows = isBias ? tensor.columns : tensor.rows;
    const std::int64_t kvHeads = (rows / headDim - queryHeads) / 2;
    // Shapes that do not come out are left for the builder to name.
    if (rows % headDim != 0 || kvHeads < 1 || queryHeads + 2 * kvHeads != rows / headDim ||
        queryHeads % kvHeads != 0) {
      continue;
    }
    const std::size_t rowLength =
        elementBytes(tensor) * static_cast<std::size_t>(isBias ? 1 : tensor.columns);
    tensor = regrouped(tensor, queryHeads, static_cast<int>(kvHeads),
                       static_cast<std::size_t>(headDim) * rowLength, owned);
  }
}

bool isTransposed(std::string_view ggufName) {
  for (const char* name : {".attn_qkv.weight", ".attn_output.weight", ".ffn_up.weight", ".ffn_down.weight"}) {
    if (ggufName.ends_with(name)) return true;
  }
  return false;
}
}  // namespace

TensorDirectory listHuggingFaceTensors(const HuggingFaceConfig& config,
                                       const std::vector<SafetensorsFile>& files, FolderNames& names,
                                       OwnedTensors& owned) {
  const std::string_view type = config.modelType;
  TensorDirectory tensors;
  for (const SafetensorsFile& file : files) {
    for (const SafeTensor& stored : file.tensors()) {
      const auto name = ggufNameOf(stored.name, type);
      if (!name) {
        throw Error(fmt::format("tensor {} is not part of a {} model as this program computes it",
                                quotedName(stored.name), type));
      }
      if (name->empty() || (config.tied && *name == "output.weight")) continue;
      if (!stored.storage) {
        throw Error(fmt::format("tensor {} is stored as {}, expected F32, F16 or BF16",
                                quotedName(stored.name), quotedName(stored.dtype)));
      }
      Tensor tensor = stored.matrix();
      const bool turns = type == "gpt2" && isTransposed(*name);
      if (turns) tensor = transposed(tensor, owned);
      names.add(*name, turns ? stored.name + " (transposed)" : stored.name);
      if (type.starts_with("gemma") && name->ends_with("norm.weight")) tensor = plusOne(tensor, owned);
      if (!tensors.emplace(*name, tensor).second) {
        throw Error(fmt::format("tensor {} is there twice, as another one with the same meaning",
                                quotedName(stored.name)));
      }
    }
  }
  if (type == "falcon" || type == "gpt_neox" || type == "gpt_bigcode") {
    regroupJointProjections(config.claims.config.attention.queryHeadCount, tensors, owned);
  }
  return tensors;
}

}  // namespace headroom::formats
