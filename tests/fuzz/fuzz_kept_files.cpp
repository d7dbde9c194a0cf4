#include <fstream>

#include "core/formats/kept/calibration_file.h"
#include "core/formats/kept/ceilings_file.h"
#include "tests/fuzz/fuzz_support.h"

using namespace headroom;

/// What is kept of a device between runs: its ceilings and its calibration. A broken file counts as none.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const tests::FuzzFolder folder;
  static const formats::CeilingsFile ceilings(folder.path(), "device", "driver");
  static const formats::CalibrationFile calibration(folder.path(), "device", "driver", "shape");
  for (const std::string& path : {ceilings.path(), calibration.path()}) {
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  }
  if (const auto loaded = ceilings.load()) tests::expect(loaded->known() && loaded->device == "device");
  static_cast<void>(calibration.load());
  for (const model::Calibration& kept : formats::keptCalibrations(folder.path(), "device", "driver"))
    tests::expect(kept.known() && kept.device == "device");
  return 0;
}
