#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <new>
#include <nlohmann/json.hpp>

#include "app/cli/commands.h"
#include "app/cli/decoder_factory.h"
#include "app/cli/interrupt.h"
#include "app/cli/lane_report.h"
#include "app/cli/lane_runner.h"
#include "app/cli/model_argument.h"
#include "app/cli/token_arguments.h"
#include "app/cli/trace_argument.h"
#include "core/model/error.h"
#include "core/text/text_stream.h"

namespace headroom::cli {

namespace {
constexpr std::size_t kMostLanes = 4;

class DecodeCommand final : public Command {
 public:
  DecodeCommand(CLI::App& parent, const GlobalOptions& global)
      : Command(parent, global, "decode", "Decode a text with one to four models side by side") {
    app()
        .add_option("MODEL", m_models, "GGUF files, Hugging Face folders, or mha, gqa, mqa")
        ->required()
        ->expected(1, kMostLanes);
    m_input.addOptions(app());
    m_input.addChatOptions(app());
    app()
        .add_option("--max-tokens", m_run.maxTokens, "Tokens to decode")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str();
    app()
        .add_option("--temperature", m_sampling.temperature, "0 takes the most likely token")
        ->check(numberFrom(0.0, 100.0))
        ->capture_default_str();
    app()
        .add_option("--top-k", m_sampling.topK, "Sample from the K most likely; 0: from all")
        ->check(CLI::NonNegativeNumber);
    app()
        .add_option("--top-p", m_sampling.topP, "Sample from the smallest set with this probability")
        ->check(numberFrom(0.0, 1.0));
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
    m_trace.addOptions(app());
    m_choice.addOptions(app());
  }

  void run() override {
    m_trace.check(global(), static_cast<int>(m_models.size()));
    m_run.coupling = m_lockstep ? Coupling::Lockstep : Coupling::FreeRun;
    m_run.capture = m_capture == "all" ? model::Capture::everything() : model::Capture::none();
    watchInterrupts();
    DecoderFactory factory(m_choice, global().device);
    std::vector<Lane> lanes = openLanes(factory);
    const bool streams = lanes.size() == 1 && !global().json;
    std::string failure;
    try {
      decode(lanes, streams);
    } catch (const model::Error& error) {
      failure = error.what();
    } catch (const std::bad_alloc&) {
      failure = kOutOfMemory;
    }
    const bool isEmpty = std::ranges::all_of(lanes, [](const Lane& lane) { return lane.prefill.empty(); });
    if (isEmpty) throw model::Error(failure);
    // What was decoded stays worth having, also when one way of handing it over fails.
    const auto attempt = [&](const auto& handOver) {
      try {
        handOver();
      } catch (const std::exception& error) {
        if (failure.empty()) failure = error.what();
      }
    };
    attempt([&] { m_trace.write(lanes); });
    attempt([&] { report(lanes, streams, failure); });
    if (!failure.empty()) throw model::Error(failure);
  }

 private:
  /// Runs the lanes; the text of a single one appears as it comes.
  void decode(std::vector<Lane>& lanes, bool streams) const {
    if (streams) print(shownPrompt());
    text::TextStream stream;
    runLanes(lanes, m_run, [&](std::size_t lane, int token) {
      if (!streams || !lanes[lane].model.tokenizer) return;
      print(stream.feed(*lanes[lane].model.tokenizer, token));
    });
    if (streams) print(stream.finish());
  }

  /// Throws model::Error when the reader is gone.
  void print(std::string_view text) const {
    std::FILE* out = m_trace.messages();
    if (std::fwrite(text.data(), 1, text.size(), out) == text.size() && std::fflush(out) == 0) return;
    throw model::Error(fmt::format("Cannot write to standard output: {}", std::strerror(errno)));
  }

  /// The prompt as it stands before the text that follows: a chat's reply begins a paragraph of its own.
  std::string shownPrompt() const { return m_input.isChat() ? m_input.prompt() + "\n\n" : m_input.prompt(); }

  std::vector<Lane> openLanes(DecoderFactory& factory) const {
    std::vector<Lane> lanes;
    for (const std::string& argument : m_models) {
      lanes.push_back({.model = openModel(argument),
                       .decoder = nullptr,
                       .sampler = model::Sampler(m_sampling),
                       .promptTokens = {}});
    }
    for (std::size_t index = 0; index < lanes.size(); ++index) {
      Lane& lane = lanes[index];
      // In lockstep every lane reads the first one's ids.
      lane.promptTokens = m_lockstep ? m_input.idsFor(lanes.front().model) : m_input.idsFor(lane.model);
      m_trace.attach(lane, static_cast<int>(index), tokensAtMost(lane));
    }
    for (Lane& lane : lanes) {
      const auto start = std::chrono::steady_clock::now();
      lane.decoder = factory.make(lane.model);
      lane.setupMs =
          std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    }
    return lanes;
  }

  /// Prompt and text together, as far as the cache has room.
  int tokensAtMost(const Lane& lane) const {
    const int context = model::contextOf(lane.model.config, {.contextLength = m_choice.contextLength});
    const auto prompt = static_cast<std::int64_t>(lane.promptTokens.size());
    return static_cast<int>(std::max(prompt, std::min<std::int64_t>(context, prompt + m_run.maxTokens)));
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
    if (streamed) print("\n\n");
    for (const Lane& lane : lanes) {
      if (lane.prefill.empty()) continue;
      if (!streamed) {
        print(fmt::format("[{}]\n{}{}\n", lane.model.config.name, shownPrompt(), generatedText(lane)));
      }
      if (!lane.model.tokenizer) print(fmt::format("{}\n", fmt::join(lane.tokens, ",")));
      print(laneSummary(lane) + "\n");
    }
  }

  std::vector<std::string> m_models;
  TokenInput m_input;
  model::SamplingOptions m_sampling;
  bool m_lockstep = false;
  std::string m_capture = "none";
  TraceArgument m_trace;
  RunOptions m_run;
  DecoderChoice m_choice;
};
}  // namespace

std::unique_ptr<Command> registerDecodeCommand(CLI::App& app, const GlobalOptions& global) {
  return std::make_unique<DecodeCommand>(app, global);
}

}  // namespace headroom::cli
