#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

namespace headroom::tests {

/// Bytes of a GGUF file, put together by hand, so that a test can make any part of it wrong. Independent of
/// the project's writer. Value types are GGUF's numbers: 4 uint32, 6 float32, 8 text, 9 array, 10 uint64.
struct GgufBuilder {
  struct Entry {
    std::string key;
    std::uint32_t type = 0;
    std::string value;  ///< as it lies in the file
  };
  struct TensorEntry {
    std::string name;
    std::vector<std::uint64_t> sizes;
    std::uint32_t type = 0;
    std::uint64_t offset = 0;
    std::string data;
  };

  std::string magic = "GGUF";
  std::uint32_t version = 3;
  std::int64_t tensorCountError = 0;  ///< added to the true count
  std::int64_t metadataCountError = 0;
  std::uint64_t alignment = 32;
  std::vector<Entry> metadata;
  std::vector<TensorEntry> tensors;

  template <typename Number>
  static std::string bytesOf(Number value) {
    return std::string(reinterpret_cast<const char*>(&value), sizeof value);
  }
  static std::string text(const std::string& value) { return bytesOf<std::uint64_t>(value.size()) + value; }
  static std::string array(std::uint32_t type, std::uint64_t count, const std::string& elements) {
    return bytesOf(type) + bytesOf(count) + elements;
  }

  void set(const std::string& key, std::uint32_t type, const std::string& value) {
    for (Entry& entry : metadata) {
      if (entry.key == key) {
        entry = {key, type, value};
        return;
      }
    }
    metadata.push_back({key, type, value});
  }
  void setCount(const std::string& key, std::uint32_t value) { set(key, 4, bytesOf(value)); }
  void setFloat(const std::string& key, float value) { set(key, 6, bytesOf(value)); }
  void setText(const std::string& key, const std::string& value) { set(key, 8, text(value)); }
  void remove(const std::string& key) {
    std::erase_if(metadata, [&](const Entry& entry) { return entry.key == key; });
  }

  TensorEntry& tensor(const std::string& name) {
    for (TensorEntry& entry : tensors) {
      if (entry.name == name) return entry;
    }
    return tensors.emplace_back();
  }
  void removeTensor(const std::string& name) {
    std::erase_if(tensors, [&](const TensorEntry& entry) { return entry.name == name; });
  }
  /// An F32 tensor of `value`s behind the ones there are; sizes[0] is the length of a row.
  void addTensor(const std::string& name, std::vector<std::uint64_t> sizes, float value = 0.01f) {
    std::uint64_t count = 1;
    for (std::uint64_t size : sizes) count *= size;
    std::string data;
    for (std::uint64_t i = 0; i < count; ++i) data += bytesOf(value);
    std::uint64_t offset = 0;
    if (!tensors.empty()) offset = tensors.back().offset + tensors.back().data.size();
    offset = (offset + alignment - 1) / alignment * alignment;
    tensors.push_back({name, std::move(sizes), 0, offset, std::move(data)});
  }

  std::string build() const {
    std::string bytes = magic + bytesOf(version);
    bytes +=
        bytesOf(static_cast<std::uint64_t>(static_cast<std::int64_t>(tensors.size()) + tensorCountError));
    bytes +=
        bytesOf(static_cast<std::uint64_t>(static_cast<std::int64_t>(metadata.size()) + metadataCountError));
    for (const Entry& entry : metadata) bytes += text(entry.key) + bytesOf(entry.type) + entry.value;
    for (const TensorEntry& entry : tensors) {
      bytes += text(entry.name) + bytesOf(static_cast<std::uint32_t>(entry.sizes.size()));
      for (std::uint64_t size : entry.sizes) bytes += bytesOf(size);
      bytes += bytesOf(entry.type) + bytesOf(entry.offset);
    }
    bytes.resize((bytes.size() + alignment - 1) / alignment * alignment);
    const std::size_t start = bytes.size();
    for (const TensorEntry& entry : tensors) {
      // Offsets that a test made absurd stay in the table only.
      if (entry.offset > (1u << 24)) continue;
      if (bytes.size() < start + entry.offset) bytes.resize(start + entry.offset);
      bytes.replace(start + entry.offset, entry.data.size(), entry.data);
    }
    return bytes;
  }

  /// A sound one-layer llama model: 4 query heads, 2 KV heads of 8, model 32, feed-forward 64, 4 tokens.
  static GgufBuilder smallLlama() {
    GgufBuilder file;
    file.setText("general.architecture", "llama");
    file.setCount("llama.block_count", 1);
    file.setCount("llama.context_length", 64);
    file.setCount("llama.embedding_length", 32);
    file.setCount("llama.feed_forward_length", 64);
    file.setCount("llama.attention.head_count", 4);
    file.setCount("llama.attention.head_count_kv", 2);
    file.setCount("llama.attention.key_length", 8);
    file.setCount("llama.attention.value_length", 8);
    file.setCount("llama.rope.dimension_count", 8);
    file.setFloat("llama.attention.layer_norm_rms_epsilon", 1e-5f);
    file.setText("tokenizer.ggml.model", "llama");
    file.set("tokenizer.ggml.tokens", 9, array(8, 4, text("<unk>") + text("a") + text("b") + text("ab")));
    file.set("tokenizer.ggml.scores", 9,
             array(6, 4, bytesOf(0.0f) + bytesOf(-1.0f) + bytesOf(-2.0f) + bytesOf(-3.0f)));
    file.set("tokenizer.ggml.token_type", 9, array(5, 4, bytesOf(2) + bytesOf(1) + bytesOf(1) + bytesOf(1)));
    file.setCount("tokenizer.ggml.unknown_token_id", 0);
    file.addTensor("token_embd.weight", {32, 4});
    file.addTensor("blk.0.attn_norm.weight", {32});
    file.addTensor("blk.0.attn_q.weight", {32, 32});
    file.addTensor("blk.0.attn_k.weight", {32, 16});
    file.addTensor("blk.0.attn_v.weight", {32, 16});
    file.addTensor("blk.0.attn_output.weight", {32, 32});
    file.addTensor("blk.0.ffn_norm.weight", {32});
    file.addTensor("blk.0.ffn_gate.weight", {32, 64});
    file.addTensor("blk.0.ffn_up.weight", {32, 64});
    file.addTensor("blk.0.ffn_down.weight", {64, 32});
    file.addTensor("output_norm.weight", {32});
    file.addTensor("output.weight", {32, 4});
    return file;
  }
};

}  // namespace headroom::tests
