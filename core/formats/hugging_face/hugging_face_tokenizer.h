#pragma once

#include <memory>
#include <string>

#include "core/model/tokenizer.h"

namespace headroom::formats {

/// The tokenizer of a Hugging Face folder: tokenizer.json, with the begin and end tokens of
/// tokenizer_config.json, special_tokens_map.json, generation_config.json and config.json where they are
/// there. BPE over bytes, BPE over characters with "▁" for a space, and Unigram. Null when the folder has no
/// tokenizer.json.
///
/// `vocabSize`: rows of the embedding; ids up to it that the files do not name are unused tokens without
/// text. 0: as many as the files name. Throws model::Error, one sentence that names file and part, for ids
/// beyond it, for what is broken, and for what this project would not do exactly as published.
std::unique_ptr<model::Tokenizer> loadHuggingFaceTokenizer(const std::string& folder, int vocabSize);

/// The chat template of such a folder, Jinja text: chat_template.jinja, or the default one of
/// tokenizer_config.json; empty when there is none. Throws model::Error for files that are no JSON.
std::string readHuggingFaceChatTemplate(const std::string& folder);

}  // namespace headroom::formats
