#include "core/training/checkpoint.h"

#include <fstream>

#include <fmt/format.h>

#include "core/model/error.h"
#include "core/training/trainer.h"

namespace headroom::training {

namespace {
constexpr int kMostLinks = 40;  // as Linux follows

constexpr std::uint64_t kMagic = 0x31304B4348524448;  // "HDRHCK01"

struct Header {
  std::uint64_t magic = kMagic;
  std::uint64_t fingerprint = 0;
  std::int64_t step = 0;
  double lossSincePoint = 0.0;
  std::int64_t stepsSincePoint = 0;
  std::uint64_t parameterCount = 0;
  std::uint64_t pointCount = 0;
};

std::uint64_t fileBytes(const Header& header) {
  return sizeof(Header) + 3 * header.parameterCount * sizeof(float) +
         header.pointCount * sizeof(TrainingPoint) + sizeof(kMagic);
}

template <typename Values>
void writeAll(std::ostream& out, const Values& values) {
  out.write(reinterpret_cast<const char*>(values.data()),
            static_cast<std::streamsize>(values.size() * sizeof(values[0])));
}

template <typename Values>
void readAll(std::istream& in, Values& values, std::size_t count) {
  values.resize(count);
  in.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(count * sizeof(values[0])));
}

}  // namespace

void writeCheckpoint(const std::filesystem::path& name, const Checkpoint& checkpoint) {
  // A symbolic link stays, what it leads to is replaced; what is no file is not.
  std::filesystem::path path = name;
  for (int links = 0; links < kMostLinks && std::filesystem::is_symlink(path); ++links) {
    path = path.parent_path() / std::filesystem::read_symlink(path);
  }
  if (std::filesystem::exists(path) && !std::filesystem::is_regular_file(path)) {
    throw model::Error(
        fmt::format("The checkpoint {} is a folder, pipe or device, expected a file.", name.string()));
  }
  const std::filesystem::path beside = path.string() + ".new";
  std::ofstream out(beside, std::ios::binary | std::ios::trunc);
  const Header header{.fingerprint = checkpoint.fingerprint,
                      .step = checkpoint.step,
                      .lossSincePoint = checkpoint.lossSincePoint,
                      .stepsSincePoint = checkpoint.stepsSincePoint,
                      .parameterCount = checkpoint.parameters.size(),
                      .pointCount = checkpoint.points.size()};
  out.write(reinterpret_cast<const char*>(&header), sizeof header);
  writeAll(out, checkpoint.parameters);
  writeAll(out, checkpoint.firstMoment);
  writeAll(out, checkpoint.secondMoment);
  writeAll(out, checkpoint.points);
  out.write(reinterpret_cast<const char*>(&kMagic), sizeof kMagic);
  out.close();
  if (!out) {
    std::error_code ignored;
    std::filesystem::remove(beside, ignored);
    throw model::Error(fmt::format("The checkpoint {} could not be written ({} bytes): is the disk full?",
                                   path.string(), fileBytes(header)));
  }
  std::filesystem::rename(beside, path);
}

Checkpoint readCheckpoint(const std::filesystem::path& path, std::size_t parameterCount) {
  std::ifstream in(path, std::ios::binary);
  Header header;
  in.read(reinterpret_cast<char*>(&header), sizeof header);
  if (!in || header.magic != kMagic) {
    throw model::Error(
        fmt::format("{} is not a training checkpoint; delete it to start anew.", path.string()));
  }
  if (header.parameterCount != parameterCount) {
    throw model::Error(fmt::format("The checkpoint {} holds {} parameters, this model has {}.", path.string(),
                                   header.parameterCount, parameterCount));
  }
  const std::uint64_t actualBytes = std::filesystem::file_size(path);
  if (header.pointCount > actualBytes || fileBytes(header) != actualBytes) {
    throw model::Error(fmt::format("The checkpoint {} is damaged: {} bytes; delete it to start anew.",
                                   path.string(), actualBytes));
  }
  Checkpoint checkpoint;
  checkpoint.fingerprint = header.fingerprint;
  checkpoint.step = header.step;
  checkpoint.lossSincePoint = header.lossSincePoint;
  checkpoint.stepsSincePoint = header.stepsSincePoint;
  readAll(in, checkpoint.parameters, parameterCount);
  readAll(in, checkpoint.firstMoment, parameterCount);
  readAll(in, checkpoint.secondMoment, parameterCount);
  readAll(in, checkpoint.points, header.pointCount);
  std::uint64_t end = 0;
  in.read(reinterpret_cast<char*>(&end), sizeof end);
  if (!in || end != kMagic)
    throw model::Error(fmt::format("The checkpoint {} is damaged at its end.", path.string()));
  return checkpoint;
}

}  // namespace headroom::training
