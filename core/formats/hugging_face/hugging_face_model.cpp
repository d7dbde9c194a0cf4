#include "core/formats/hugging_face/hugging_face_model.h"

#include <fmt/format.h>

#include <filesystem>
#include <map>

#include "core/formats/files/file_mapping.h"
#include "core/formats/hugging_face/hugging_face_tensors.h"
#include "core/formats/hugging_face/hugging_face_tokenizer.h"
#include "core/formats/json/json_object.h"
#include "core/formats/json/json_reader.h"
#include "core/formats/model_builder.h"
#include "core/model/error.h"
#include "core/text/utf8.h"

namespace headroom::formats {

namespace {
namespace fs = std::filesystem;
using model::Error;
using text::quotedName;

constexpr std::size_t kMostIndexBytes = 16 << 20;  // the largest in use have some 100,000 tensors

/// Keeps the files alive for the tensors that point into them, and those that were made anew.
struct FolderWeights final : model::WeightMemory {
  void willRead(std::span<const std::byte> bytes) const override {
    for (const SafetensorsFile& file : files) file.mapping().willRead(bytes);
  }
  void letGo(std::span<const std::byte> bytes) const override {
    for (const SafetensorsFile& file : files) file.mapping().letGo(bytes);
  }
  std::vector<SafetensorsFile> files;
  OwnedTensors owned;
};

bool isThere(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

/// Calls `read` with a file's text; errors begin with the file's path.
template <typename Read>
auto withTextOf(const fs::path& path, Read read) {
  const FileMapping file(path.string());
  try {
    return read(std::string_view(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()));
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}", path.string(), error.what()));
  }
}

/// Which file of the folder has which tensor.
std::map<std::string, std::string> readIndex(std::string_view text) {
  const nlohmann::json parsed = parseJsonObject(text, kMostIndexBytes);
  const auto weightMap = JsonObject(parsed).object("weight_map");
  if (!weightMap) throw Error("weight_map is missing");
  std::map<std::string, std::string> fileOf;
  for (auto& [tensor, file] : weightMap->textMembers()) {
    // A name may not lead out of the folder.
    if (file.empty() || file.find_first_of("/\\") != std::string::npos || !file.ends_with(".safetensors")) {
      throw Error(fmt::format("weight_map keeps {} in {}, expected the name of a .safetensors file",
                              quotedName(tensor), quotedName(file)));
    }
    fileOf.emplace(tensor, file);
  }
  return fileOf;
}

std::vector<SafetensorsFile> openSeveral(const fs::path& folder, const fs::path& index) {
  const auto fileOf = withTextOf(index, readIndex);
  std::vector<SafetensorsFile> files;
  std::map<std::string, std::size_t> opened;
  for (const auto& [tensor, name] : fileOf) {
    const auto [entry, isNew] = opened.emplace(name, files.size());
    if (isNew && !isThere(folder / name)) {
      throw Error(fmt::format("{}: the file {} is missing beside it", index.string(), name));
    }
    if (isNew) files.emplace_back((folder / name).string());
    if (!files[entry->second].findTensor(tensor)) {
      throw Error(fmt::format("{}: tensor {} is not in {}, as weight_map says", index.string(),
                              quotedName(tensor), name));
    }
  }
  return files;
}

std::vector<SafetensorsFile> openWeights(const fs::path& folder) {
  const fs::path single = folder / "model.safetensors";
  const fs::path index = folder / "model.safetensors.index.json";
  if (isThere(index)) return openSeveral(folder, index);
  if (isThere(single)) {
    std::vector<SafetensorsFile> files;
    files.emplace_back(single.string());
    return files;
  }
  const bool isPickled =
      isThere(folder / "pytorch_model.bin") || isThere(folder / "pytorch_model.bin.index.json");
  throw Error(fmt::format("{} has no model.safetensors{}", folder.string(),
                          isPickled ? "; of its pytorch_model.bin, which may run any code when it is opened, "
                                      "nothing is read"
                                    : " and no model.safetensors.index.json"));
}

/// Names where config.json speaks of biases that are not there, or does not of some that are.
void compareBiases(const HuggingFaceConfig& config, const TensorDirectory& tensors, const FolderNames& names,
                   model::Model& model) {
  for (const BiasClaim& claim : config.biases) {
    if (tensors.contains(claim.tensor) == claim.hasBias) continue;
    model.contradictions.push_back(fmt::format("{}, but the tensor \"{}\" {}", claim.source,
                                               names.nameOf(claim.tensor),
                                               claim.hasBias ? "is not there" : "is there, and is used"));
  }
}

void readVocabulary(const fs::path& folder, model::Model& model) {
  try {
    model.tokenizer = loadHuggingFaceTokenizer(folder.string(), model.config.vocabSize);
    model.chatTemplate = readHuggingFaceChatTemplate(folder.string());
    if (!model.tokenizer) {
      model.notes.emplace_back("The folder has no tokenizer.json: token ids work, text does not.");
    }
  } catch (const Error& error) {
    model.notes.push_back(unusableTokenizerNote(error));
  }
}

void readGenerationConfig(const fs::path& folder, model::Model& model) {
  const fs::path path = folder / "generation_config.json";
  if (!isThere(path)) return;
  try {
    const std::string suggestion = withTextOf(path, describeGenerationConfig);
    if (!suggestion.empty()) model.notes.push_back(suggestion);
  } catch (const Error& error) {
    model.notes.push_back(fmt::format("The suggestions for sampling cannot be used: {}.", error.what()));
  }
}
}  // namespace

model::Model loadHuggingFace(const std::string& folder, const LoadProgress& progress) {
  const fs::path path(folder);
  const fs::path configPath = path / "config.json";
  if (!isThere(configPath)) {
    throw Error(fmt::format("{} has no config.json, expected a Hugging Face folder or a GGUF file", folder));
  }
  HuggingFaceConfig config = withTextOf(configPath, readHuggingFaceConfig);
  const fs::path named = path.has_filename() ? path.filename() : path.parent_path().filename();
  config.claims.config.name = text::replaceInvalidUtf8(named.string());

  auto owner = std::make_unique<FolderWeights>();
  FolderWeights& memory = *owner;
  memory.files = openWeights(path);
  model::Model model;
  model.path = folder;
  model.memory = std::move(owner);
  try {
    FolderNames names(config.modelType);
    const TensorDirectory tensors = listHuggingFaceTensors(config, memory.files, names, memory.owned);
    config.claims.nameInFile = [&names](std::string_view ggufName) { return names.nameOf(ggufName); };
    buildModel(config.claims, tensors, model, progress);
    compareBiases(config, tensors, names, model);
  } catch (const model::Cancelled&) {
    throw;
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}", folder, error.what()));
  }
  if (!config.tied && model.weights.tied()) {
    model.notes.emplace_back("The folder has no output matrix, so the embedding is used.");
  }
  readVocabulary(path, model);
  readGenerationConfig(path, model);
  return model;
}

}  // namespace headroom::formats
