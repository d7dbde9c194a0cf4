#pragma once

#include <memory>
#include <string>

#include "core/formats/gguf_file.h"
#include "core/model/tokenizer.h"

namespace headroom::formats {

/// The tokenizer that a file's tokenizer.ggml.* keys describe: "gpt2" (byte-level BPE) or "llama"
/// (SentencePiece BPE). Null when the file has none. Throws model::Error for other kinds and broken lists.
std::unique_ptr<model::Tokenizer> readTokenizer(const GgufFile& file);

/// The tokenizer of a GGUF file of any architecture, also one without weights. Throws model::Error when there
/// is none.
std::unique_ptr<model::Tokenizer> loadTokenizer(const std::string& path);

}  // namespace headroom::formats
