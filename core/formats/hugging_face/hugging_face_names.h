#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace headroom::formats {

/// The GGUF name of a tensor of a Hugging Face checkpoint ("model.layers.0.self_attn.q_proj.weight" is
/// "blk.0.attn_q.weight"); an empty one for tensors that are no weights, such as causal masks; nothing for
/// names that no family has.
std::optional<std::string> ggufNameOf(std::string_view name, std::string_view modelType);

/// What tensors are called in a folder, for messages: a user who reads one looks there, not in a GGUF file.
class FolderNames {
 public:
  explicit FolderNames(std::string modelType) : m_modelType(std::move(modelType)) {}

  /// The folder keeps the tensor of GGUF name `ggufName` under `stored`.
  void add(const std::string& ggufName, const std::string& stored) { m_stored.emplace(ggufName, stored); }
  /// Its name in the folder. Of one that is not there: as it is called in other layers, or else in folders of
  /// this family. A GGUF name that no family has comes back as it is.
  std::string nameOf(std::string_view ggufName) const;

 private:
  std::string layerPrefix() const;
  std::string_view shortName(std::string_view ggufShort) const;

  std::string m_modelType;
  std::map<std::string, std::string, std::less<>> m_stored;  // by GGUF name
};

}  // namespace headroom::formats
