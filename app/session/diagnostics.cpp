#include "app/session/diagnostics.h"

#include <fmt/format.h>

#include "app/session/display_text.h"
#include "core/model/quantity.h"

namespace headroom::session {

namespace {
/// `"..."` becomes `"…"`.
std::string withoutQuoted(const std::string& sentence) {
  std::string result;
  bool isQuoted = false;
  for (const char letter : sentence) {
    if (letter == '"') {
      if (isQuoted) result += "\u2026";
      isQuoted = !isQuoted;
    }
    if (!isQuoted || letter == '"') result += letter;
  }
  return isQuoted ? result + "\u2026" : result;
}

void replaceAll(std::string& text, const std::string& what, const std::string& by) {
  if (what.empty()) return;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
}

std::string deviceText(const DeviceFacts& device) {
  return fmt::format("{}: {}\n", device.index, device.label) + lanes::inRows(lanes::deviceLines(device)) +
         lanes::inRows(lanes::ceilingLines(device.ceilings)) +
         lanes::inRows(lanes::kernelLines(device.calibrations));
}

std::string laneText(const LaneTrace& lane) {
  const LaneInfo& info = lane.info();
  const model::ModelConfig& config = info.config;
  std::string text = fmt::format(
      "{}: {}\n"
      "   {}, {}, {} layers, model dim {}, FFN dim {}, head dim {}, vocabulary {}, {} parameters, {} weights "
      "of {}\n"
      "   cache {}, batch {}, context {} of {} trained, {} kernel, on {}\n"
      "   {} positions, {} of them the prompt\n",
      info.title, info.request.source, config.architecture, headsText(config.attention), config.layerCount,
      config.modelDim, config.ffnDim, config.attention.headDim, config.vocabSize, info.parameterCount,
      info.storageName, model::bytesText(static_cast<double>(info.weightBytes)),
      model::shortName(info.kvType), info.batch, info.contextLength, config.contextLength,
      model::shortName(info.attention), info.deviceName, lane.length(), lane.promptLength());
  if (!info.note.empty()) text += "   " + info.note + "\n";
  for (const std::string& contradiction : info.contradictions) text += "   " + contradiction + "\n";
  return text;
}

std::string settingsText(const Settings& settings, PromptText prompt) {
  const lanes::Experiment kept = settings.experiment();
  const Appearance look = settings.appearance();
  std::string text = fmt::format(
      "temperature {}, top-k {}, top-p {}, seed {}\n"
      "{}, {}, at a text's end {}\n"
      "theme {}, text {} %, presentation {}\n"
      "traces {}, device {}\n",
      kept.sampling.temperature, kept.sampling.topK, kept.sampling.topP, kept.sampling.seed,
      kept.tokensPerSecond > 0.0 ? fmt::format("{} tokens/s", kept.tokensPerSecond) : "full speed",
      kept.feed == TokenFeed::Lockstep ? "lockstep" : "free run",
      kept.whenTextEnds == WhenTextEnds::GoOn ? "the next one begins" : "the lane stops",
      look.theme == Theme::Dark ? "dark" : "light", look.textPercent, look.presentation() ? "on" : "off",
      model::bytesText(static_cast<double>(settings.traceBudget())),
      settings.device().empty() ? "the best one" : settings.device());
  const char* form = kept.promptForm == PromptForm::Text   ? "text"
                     : kept.promptForm == PromptForm::Chat ? "chat message"
                                                           : "token ids";
  return text + (prompt == PromptText::Included
                     ? fmt::format("prompt as {}: {}\n", form, kept.prompt)
                     : fmt::format("prompt as {}, {} bytes, left out\n", form, kept.prompt.size()));
}
}  // namespace

std::string diagnosticsText(const DiagnosticsSource& source, PromptText prompt) {
  std::string text;
  for (const std::string& line : source.program) text += line + "\n";
  text += source.system + "\n\nDevices\n";
  for (const DeviceFacts& device : source.devices) text += deviceText(device);
  if (source.devices.empty()) text += source.devicesError.empty() ? "none\n" : source.devicesError + "\n";
  text += fmt::format("\nLanes, {}\n",
                      source.store.feed() == TokenFeed::Lockstep ? "in lockstep" : "running freely");
  for (int lane = 0; lane < source.store.laneCount(); ++lane) text += laneText(source.store.lane(lane));
  if (source.store.laneCount() == 0) text += "none\n";
  text += fmt::format("traces hold {}\n", model::bytesText(static_cast<double>(source.store.heldBytes())));
  text += "\nSettings\n" + settingsText(source.settings, prompt) + "\nLast messages\n";
  for (const std::string& message : source.messages)
    text += (prompt == PromptText::Included ? message : withoutQuoted(message)) + "\n";
  if (source.messages.empty()) text += "none\n";
  replaceAll(text, source.home, "~");
  return text;
}

}  // namespace headroom::session
