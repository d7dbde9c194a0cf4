#include "core/formats/gguf/gguf_set.h"

#include <fmt/format.h>

#include <filesystem>
#include <optional>

#include "core/model/error.h"
#include "core/text/utf8.h"

namespace headroom::formats {

namespace {
using model::Error;
using text::quotedName;

constexpr std::int64_t kMostParts = 65535;  // split.count is a uint16

}  // namespace

/// What a part says of itself.
struct GgufSet::Split {
  std::int64_t number = 0;  ///< from 0
  std::int64_t count = 1;
  std::optional<std::int64_t> tensorCount;  ///< of all parts

  std::string suffix() const { return fmt::format("-{:05}-of-{:05}.gguf", number + 1, count); }
};

GgufSet::Split GgufSet::splitOf(const GgufFile& file, const std::string& path) {
  try {
    const Split split{.number = file.integer("split.no").value_or(0),
                      .count = file.integer("split.count").value_or(1),
                      .tensorCount = file.integer("split.tensors.count")};
    if (split.count < 0 || split.count > kMostParts) {
      throw Error(fmt::format("split.count is {}, expected 0 to {}", split.count, kMostParts));
    }
    if (split.count > 1 && (split.number < 0 || split.number >= split.count)) {
      throw Error(fmt::format("split.no is {}, expected 0 to {}", split.number, split.count - 1));
    }
    return split;
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}", path, error.what()));
  }
}

GgufSet::GgufSet(const std::string& path) {
  m_parts.emplace_back(path);
  m_paths.push_back(path);
  const Split opened = splitOf(m_parts.front(), path);
  if (opened.count > 1) openSiblings(path, opened);
  indexTensors();
}

void GgufSet::openSiblings(const std::string& path, const Split& opened) {
  if (!path.ends_with(opened.suffix())) {
    throw Error(fmt::format("{}: its metadata says part {} of {}, expected a name that ends in {}", path,
                            opened.number + 1, opened.count, opened.suffix()));
  }
  const std::string stem = path.substr(0, path.size() - opened.suffix().size());
  GgufFile given = std::move(m_parts.front());
  m_parts.clear();
  m_paths.clear();
  for (std::int64_t number = 0; number < opened.count; ++number) {
    m_paths.push_back(stem + Split{.number = number, .count = opened.count}.suffix());
    if (number == opened.number) {
      m_parts.push_back(std::move(given));
      continue;
    }
    const std::string& part = m_paths.back();
    std::error_code ignored;
    if (!std::filesystem::exists(part, ignored)) {
      throw Error(fmt::format("{}: part {} of {} is missing, expected {} beside it", path, number + 1,
                              opened.count, std::filesystem::path(part).filename().string()));
    }
    m_parts.emplace_back(part);
    const Split split = splitOf(m_parts.back(), part);
    if (split.number != number || split.count != opened.count) {
      throw Error(fmt::format("{}: its metadata says part {} of {}, expected part {} of {} as its name says",
                              part, split.number + 1, split.count, number + 1, opened.count));
    }
  }
}

void GgufSet::indexTensors() {
  for (std::size_t part = 0; part < m_parts.size(); ++part) {
    for (const GgufTensor& tensor : m_parts[part].tensors()) {
      const auto [entry, isNew] = m_places.emplace(tensor.name, Place{part, &tensor});
      if (!isNew) {
        throw Error(fmt::format("{}: tensor {} is in {} too, expected it once", m_paths[part],
                                quotedName(tensor.name), m_paths[entry->second.part]));
      }
      m_tensors.push_back(&tensor);
    }
  }
  if (m_parts.size() == 1) return;
  for (std::size_t part = 0; part < m_parts.size(); ++part) {
    const auto claimed = splitOf(m_parts[part], m_paths[part]).tensorCount;
    if (claimed && *claimed != static_cast<std::int64_t>(m_tensors.size())) {
      throw Error(fmt::format("{}: split.tensors.count is {}, but the {} parts have {} tensors",
                              m_paths[part], *claimed, m_parts.size(), m_tensors.size()));
    }
  }
}

const GgufTensor* GgufSet::findTensor(std::string_view name) const {
  const auto place = m_places.find(name);
  return place == m_places.end() ? nullptr : place->second.tensor;
}

}  // namespace headroom::formats
