#include "core/lanes/experiment.h"
#include "tests/fuzz/fuzz_support.h"

using namespace headroom;

/// An experiment; what is accepted is written and read again as it was.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const tests::FuzzFolder folder;
  const std::string path = folder.path() + "/again.headroom";
  tests::expectSentence([&] {
    const lanes::Experiment experiment =
        lanes::parseExperiment({reinterpret_cast<const char*>(data), size}, folder.path() + "/x.headroom");
    tests::expect(!experiment.lanes.empty() && experiment.lanes.size() <= lanes::kMostLanes);
    lanes::writeExperiment(experiment, path);
    const lanes::Experiment again = lanes::readExperiment(path);
    tests::expect(again.prompt == experiment.prompt && again.sampling == experiment.sampling &&
                  again.fill == experiment.fill && again.lanes.size() == experiment.lanes.size());
  });
  return 0;
}
