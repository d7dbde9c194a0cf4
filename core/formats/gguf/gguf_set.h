#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/formats/gguf/gguf_file.h"

namespace headroom::formats {

/// A model in one GGUF file or in several, NAME-00001-of-00003.gguf and so on, as llama.cpp's gguf-split
/// writes them: the first has the metadata, the tensors are spread over all.
class GgufSet {
 public:
  /// Opens the file and, when its key split.count is more than 1, the other parts beside it; `path` may be
  /// any of them. Throws model::Error, one sentence that begins with a part's path, when a part is missing,
  /// is not sound, or does not belong to the others.
  explicit GgufSet(const std::string& path);

  /// The first part, whose metadata is the model's.
  const GgufFile& first() const { return m_parts.front(); }
  std::size_t partCount() const { return m_parts.size(); }
  const std::vector<GgufFile>& parts() const { return m_parts; }
  /// Those of all parts, part by part.
  const std::vector<const GgufTensor*>& tensors() const { return m_tensors; }
  /// The tensor of that name, or null.
  const GgufTensor* findTensor(std::string_view name) const;

 private:
  struct Split;
  struct Place {
    std::size_t part = 0;
    const GgufTensor* tensor = nullptr;
  };
  static Split splitOf(const GgufFile& file, const std::string& path);
  void openSiblings(const std::string& path, const Split& opened);
  void indexTensors();

  std::vector<GgufFile> m_parts;
  std::vector<std::string> m_paths;  ///< one per part
  std::vector<const GgufTensor*> m_tensors;
  std::map<std::string_view, Place> m_places;  ///< by tensor name
};

}  // namespace headroom::formats
