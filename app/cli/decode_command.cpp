#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <new>
#include <nlohmann/json.hpp>

#include "app/cli/commands.h"
#include "app/cli/decode_arguments.h"
#include "app/cli/interrupt.h"
#include "app/cli/lane_report.h"
#include "app/cli/lane_run.h"
#include "app/cli/output_argument.h"
#include "app/cli/trace_argument.h"
#include "core/analysis/divergence.h"
#include "core/model/error.h"
#include "core/text/text_stream.h"

namespace headroom::cli {

namespace {
class DecodeCommand final : public Command {
 public:
  DecodeCommand(CLI::App& parent, const GlobalOptions& global)
      : Command(parent, global, "decode", "Decode a text with one to four models side by side") {
    m_decode.addOptions(app());
    app()
        .add_option("--capture", m_capture, "Attention rows to read back; with --trace, those that it holds")
        ->check(CLI::IsMember({"all", "none"}))
        ->capture_default_str();
    m_trace.addOptions(app());
  }

  void run() override {
    m_trace.check(global(), m_decode.laneCount());
    watchInterrupts();
    lanes::DeviceLanes opener(m_decode.onDevice(global().device));
    m_streams = m_decode.laneCount() == 1 && !global().json;
    std::vector<LaneRun> runs(at(m_decode.laneCount()));
    lanes::LaneSet set(
        m_decode.laneSetOptions(),
        [&](int lane, int position, int count) { return blockAt(runs[at(lane)], position, count); },
        {.stepDone = [&](lanes::LaneStep step) { keep(runs, set, std::move(step)); }, .laneStopped = {}});
    std::string failure;
    try {
      m_decode.openLanes(opener, runs, set, [&](int lane, const model::ModelConfig& config, int tokens) {
        m_trace.attach(runs[at(lane)], lane, config, tokens);
      });
      if (m_streams) print(shownPrompt());
      runLanes(set, m_decode.maxTokens());
      if (m_streams) print(m_stream.finish());
    } catch (const model::Error& error) {
      failure = error.what();
    } catch (const std::bad_alloc&) {
      failure = model::sentenceOf(std::current_exception());
    }
    const bool isEmpty = std::ranges::all_of(runs, [](const LaneRun& run) { return run.prefill.empty(); });
    if (isEmpty) throw model::Error(failure);
    // What was decoded stays worth having, also when one way of handing it over fails.
    const auto attempt = [&](const auto& handOver) {
      try {
        handOver();
      } catch (const std::exception& error) {
        if (failure.empty()) failure = error.what();
      }
    };
    attempt([&] { m_trace.write(runs, set); });
    attempt([&] { report(runs, set, failure); });
    if (!failure.empty()) throw model::Error(failure);
  }

 private:
  static std::size_t at(int lane) { return static_cast<std::size_t>(lane); }

  lanes::LaneSet::Block blockAt(const LaneRun& run, int position, int count) const {
    if (run.recorder) return run.recorder->blockAt(position, count);
    return {count, {m_capture == "all" ? model::Capture::everything() : model::Capture::none()}};
  }

  /// Keeps what a step did; the text of a single lane appears as it comes.
  void keep(std::vector<LaneRun>& runs, const lanes::LaneSet& set, lanes::LaneStep step) {
    const int index = step.lane;
    const bool isDecoded = !step.isFilling;
    const int token = step.record.tokens.back();
    runs[at(index)].keep(std::move(step));
    const model::Tokenizer* tokenizer = set.lane(index).engine.tokenizer();
    if (!m_streams || !isDecoded || !tokenizer) return;
    print(m_stream.feed(*tokenizer, token));
    if (tokenizer->endsText(token)) print(kBetweenTexts);
  }

  /// Throws model::Error when the reader is gone.
  void print(std::string_view text) const {
    std::FILE* out = m_trace.messages();
    if (std::fwrite(text.data(), 1, text.size(), out) == text.size() && std::fflush(out) == 0) return;
    throw brokenOutput();
  }

  /// Where a lane goes another way, counted from behind the prompt.
  static std::optional<int> divergenceOf(const std::vector<LaneRun>& runs, const lanes::LaneSet& set,
                                         int index) {
    const auto read = [&](int lane) {
      analysis::ReadText text{set.lane(lane).text, set.lane(lane).promptLength};
      if (runs[at(lane)].disagreement) text.disagreement = text.promptLength + *runs[at(lane)].disagreement;
      return text;
    };
    const auto position =
        analysis::divergence(set.feed() == lanes::TokenFeed::Lockstep, read(0), read(index));
    return position ? std::optional(*position - set.lane(index).promptLength) : std::nullopt;
  }

  /// The prompt as it stands before the text that follows: a chat's reply begins a paragraph of its own.
  std::string shownPrompt() const {
    return m_decode.input().isChat() ? m_decode.input().prompt() + "\n\n" : m_decode.input().prompt();
  }

  void report(const std::vector<LaneRun>& runs, const lanes::LaneSet& set, const std::string& error) const {
    nlohmann::ordered_json document = {{"lanes", nlohmann::ordered_json::array()}};
    if (m_streams) print("\n\n");
    for (int index = 0; index < set.laneCount(); ++index) {
      const LaneRun& run = runs[at(index)];
      const lanes::LaneSet::Lane& lane = set.lane(index);
      if (run.prefill.empty()) continue;
      if (global().json) {
        document["lanes"].push_back(laneDocument(run, lane, divergenceOf(runs, set, index)));
        continue;
      }
      if (!m_streams) {
        print(fmt::format("[{}]\n{}{}\n", lane.engine.title(), shownPrompt(), generatedText(lane)));
      }
      if (!lane.engine.tokenizer()) print(fmt::format("{}\n", fmt::join(lane.continuation(), ",")));
      print(laneSummary(run, lane) + "\n");
    }
    if (!global().json) return;
    if (!error.empty()) document["error"] = error;
    fmt::print("{}\n", document.dump(2));
  }

  DecodeArguments m_decode;
  std::string m_capture = "none";
  TraceArgument m_trace;
  bool m_streams = false;  ///< the text of a single lane, as it comes
  text::TextStream m_stream;
};
}  // namespace

std::unique_ptr<Command> registerDecodeCommand(CLI::App& app, const GlobalOptions& global) {
  return std::make_unique<DecodeCommand>(app, global);
}

}  // namespace headroom::cli
