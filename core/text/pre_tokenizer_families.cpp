#include "core/text/pre_tokenizer_families.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "core/model/error.h"
#include "core/text/utf8.h"

namespace headroom::text {

namespace {
using Expression = std::string_view;

constexpr Expression kGpt2 = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr Expression kQwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr Expression kDigit = R"(\p{N})";
constexpr Expression kThreeDigits = R"(\p{N}{1,3})";
constexpr Expression kLineBreak = R"([\r\n])";
constexpr Expression kChineseAndKorean = R"([\x{4E00}-\x{9FA5}\x{0800}-\x{4E00}\x{AC00}-\x{D7FF}]+)";
constexpr Expression kChineseAndJapanese = R"([\x{4E00}-\x{9FA5}\x{3040}-\x{309F}\x{30A0}-\x{30FF}]+)";
// A word ends at a mark or a space; the marks of Chinese, Hindi and Arabic text are among them.
constexpr Expression kBloom = R"( ?[^(\s|.,!?\x{2026}\x{3002}\x{FF0C}\x{3001}\x{0964}\x{06D4}\x{060C})]+)";

// Cased letters as Unicode had them when the vocabulary was made.
constexpr Expression kDeepSeekLetters =
    R"(\s?[A-Za-z\x{B5}\x{C0}-\x{D6}\x{D8}-\x{F6}\x{F8}-\x{1BA}\x{1BC}-\x{1BF}\x{1C4}-\x{293})"
    R"(\x{295}-\x{2AF}\x{370}-\x{373}\x{376}\x{377}\x{37B}-\x{37D}\x{37F}\x{386}\x{388}-\x{38A})"
    R"(\x{38C}\x{38E}-\x{3A1}\x{3A3}-\x{3F5}\x{3F7}-\x{481}\x{48A}-\x{52F}\x{531}-\x{556})"
    R"(\x{10A0}-\x{10C5}\x{13A0}-\x{13F5}\x{13F8}-\x{13FD}\x{1C90}-\x{1CBA}\x{1CBD}-\x{1CBF})"
    R"(\x{1D00}-\x{1D2B}\x{1D6B}-\x{1D77}\x{1D79}-\x{1D9A}\x{1E00}-\x{1F15}\x{1F18}-\x{1F1D})"
    R"(\x{1F20}-\x{1F45}\x{1F48}-\x{1F4D}\x{1F50}-\x{1F57}\x{1F59}\x{1F5B}\x{1F5D})"
    R"(\x{1F5F}-\x{1F7D}\x{1F80}-\x{1FB4}\x{1FB6}-\x{1FBC}\x{1FBE}\x{1FC2}-\x{1FC4})"
    R"(\x{1FC6}-\x{1FCC}\x{1FD0}-\x{1FD3}\x{1FD6}-\x{1FDB}\x{1FE0}-\x{1FEC}\x{1FF2}-\x{1FF4})"
    R"(\x{1FF6}-\x{1FFC}\x{2102}\x{2107}\x{210A}-\x{2113}\x{2115}\x{2119}-\x{211D}\x{2124})"
    R"(\x{2126}\x{2128}\x{212A}-\x{212D}\x{212F}-\x{2134}\x{2139}\x{213C}-\x{213F}\x{2145}-\x{2149})"
    R"(\x{214E}\x{2183}\x{2184}\x{2C00}-\x{2C7B}\x{2C7E}-\x{2CE4}\x{2CEB}-\x{2CEE}\x{2CF2})"
    R"(\x{2CF3}\x{A640}-\x{A66D}\x{A680}-\x{A69B}\x{A722}-\x{A76F}\x{A771}-\x{A787})"
    R"(\x{A78B}-\x{A78E}\x{AB70}-\x{ABBF}\x{FB00}-\x{FB06}\x{FB13}-\x{FB17}\x{FF21}-\x{FF3A})"
    R"(\x{FF41}-\x{FF5A}\x{10400}-\x{1044F}\x{104B0}-\x{104D3}\x{104D8}-\x{104FB})"
    R"(\x{10C80}-\x{10CB2}\x{10CC0}-\x{10CF2}\x{118A0}-\x{118DF}\x{1E900}-\x{1E943}]+)";

constexpr Expression kGpt2Rules[] = {kGpt2};
constexpr Expression kDefaultRules[] = {R"([\p{P}\$\+<=>\^~\|]+)", kGpt2, R"(\p{N}+)", "[0-9][0-9][0-9]"};
constexpr Expression kFalconRules[] = {R"([\p{P}\$\+<=>\^~\|`]+)", kGpt2, "[0-9][0-9][0-9]"};
constexpr Expression kStarcoderRules[] = {kDigit, kGpt2};
constexpr Expression kLlama3Rules[] = {
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"};
constexpr Expression kQwen2Rules[] = {kQwen2};
constexpr Expression kQwen35Rules[] = {
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"};
constexpr Expression kJais2Rules[] = {
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+)"
    R"(|\s{512}(?!\S)|\s{256}(?!\S)|\s{128}(?!\S)|\s{64}(?!\S)|\s{32}(?!\S)|\s{16}(?!\S)|\s{8}(?!\S)|\s{4}(?!\S)|\s{1,2}(?!\S)|\s{1})"};
constexpr Expression kDeepSeekLlmRules[] = {
    kLineBreak,
    kDeepSeekLetters,
    R"(\s?[!-/:-~\x{FF01}-\x{FF0F}\x{FF1A}-\x{FF5E}\x{2018}-\x{201F}\x{3000}-\x{3002}]+)",
    R"(\s+$)",
    kChineseAndKorean,
    R"(\p{N}+)"};
constexpr Expression kDeepSeekCoderRules[] = {kLineBreak, R"(\s?\p{L}+)", R"(\s?\p{P}+)", kChineseAndKorean,
                                              kDigit};
constexpr Expression kDeepSeek3Rules[] = {
    kThreeDigits, kChineseAndJapanese,
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"};
constexpr Expression kSparkRules[] = {
    kThreeDigits, kChineseAndJapanese,
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+|[\r\n]|\s+(?!\S)|\s+)",
    kDigit};
constexpr Expression kYoutuRules[] = {
    R"([\x{AC00}-\x{D7A3}\x{3131}-\x{318E}]+)"
    R"(|[\x{FF01}\x{2026}\x{201C}\x{201D}\x{2018}\x{2019}\x{2014}\x{FF1A}\x{FF1B}\x{FF0C}\x{3001}-\x{303F}\x{FE30}-\x{FE4F}]+)"
    R"(|[\x{3105}-\x{312F}]+|[\x{4E00}-\x{9FA5}\x{3040}-\x{309F}\x{30A0}-\x{30FF}]+)",
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
    R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
    R"(|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)"};
constexpr Expression kTekkenRules[] = {
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)"
    R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*)"
    R"(|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)"};
constexpr Expression kGpt4o =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
    R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
    R"(|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr Expression kGpt4oRules[] = {kGpt4o};
// Digits in threes counted from the right. Published, each three looks ahead to the last digit, which makes
// long numbers quadratic; here only the first does (\G: where the match before ended).
constexpr Expression kDigitGroupsInWord = R"((?<=\d)\G\d{3}|(?<!\d)\d{1,3}(?=(?:\d{3})*+\b))";
constexpr Expression kDigitGroupStarts = R"((?<=\d)\G\d{3}\K(?=\d)|(?=(?:\d{3})++(?!\d)))";
constexpr Expression kDigitGroups = R"((?<=\p{N})\G\p{N}{3}|\p{N}{1,3}(?=(?:\p{N}{3})*+(?!\p{N})))";
constexpr Expression kTinyAyaRules[] = {kDigitGroupsInWord, kGpt4o};
// Han characters stand apart from other letters; PCRE2 has no intersection of classes, hence the lookaheads.
constexpr Expression kKimiRules[] = {
    R"(\p{sc:Han}+)"
    R"(|[^\r\n\p{L}\p{N}]?(?:(?!\p{sc:Han})[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}])*(?:(?!\p{sc:Han})[\p{Ll}\p{Lm}\p{Lo}\p{M}])+(?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
    R"(|[^\r\n\p{L}\p{N}]?(?:(?!\p{sc:Han})[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}])+(?:(?!\p{sc:Han})[\p{Ll}\p{Lm}\p{Lo}\p{M}])*(?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
    R"(|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"};
constexpr Expression kChameleonRules[] = {"<sentinel:[0-9]+>",       "(?:IMGIMG)[A-I]{1,4}Z",
                                          R"([\t\n]|    |  )",       kDigit,
                                          R"([\p{P}!-/:-@\[-`{-~])", kGpt2};
constexpr Expression kBloomRules[] = {kBloom};
constexpr Expression kVikingRules[] = {kBloom, kDigit};
constexpr Expression kSuperBpeRules[] = {R"(\p{N}+)", kDigitGroupStarts};
constexpr Expression kBailingRules[] = {
    R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)"};
constexpr Expression kSeedCoderRules[] = {
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+)"};
constexpr Expression kUfakzekaRules[] = {
    R"([^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"};
constexpr Expression kAfmoeRules[] = {
    kDigitGroups,
    R"([\x{4E00}-\x{9FFF}\x{3400}-\x{4DBF}\x{F900}-\x{FAFF}\x{3040}-\x{309F}\x{30A0}-\x{30FF}\x{FF65}-\x{FF9F})"
    R"(\x{2F00}-\x{2FDF}\x{0E40}-\x{0E7F}\x{0E80}-\x{0EFF}\x{1780}-\x{17FF}\x{1000}-\x{109F}\x{AA60}-\x{AA7F})"
    R"(\x{A9E0}-\x{A9FF}\x{AC00}-\x{D7AF}\x{1100}-\x{11FF}]+)",
    kDeepSeek3Rules[2]};
constexpr Expression kLagunaRules[] = {R"([^\n]+|[\n]+)", kQwen2};
constexpr Expression kExaoneMoeRules[] = {
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*+(?: \p{L}\p{M}*+)*+)++|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+)"};
constexpr Expression kMiniCpm5Rules[] = {
    kThreeDigits,
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}+| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"};

