#include <fmt/format.h>

#include <filesystem>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "app/cli/commands.h"
#include "app/cli/decoder_factory.h"
#include "app/cli/lane_report.h"
#include "app/cli/lane_runner.h"
#include "app/cli/model_argument.h"
#include "app/cli/token_arguments.h"
#include "core/formats/trace_file.h"
#include "core/model/error.h"
#include "core/model/text_stream.h"

namespace headroom::cli {

namespace {
constexpr std::size_t kMostLanes = 4;

class DecodeCommand final : public Command {
 public:
  DecodeCommand(CLI::App& parent, const GlobalOptions& global)
      : Command(parent, global, "decode", "Decode a text with one to four models side by side") {
    app().add_option("MODEL", m_models, "GGUF files, or mha, gqa, mqa")->required()->expected(1, kMostLanes);
    CLI::Option* tokens = app().add_option("--tokens", m_input.tokens, "Token ids to start from: 1,2,3");
    m_prompt = app().add_option("--prompt", m_input.prompt, "Text to start from")->excludes(tokens);
    CLI::Option* chat =
        app()
            .add_flag("--chat", m_input.isChat, "Write the prompt as the model's chat template says")
            ->needs(m_prompt);
    app().add_option("--system", m_input.system, "System message before the prompt")->needs(chat);
    app()
        .add_option("--max-tokens", m_run.maxTokens, "Tokens to decode")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str();
    app()
        .add_option("--temperature", m_sampling.temperature, "0 takes the most likely token")
        ->check(CLI::Range(0.0, 100.0))
        ->capture_default_str();
    app()
        .add_option("--top-k", m_sampling.topK, "Sample from the K most likely; 0: from all")
        ->check(CLI::NonNegativeNumber);
    app()
        .add_option("--top-p", m_sampling.topP, "Sample from the smallest set with this probability")
        ->check(CLI::Range(0.0, 1.0));
    app().add_option("--seed", m_sampling.seed, "Seed of the sampling")->capture_default_str();
    app().add_flag("--lockstep", m_lockstep, "Feed every lane what the first one samples");
    app()
        .add_option("--batch", m_choice.batch, "Sequences decoded at once")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    app()
        .add_option("--context", m_choice.contextLength, "Cache positions; the model's own when not given")
        ->check(CLI::PositiveNumber);
    app()
        .add_option("--attention", m_choice.attention, "Attention kernel")
        ->check(CLI::IsMember({"shared", "naive"}))
        ->capture_default_str();
    app()
        .add_option("--capture", m_capture, "Attention rows to read back")
        ->check(CLI::IsMember({"all", "none"}))
        ->capture_default_str();
    app().add_option("--trace", m_trace,
                     "Trace to write, a safetensors file with tokens and attention; captures all");
    m_choice.addOptions(app());
  }

  void run() override {
    m_input.hasPrompt = m_prompt->count() > 0;
    m_run.coupling = m_lockstep ? Coupling::Lockstep : Coupling::FreeRun;
    m_run.capture =
        m_capture == "all" || !m_trace.empty() ? model::Capture::everything() : model::Capture::none();
    DecoderFactory factory(m_choice, global().device);
    std::vector<Lane> lanes = openLanes(factory);
    const bool streams = lanes.size() == 1 && !global().json;
    if (streams) fmt::print("{}", shownPrompt());
    model::TextStream stream;
    try {
      runLanes(lanes, m_run, [&](std::size_t lane, int token) {
        if (!streams || !lanes[lane].model.tokenizer) return;
        fmt::print("{}", stream.feed(*lanes[lane].model.tokenizer, token));
        std::fflush(stdout);
      });
    } catch (const model::Error& error) {
      // What was decoded before the failure stays worth having.
      if (!lanes.front().steps.empty()) {
        report(lanes, streams, error.what());
        writeTraces(lanes);
      }
      throw;
    }
    fmt::print("{}", stream.finish());
    report(lanes, streams, {});
    writeTraces(lanes);
  }

 private:
  /// The prompt as it stands before the text that follows: a chat's reply begins a paragraph of its own.
  std::string shownPrompt() const { return m_input.isChat ? m_input.prompt + "\n\n" : m_input.prompt; }

  std::vector<Lane> openLanes(DecoderFactory& factory) const {
    std::vector<Lane> lanes;
    for (const std::string& argument : m_models) {
      lanes.push_back({.model = openModel(argument),
                       .decoder = nullptr,
                       .sampler = model::Sampler(m_sampling),
                       .promptTokens = {}});
    }
    for (Lane& lane : lanes) {
      // In lockstep every lane reads the first one's ids.
      lane.promptTokens = m_lockstep ? m_input.idsFor(lanes.front().model) : m_input.idsFor(lane.model);
      lane.decoder = factory.make(lane.model);
    }
    return lanes;
  }

  /// FILE for the first lane, FILE-2 and so on before its ending for the others.
  std::string tracePath(std::size_t lane) const {
    const std::filesystem::path path(m_trace);
    if (lane == 0) return m_trace;
    return (path.parent_path() /
            fmt::format("{}-{}{}", path.stem().string(), lane + 1, path.extension().string()))
        .string();
  }

  void writeTraces(const std::vector<Lane>& lanes) const {
    if (m_trace.empty()) return;
    for (std::size_t index = 0; index < lanes.size(); ++index) {
      const Lane& lane = lanes[index];
      std::vector<model::StepRecord> records = lane.prefill;
      records.insert(records.end(), lane.steps.begin(), lane.steps.end());
      formats::writeTrace({.config = lane.model.config,
                           .tokenizer = lane.model.tokenizer.get(),
                           .writer = "headroom-cli on " + lane.decoder->deviceName(),
                           .promptTokens = static_cast<int>(lane.promptTokens.size()),
                           .records = records},
                          tracePath(index));
    }
  }

  void report(const std::vector<Lane>& lanes, bool streamed, const std::string& error) const {
    if (global().json) {
      nlohmann::ordered_json document = {{"lanes", nlohmann::ordered_json::array()}};
      for (const Lane& lane : lanes) {
        if (!lane.prefill.empty()) document["lanes"].push_back(laneDocument(lane));
      }
      if (!error.empty()) document["error"] = error;
      fmt::print("{}\n", document.dump(2));
      return;
    }
    if (streamed) fmt::print("\n\n");
    for (const Lane& lane : lanes) {
      if (lane.prefill.empty()) continue;
      if (!streamed) fmt::print("[{}]\n{}{}\n", lane.model.config.name, shownPrompt(), generatedText(lane));
      if (!lane.model.tokenizer) fmt::print("{}\n", fmt::join(lane.tokens, ","));
      fmt::print("{}\n", laneSummary(lane));
    }
  }

  std::vector<std::string> m_models;
  TokenInput m_input;
  CLI::Option* m_prompt = nullptr;
  model::SamplingOptions m_sampling;
  bool m_lockstep = false;
  std::string m_capture = "none";
  std::string m_trace;
  RunOptions m_run;
  DecoderChoice m_choice;
};
}  // namespace

std::unique_ptr<Command> registerDecodeCommand(CLI::App& app, const GlobalOptions& global) {
  return std::make_unique<DecodeCommand>(app, global);
}

}  // namespace headroom::cli
