#pragma once

#include <memory>
#include <string>

#include "core/formats/gguf/gguf_file.h"
#include "core/model/tokenizer.h"

namespace headroom::formats {

/// The tokenizer that a file's tokenizer.ggml.* keys describe: "gpt2" (byte-level BPE; without a
/// pre-tokenizer GPT-2's), "llama" (SentencePiece BPE), "t5" (SentencePiece unigram) or "gemma4"
/// (SentencePiece BPE with ranked merges). Null when the file has none. Throws model::Error for other kinds
/// and broken lists.
std::unique_ptr<model::Tokenizer> readTokenizer(const GgufFile& file);

/// The file's chat template, Jinja text; empty when it has none.
std::string readChatTemplate(const GgufFile& file);

/// The tokenizer of a GGUF file of any architecture, also one without weights. Throws model::Error when there
/// is none.
std::unique_ptr<model::Tokenizer> loadGgufTokenizer(const std::string& path);

}  // namespace headroom::formats