// Of families with the same rules the first is the one that a found rule set is named after.
constexpr PreTokenizerFamily kFamilies[] = {
    {"gpt-2", kGpt2Rules},
    {"phi-2", kGpt2Rules},
    {"jina-es", kGpt2Rules},
    {"jina-de", kGpt2Rules},
    {"jina-v2-es", kGpt2Rules},
    {"jina-v2-de", kGpt2Rules},
    {"jina-v1-en", kGpt2Rules},
    {"jina-v2-code", kGpt2Rules},
    {"roberta-bpe", kGpt2Rules},
    {"gigachat", kGpt2Rules},
    {"a.x-4.0", kGpt2Rules},
    {"mellum", kGpt2Rules},
    {"modern-bert", kGpt2Rules},
    {"exaone4", kGpt2Rules},
    {"mpt", kGpt2Rules},
    {"olmo", kGpt2Rules},
    {"jais", kGpt2Rules},
    {"trillion", kGpt2Rules},
    {"granite-docling", kGpt2Rules},
    {"default", kDefaultRules},
    {.name = "llama-bpe", .expressions = kLlama3Rules, .wholeWordsFirst = true, .addsBeginToken = true},
    {.name = "llama3", .expressions = kLlama3Rules, .wholeWordsFirst = true, .addsBeginToken = true},
    {.name = "llama-v3", .expressions = kLlama3Rules, .wholeWordsFirst = true, .addsBeginToken = true},
    {.name = "falcon3", .expressions = kLlama3Rules, .wholeWordsFirst = true, .addsBeginToken = true},
    {.name = "falcon-h1", .expressions = kLlama3Rules, .wholeWordsFirst = true, .addsBeginToken = true},
    {.name = "pixtral", .expressions = kLlama3Rules, .wholeWordsFirst = true, .addsBeginToken = true},
    {.name = "midm-2.0", .expressions = kLlama3Rules, .wholeWordsFirst = true, .addsBeginToken = true},
    {.name = "lfm2", .expressions = kLlama3Rules, .wholeWordsFirst = true, .addsBeginToken = true},
    {.name = "jina-v5-nano", .expressions = kLlama3Rules, .wholeWordsFirst = true, .addsBeginToken = true},
    {"dbrx", kLlama3Rules},
    {"smaug-bpe", kLlama3Rules},
    {"glm4", kLlama3Rules},
    {"chatglm-bpe", kLlama3Rules},
    {"jais-2", kJais2Rules},
    {"qwen2", kQwen2Rules},
    {"deepseek-r1-qwen", kQwen2Rules},
    {"kormo", kQwen2Rules},
    {"f2llmv2", kQwen2Rules},
    {"megrez", kQwen2Rules},
    {"stablelm2", kQwen2Rules},
    {"hunyuan", kQwen2Rules},
    {"solar-open", kQwen2Rules},
    {"grok-2", kQwen2Rules},
    {"qwen35", kQwen35Rules},
    {"deepseek-llm", kDeepSeekLlmRules},
    {"deepseek-coder", kDeepSeekCoderRules},
    {"deepseek-v3", kDeepSeek3Rules},
    {"hunyuan-dense", kDeepSeek3Rules},
    {"joyai-llm", kDeepSeek3Rules},
    {"hy_v4", kDeepSeek3Rules},
    {"spark2_5", kSparkRules},
    {.name = "youtu", .expressions = kYoutuRules, .wholeWordsFirst = true},
    {"falcon", kFalconRules},
    {"starcoder", kStarcoderRules},
    {"refact", kStarcoderRules},
    {"command-r", kStarcoderRules},
    {"smollm", kStarcoderRules},
    {"codeshell", kStarcoderRules},
    {"exaone", kStarcoderRules},
    {"minerva-7b", kStarcoderRules},
    {"mellum2", kStarcoderRules},
    {"poro-chat", kBloomRules},
    {"bloom", kBloomRules},
    {"gpt3-finnish", kBloomRules},
    {"viking", kVikingRules},
    {.name = "tekken", .expressions = kTekkenRules, .wholeWordsFirst = true, .addsBeginToken = true},
    {.name = "chameleon", .expressions = kChameleonRules, .addsBeginToken = true},
    {"gpt-4o", kGpt4oRules},
    {"llama4", kGpt4oRules},
    {"kanana2", kGpt4oRules},
    {"talkie", kGpt4oRules},
    {"minimax-m2", kGpt4oRules},
    {.name = "granite-embed-multi-97m", .expressions = kGpt4oRules, .wholeWordsFirst = true},
    {"tiny_aya", kTinyAyaRules},
    {"cohere2moe", kTinyAyaRules},
    {"kimi-k2", kKimiRules},
    {"superbpe", kSuperBpeRules},
    {"bailingmoe", kBailingRules},
    {"bailingmoe2", kBailingRules},
    {"llada-moe", kBailingRules},
    {"seed-coder", kSeedCoderRules},
    {"ufakzeka", kUfakzekaRules},
    {"afmoe", kAfmoeRules},
    {"laguna", kLagunaRules},
    {"exaone-moe", kExaoneMoeRules},
    {.name = "minicpm5", .expressions = kMiniCpm5Rules, .wholeWordsFirst = true},
};

