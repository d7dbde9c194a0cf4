#include "core/formats/hugging_face/hugging_face_tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "core/formats/files/file_mapping.h"
#include "core/formats/hugging_face/hugging_face_rules.h"
#include "core/formats/hugging_face/hugging_face_vocabulary.h"
#include "core/formats/json/json_object.h"
#include "core/formats/json/json_reader.h"
#include "core/model/error.h"
#include "core/text/byte_level_bpe.h"
#include "core/text/pre_tokenizer_families.h"
#include "core/text/sentencepiece_bpe.h"
#include "core/text/unicode_composition.h"
#include "core/text/unigram.h"
#include "core/text/utf8.h"
#include "core/text/vocabulary.h"

namespace headroom::formats {

namespace {
namespace fs = std::filesystem;
using model::Error;
using nlohmann::json;

/// tokenizer.json of the largest vocabularies has some 30 MB.
constexpr std::size_t kMostTokenizerBytes = 256u << 20;

bool isFile(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

/// A file of the folder, null when it is not there.
json readOptional(const fs::path& path) {
  return isFile(path) ? readJsonFile(path.string(), kMostTokenizerBytes) : json();
}

/// The files beside tokenizer.json that name special tokens.
struct SideFiles {
  explicit SideFiles(const fs::path& folder)
      : tokenizerConfig(readOptional(folder / "tokenizer_config.json")),
        specialTokens(readOptional(folder / "special_tokens_map.json")),
        generation(readOptional(folder / "generation_config.json")),
        config(readOptional(folder / "config.json")) {}

  json tokenizerConfig;
  json specialTokens;
  json generation;
  json config;
};

/// "</s>" or {"content": "</s>", ...} under `key`; empty when there is neither.
std::string tokenText(const json& file, std::string_view key) {
  const json* value = findMember(file, key);
  if (!value) return {};
  return value->is_object() ? textMember(*value, "content", "") : textMember(file, key, "");
}

/// The id that a template puts before a text, or -1.
int templateBegin(const json* processor, const HuggingFaceVocabulary& vocabulary) {
  if (!processor) return -1;
  const std::string type = textMember(*processor, "type", "");
  if (const json* steps = findMember(*processor, "processors"); type == "Sequence" && steps) {
    for (const json& step : *steps) {
      const int begin = templateBegin(&step, vocabulary);
      if (begin >= 0) return begin;
    }
  }
  const json* single = findMember(*processor, "single");
  if (type != "TemplateProcessing" || !single || !single->is_array() || single->empty()) return -1;
  const json* token = findMember(single->front(), "SpecialToken");
  return token ? vocabulary.idOf(textMember(*token, "id", "")) : -1;
}

int findBegin(const json& tokenizer, const SideFiles& files, const HuggingFaceVocabulary& vocabulary) {
  const int begin = templateBegin(findMember(tokenizer, "post_processor"), vocabulary);
  if (begin >= 0 || !flagMember(files.tokenizerConfig, "add_bos_token", false)) return begin;
  std::string text = tokenText(files.tokenizerConfig, "bos_token");
  if (text.empty()) text = tokenText(files.specialTokens, "bos_token");
  return text.empty() ? -1 : vocabulary.idOf(text);
}

/// The end token first; ids that end a turn after it.
std::vector<int> findEnds(const SideFiles& files, const HuggingFaceVocabulary& vocabulary) {
  std::vector<int> ends;
  for (const json* file : {&files.generation, &files.config}) {
    const json* ids = findMember(*file, "eos_token_id");
    if (!ids || !ends.empty()) continue;
    const auto add = [&](const json& value) {
      const int id = idOf(value, "\"eos_token_id\"");
      if (id >= std::ssize(vocabulary.tokens)) {
        throw Error(fmt::format("\"eos_token_id\" is {}, expected less than the {} tokens", id,
                                vocabulary.tokens.size()));
      }
      ends.push_back(id);
    };
    if (ids->is_array()) {
      for (const json& id : *ids) add(id);
    } else {
      add(*ids);
    }
  }
  // What the tokenizer calls its end comes first where the model's files say nothing.
  for (const json* file : {&files.tokenizerConfig, &files.specialTokens}) {
    const std::string text = tokenText(*file, "eos_token");
    const int id = text.empty() || !ends.empty() ? -1 : vocabulary.idOf(text);
    if (id >= 0) ends.push_back(id);
  }
  if (ends.empty()) ends.push_back(-1);
  const std::vector<int> known = text::endOfTurnTokens(vocabulary.tokens, vocabulary.types);
  ends.insert(ends.end(), known.begin(), known.end());
  return ends;
}

/// "left right" for each merge, which files write so or as ["left", "right"].
std::vector<std::string> readMerges(const json& model) {
  const json* list = findMember(model, "merges");
  if (!list || !list->is_array()) throw Error("\"model\" has no list \"merges\"");
  std::vector<std::string> merges;
  merges.reserve(list->size());
  for (const json& entry : *list) {
    if (entry.is_string()) {
      merges.push_back(entry.get<std::string>());
    } else if (entry.is_array() && entry.size() == 2 && entry[0].is_string() && entry[1].is_string()) {
      const auto& left = entry[0].get_ref<const std::string&>();
      const auto& right = entry[1].get_ref<const std::string&>();
      if (left.find(' ') != std::string::npos || right.find(' ') != std::string::npos) {
        throw Error(fmt::format("merge {} is {}, expected tokens without a space", merges.size(),
                                text::quotedName(entry.dump())));
      }
      merges.push_back(left + ' ' + right);
    } else {
      throw Error(
          fmt::format("merge {} is {}, expected two tokens", merges.size(), text::quotedName(entry.dump())));
    }
  }
  return merges;
}

/// Scores that order merges as their ranks do, for formats that know scores only.
std::vector<float> scoresOfMerges(const std::vector<std::string>& merges,
                                  const std::vector<std::string>& tokens) {
  std::unordered_map<std::string_view, std::size_t> idOf;
  for (std::size_t i = 0; i < tokens.size(); ++i) idOf.emplace(tokens[i], i);
  std::vector<float> scores(tokens.size(), -static_cast<float>(merges.size()));
  for (std::size_t rank = merges.size(); rank-- > 0;) {  // of several merges to a token the first counts
    std::string token = merges[rank];
    std::erase(token, ' ');
    const auto found = idOf.find(token);
    if (found != idOf.end()) scores[found->second] = -static_cast<float>(rank);
  }
  return scores;
}

/// Options of a BPE model that would change its result.
void refuseUnusualBpe(const json& model) {
  const json* dropout = findMember(model, "dropout");
  if (dropout && !(dropout->is_number() && dropout->get<double>() == 0.0)) {
    throw Error("the model's dropout is not supported, expected none");
  }
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    const std::string value = textMember(model, key, "");
    if (value.empty()) continue;
    throw Error(
        fmt::format("the model's {} {} is not supported, expected none", key, text::quotedName(value)));
  }
}

/// Whether the normalizer changes an added token, which then stands for other text than it reads.
bool isChanged(const std::string& token, const HuggingFaceRules& rules) {
  if (rules.spelling == Spelling::Bytes) {
    return rules.composesCharacters && text::composeCharacters(token) != token;
  }
  return rules.prepends || token.find(' ') != std::string::npos ||
         token.find(text::kEscapedSpace) != std::string::npos ||
         text::Charsmap(rules.charsmap).normalize(token) != token;
}

/// Added tokens are found in the text as it was written, those that are to be found in normalised text too.
void refuseChangedTokens(const HuggingFaceVocabulary& vocabulary, const HuggingFaceRules& rules) {
  for (int id : vocabulary.normalized) {
    const std::string& token = vocabulary.tokens[static_cast<std::size_t>(id)];
    if (!isChanged(token, rules)) continue;
    throw Error(fmt::format("added token {} is to be found in normalised text, which is not supported",
                            text::quotedName(token)));
  }
}

/// What all kinds of tokenizers take from the files.
template <typename Data>
void fillCommon(Data& data, HuggingFaceVocabulary vocabulary, int begin, std::vector<int> ends) {
  data.tokens = std::move(vocabulary.tokens);
  data.tokenTypes = std::move(vocabulary.types);
  data.stripping = std::move(vocabulary.stripping);
  data.beginToken = begin;
  data.endToken = ends.front();
  data.turnEndTokens.assign(ends.begin() + 1, ends.end());
}

std::unique_ptr<model::Tokenizer> build(const json& tokenizer, const SideFiles& files, int vocabSize) {
  HuggingFaceVocabulary vocabulary = readHuggingFaceVocabulary(tokenizer, vocabSize);
  HuggingFaceRules rules = readHuggingFaceRules(tokenizer);
  refuseChangedTokens(vocabulary, rules);
  const json& model = tokenizer.at("model");
  // Files from before the type was written have BPE, whose merges no other model has.
  const std::string type = textMember(model, "type", findMember(model, "merges") ? "BPE" : "");
  const int begin = findBegin(tokenizer, files, vocabulary);
  const std::vector<int> ends = findEnds(files, vocabulary);
  if (type == "Unigram") {
    if (rules.spelling != Spelling::Characters)
      throw Error("a Unigram model with ByteLevel is not supported");
    text::UnigramData data;
    data.unknownToken = vocabulary.unknownToken;
    data.scores = std::move(vocabulary.scores);
    if (data.scores.empty()) throw Error("the Unigram model's \"vocab\" is no list of tokens and scores");
    fillCommon(data, std::move(vocabulary), begin, ends);
    data.spacePrefix = rules.spacePrefix;
    data.removesExtraSpaces = rules.removesExtraSpaces;
    data.splitsAtSpaces = rules.splitsAtSpaces;
    data.charsmap = std::move(rules.charsmap);
    return std::make_unique<text::Unigram>(std::move(data));
  }
  if (type != "BPE") {
    throw Error(
        fmt::format("a model of type {} is not supported, expected BPE or Unigram", text::quotedName(type)));
  }
  refuseUnusualBpe(model);
  if (rules.spelling == Spelling::Bytes) {
    text::ByteLevelBpeData data;
    data.merges = readMerges(model);
    data.wholeWordsFirst = flagMember(model, "ignore_merges", false);
    data.startsWithSpace = rules.startsWithSpace;
    const auto* family = text::findPreTokenizerFamily(rules.expressions, *data.wholeWordsFirst);
    // A file written from this tokenizer names the family; rules that none has cannot be written.
    data.preTokenizer = family ? family->name : "its own file";
    if (!family) data.expressions = std::move(rules.expressions);
    data.composesCharacters = rules.composesCharacters;
    fillCommon(data, std::move(vocabulary), begin, ends);
    return std::make_unique<text::ByteLevelBpe>(std::move(data));
  }
  if (!rules.charsmap.empty() || rules.removesExtraSpaces || rules.composesCharacters) {
    throw Error(
        "the normalizer of a BPE model over characters is not supported: it changes more than spaces");
  }
  text::SentencePieceBpeData data;
  data.merges = readMerges(model);
  data.unknownToken = vocabulary.unknownToken;
  fillCommon(data, std::move(vocabulary), begin, ends);
  data.scores = scoresOfMerges(data.merges, data.tokens);
  data.wholeWordsFirst = flagMember(model, "ignore_merges", false);
  data.splitsAtSpaces = rules.splitsAtSpaces;
  data.addSpacePrefix = rules.spacePrefix != text::SpacePrefix::None;
  data.spacePrefix = rules.spacePrefix;
  return std::make_unique<text::SentencePieceBpe>(std::move(data));
}
}  // namespace

std::unique_ptr<model::Tokenizer> loadHuggingFaceTokenizer(const std::string& folder, int vocabSize) {
  const fs::path file = fs::path(folder) / "tokenizer.json";
  if (!isFile(file)) return nullptr;
  const json tokenizer = readJsonFile(file.string(), kMostTokenizerBytes);
  const SideFiles sideFiles{fs::path(folder)};
  try {
    return build(tokenizer, sideFiles, vocabSize);
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}", file.string(), error.what()));
  } catch (const json::exception& error) {
    throw Error(fmt::format("{}: {}", file.string(), text::quotedName(error.what())));
  }
}

std::string readHuggingFaceChatTemplate(const std::string& folder) {
  const fs::path jinja = fs::path(folder) / "chat_template.jinja";
  if (isFile(jinja)) {
    const FileMapping mapping(jinja.string());
    return {reinterpret_cast<const char*>(mapping.bytes().data()), mapping.bytes().size()};
  }
  const json config = readOptional(fs::path(folder) / "tokenizer_config.json");
  const json* value = findMember(config, "chat_template");
  if (!value) return {};
  if (value->is_string()) return value->get<std::string>();
  if (!value->is_array()) return {};
  for (const json& entry : *value) {  // several, each with a name
    if (textMember(entry, "name", "") == "default") return textMember(entry, "template", "");
  }
  return {};
}

}  // namespace headroom::formats
