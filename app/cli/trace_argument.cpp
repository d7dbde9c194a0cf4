#include "app/cli/trace_argument.h"

#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <functional>

#include "app/cli/index_range.h"
#include "app/cli/named_values.h"
#include "core/formats/trace/trace_writer.h"
#include "core/model/error.h"

namespace headroom::cli {

namespace {
constexpr std::array kTraceStorages{model::Storage::F16, model::Storage::F32};
}

void TraceArgument::addOptions(CLI::App& app) {
  CLI::Option* trace = m_output.addOptions(
      app, "--trace",
      "Trace to write, a safetensors file with tokens and attention, FILE-2 and so on for further lanes; may "
      "be a pipe, /dev/stdout or /dev/null; captures what it holds");
  addStorage(app, "--trace-type", m_type, "How attention is stored in it", kTraceStorages)->needs(trace);
  app.add_option("--trace-layers", m_layers, "Only these layers: 0,3,8:12 (12 not included)")->needs(trace);
  app.add_option("--trace-rows", m_rows,
                 "Only the tokens at these positions as those that look: 100:200 (200 not included)")
      ->needs(trace);
}

std::string TraceArgument::pathOf(int laneIndex) const {
  const std::filesystem::path path(m_output.path());
  if (laneIndex == 0) return m_output.path();
  return (path.parent_path() /
          fmt::format("{}-{}{}", path.stem().string(), laneIndex + 1, path.extension().string()))
      .string();
}

std::FILE* TraceArgument::messages() const {
  return m_targets.empty() ? stdout : messagesBeside(m_targets.front());
}

void TraceArgument::check(const GlobalOptions& global, int laneCount) {
  if (!isGiven()) return;
  m_targets = {m_output.check(global)};
  if (m_targets.front().isStream() && laneCount > 1) {
    throw CLI::ValidationError(
        "--trace", fmt::format("{} takes one trace, {} lanes write one each: expected a file name",
                               m_output.path(), laneCount));
  }
  for (int lane = 1; lane < laneCount; ++lane) m_targets.push_back(formats::outputTarget(pathOf(lane)));
}

void TraceArgument::attach(LaneRun& run, int laneIndex, const model::ModelConfig& config, int tokens) const {
  if (!isGiven()) return;
  const IndexRange rows =
      m_rows.empty() ? IndexRange{0, tokens} : parseRange("--trace-rows", m_rows, tokens, "row");
  const model::RecordedPart part{
      .layers = parseIndices("--trace-layers", m_layers, config.layerCount, "layer"),
      .firstRow = rows.first,
      .rowCount = rows.count()};
  formats::AttentionSelection selection = lanes::traceSelection(config, part, storageNamed(m_type));
  const formats::OutputTarget& target = m_targets[static_cast<std::size_t>(laneIndex)];
  m_output.announce(target, selection.mapBytes(tokens), selection.spoolBytes(tokens),
                    "write less with --trace-layers, --trace-rows, --trace-type f16 or --max-tokens");
  run.recorder = std::make_unique<AttentionRecorder>(std::move(selection), target);
}

void TraceArgument::write(const std::vector<LaneRun>& runs, const lanes::LaneSet& set) const {
  if (!isGiven()) return;
  for (int index = 0; index < set.laneCount(); ++index) {
    const LaneRun& run = runs[static_cast<std::size_t>(index)];
    const lanes::LaneSet::Lane& lane = set.lane(index);
    if (run.prefill.empty()) continue;
    const model::Decoder& decoder = *lane.engine.decoder;
    std::function<std::string(int)> pieceOf;
    if (const model::Tokenizer* tokenizer = lane.engine.tokenizer())
      pieceOf = [tokenizer](int token) { return tokenizer->pieceBytes(token); };
    formats::writeTrace(
        {.config = decoder.config(),
         .pieceOf = pieceOf,
         .writer = model::nameWith("headroom-cli on " + decoder.deviceName(), lane.engine.changes),
         .promptTokens = lane.promptLength,
         .tokens = std::span(lane.text).first(static_cast<std::size_t>(lane.fed())),
         .attention = run.recorder->rows()},
        pathOf(index));
  }
}

}  // namespace headroom::cli