/// Insertions, deletions and replacements of bytes that turn `a` into `b` (Levenshtein 1966).
std::size_t editDistance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

std::vector<std::string_view> nearestNames(std::string_view name, std::size_t count) {
  constexpr std::size_t kLongest = 60;  // a hostile name may have megabytes
  std::vector<std::pair<std::size_t, std::string_view>> byDistance;
  for (const PreTokenizerFamily& family : kFamilies) {
    byDistance.emplace_back(editDistance(name.substr(0, kLongest), family.name), family.name);
  }
  std::stable_sort(byDistance.begin(), byDistance.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < count; ++i) names.push_back(byDistance[i].second);
  return names;
}
}  // namespace

std::span<const PreTokenizerFamily> preTokenizerFamilies() {
  return kFamilies;
}

const PreTokenizerFamily& preTokenizerFamily(std::string_view name) {
  for (const PreTokenizerFamily& family : kFamilies) {
    if (family.name == name) return family;
  }
  throw model::Error(
      fmt::format("Unsupported pre-tokenizer {}: expected one of {} families, the nearest are {}",
                  quotedName(name), std::size(kFamilies), fmt::join(nearestNames(name, 3), ", ")));
}

std::string_view linearForm(std::string_view expression) {
  if (expression == R"(\d{1,3}(?=(?:\d{3})*\b))") return kDigitGroupsInWord;
  if (expression == R"((?=(\d{3})+(?!\d)))") return kDigitGroupStarts;
  return expression;
}

const PreTokenizerFamily* findPreTokenizerFamily(const std::vector<std::string>& expressions,
                                                 bool wholeWordsFirst) {
  for (const PreTokenizerFamily& family : kFamilies) {
    if (family.wholeWordsFirst == wholeWordsFirst &&
        std::equal(expressions.begin(), expressions.end(), family.expressions.begin(),
                   family.expressions.end())) {
      return &family;
    }
  }
  return nullptr;
}

}  // namespace headroom::text
