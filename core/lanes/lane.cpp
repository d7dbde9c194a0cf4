#include "core/lanes/lane.h"

namespace headroom::lanes {

std::string LaneEngine::title() const {
  const model::DecoderOptions& options = decoder->options();
  std::string title = name;
  if (options.batch > 1) title += " \u00d7" + std::to_string(options.batch);
  if (options.kvType == model::KvType::F16) title += " f16";
  if (options.attention == model::AttentionKernel::Naive) title += " naive";
  return numberedName(model::nameWith(title, changes), number);
}

std::string numberedName(const std::string& name, int number) {
  return number > 1 ? name + " (" + std::to_string(number) + ")" : name;
}

int contextLimit(const model::Decoder& decoder) {
  return model::chosenContext(decoder.config(), decoder.options().contextLength);
}

}  // namespace headroom::lanes
