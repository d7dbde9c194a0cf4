#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <new>
#include <nlohmann/json.hpp>

#include "app/cli/commands.h"
#include "app/cli/decoder_choice.h"
#include "app/cli/interrupt.h"
#include "app/cli/lane_report.h"
#include "app/cli/lane_run.h"
#include "app/cli/model_argument.h"
#include "app/cli/named_values.h"
#include "app/cli/output_argument.h"
#include "app/cli/token_arguments.h"
#include "app/cli/trace_argument.h"
#include "core/analysis/divergence.h"
#include "core/lanes/prompt.h"
#include "core/model/clock.h"
#include "core/model/error.h"
#include "core/text/text_stream.h"

namespace headroom::cli {

namespace {
class DecodeCommand final : public Command {
 public:
  DecodeCommand(CLI::App& parent, const GlobalOptions& global)
      : Command(parent, global, "decode", "Decode a text with one to four models side by side") {
    addModels(app(), m_models)->required()->expected(1, lanes::kMostLanes);
    m_input.addOptions(app());
    m_input.addChatOptions(app());
    app()
        .add_option("--max-tokens", m_maxTokens, "Tokens to decode")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str();
    app()
        .add_option("--temperature", m_sampling.temperature, "0 takes the most likely token")
        ->check(numberFrom(model::SamplingOptions::kTemperatures))
        ->capture_default_str();
    app()
        .add_option("--top-k", m_sampling.topK, "Sample from the K most likely; 0: from all")
        ->check(CLI::Range(model::SamplingOptions::kTopKs.least, model::SamplingOptions::kTopKs.most));
    app()
        .add_option("--top-p", m_sampling.topP, "Sample from the smallest set with this probability")
        ->check(numberFrom(model::SamplingOptions::kTopPs));
    app().add_option("--seed", m_sampling.seed, "Seed of the sampling")->capture_default_str();
    app().add_flag("--lockstep", m_lockstep, "Feed every lane what the first one samples");
    app()
        .add_option("--when-text-ends", m_whenTextEnds,
                    "At the token that ends a text: stop, or feed it and go on with the next text")
        ->check(CLI::IsMember({"stop", "go-on"}))
        ->capture_default_str();
    app()
        .add_option("--batch", m_choice.batch, "Sequences decoded at once")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    app()
        .add_option("--attention", m_choice.attention, "Attention kernel")
        ->check(CLI::IsMember(kAttentionKernelNames))
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
    watchInterrupts();
    lanes::DeviceLanes opener(m_choice.onDevice(global().device));
    m_streams = m_models.size() == 1 && !global().json;
    std::vector<LaneRun> runs(m_models.size());
    lanes::LaneSet set(
        {.feed = m_lockstep ? lanes::TokenFeed::Lockstep : lanes::TokenFeed::FreeRun,
         .whenOneStops = lanes::WhenOneStops::AllStop,
         .whenTextEnds = lanes::whenTextEnds(
             m_input.isChat() ? lanes::PromptForm::Chat : lanes::PromptForm::Text,
             m_whenTextEnds == "stop" ? lanes::WhenTextEnds::Stop : lanes::WhenTextEnds::GoOn),
         .maxTokens = m_maxTokens,
         .sampling = m_sampling},
        [&](int lane, int position, int count) { return blockAt(runs[at(lane)], position, count); },
        {.stepDone = [&](lanes::LaneStep step) { keep(runs, set, std::move(step)); }, .laneStopped = {}});
    std::string failure;
    try {
      openLanes(opener, runs, set);
      if (m_streams) print(shownPrompt());
      runLanes(set, m_maxTokens);
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
    return {std::min(count, lanes::LaneSet::kBlockTokens),
            m_capture == "all" ? model::Capture::everything() : model::Capture::none()};
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

  /// The prompt as it stands before the text that follows: a chat's reply begins a paragraph of its own.
  std::string shownPrompt() const { return m_input.isChat() ? m_input.prompt() + "\n\n" : m_input.prompt(); }

  void openLanes(lanes::DeviceLanes& opener, std::vector<LaneRun>& runs, lanes::LaneSet& set) const {
    std::vector<lanes::ModelUse> models;
    std::vector<std::vector<int>> prompts;
    for (const std::string& argument : m_models) models.push_back(opener.load(argument));
    for (std::size_t index = 0; index < models.size(); ++index) {
      const model::Model& model = *models[index];
      // In lockstep every lane reads the first one's ids.
      prompts.push_back(m_lockstep && index > 0 ? prompts.front() : m_input.idsFor(model));
      runs[index].path = model.path;
      m_trace.attach(runs[index], static_cast<int>(index), model.config, tokensAtMost(model, prompts.back()));
    }
    std::vector<lanes::LaneSet::Place> places;
    for (std::size_t index = 0; index < models.size(); ++index) {
      const auto start = model::Clock::now();
      places.push_back({.from = -1, .engine = openLane(opener, std::move(models[index]), m_choice)});
      runs[index].setupMs = model::millisecondsSince(start);
    }
    const auto promptOf = [&](int lane) { return prompts[at(lane)]; };
    set.arrange(std::move(places), promptOf);
    if (m_lockstep) requireLockstep(set);
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

  static void requireLockstep(const lanes::LaneSet& set) {
    for (int index = 0; index < set.laneCount(); ++index) {
      if (set.apart(index) == lanes::Apart::No && set.lane(index).leader == set.lane(0).leader) continue;
      const model::ModelConfig& first = set.lane(0).engine.decoder->config();
      const model::ModelConfig& other = set.lane(index).engine.decoder->config();
      throw model::Error(fmt::format("Lockstep needs one vocabulary: {} has {} tokens, {} has {}{}",
                                     set.lane(0).engine.model->path, first.vocabSize,
                                     set.lane(index).engine.model->path, other.vocabSize,
                                     first.vocabSize == other.vocabSize ? " with other text" : ""));
    }
  }

  /// Prompt and text together, as far as the cache has room.
  int tokensAtMost(const model::Model& model, const std::vector<int>& promptTokens) const {
    const int context = model::contextOf(model.config, {.contextLength = m_choice.contextLength});
    const std::int64_t prompt = std::ssize(promptTokens);
    return static_cast<int>(std::max(prompt, std::min<std::int64_t>(context, prompt + m_maxTokens)));
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
        print(fmt::format("[{}]\n{}{}\n", lane.engine.decoder->config().name, shownPrompt(),
                          generatedText(lane)));
      }
      if (!lane.engine.tokenizer()) print(fmt::format("{}\n", fmt::join(lane.continuation(), ",")));
      print(laneSummary(run, lane) + "\n");
    }
    if (!global().json) return;
    if (!error.empty()) document["error"] = error;
    fmt::print("{}\n", document.dump(2));
  }

  std::vector<std::string> m_models;
  TokenInput m_input;
  model::SamplingOptions m_sampling;
  bool m_lockstep = false;
  std::string m_whenTextEnds = "stop";
  std::string m_capture = "none";
  TraceArgument m_trace;
  int m_maxTokens = 64;
  DecoderChoice m_choice;
  bool m_streams = false;  ///< the text of a single lane, as it comes
  text::TextStream m_stream;
};
}  // namespace

std::unique_ptr<Command> registerDecodeCommand(CLI::App& app, const GlobalOptions& global) {
  return std::make_unique<DecodeCommand>(app, global);
}

}  // namespace headroom::cli
