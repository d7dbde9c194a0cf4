#include "app/cli/decode_arguments.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/cli/command.h"
#include "app/cli/model_argument.h"
#include "app/cli/named_values.h"
#include "core/lanes/prompt.h"
#include "core/model/clock.h"
#include "core/model/error.h"

namespace headroom::cli {

namespace {
void requireLockstep(const lanes::LaneSet& set) {
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
}  // namespace

void DecodeArguments::addOptions(CLI::App& app, const std::string& fileOption) {
  addModels(app, m_models)->required()->expected(1, lanes::kMostLanes);
  m_input.addOptions(app, fileOption);
  m_input.addChatOptions(app);
  app.add_option("--max-tokens", m_maxTokens, "Tokens to decode")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--temperature", m_sampling.temperature, "0 takes the most likely token")
      ->check(numberFrom(model::SamplingOptions::kTemperatures))
      ->capture_default_str();
  app.add_option("--top-k", m_sampling.topK, "Sample from the K most likely; 0: from all")
      ->check(CLI::Range(model::SamplingOptions::kTopKs.least, model::SamplingOptions::kTopKs.most));
  app.add_option("--top-p", m_sampling.topP, "Sample from the smallest set with this probability")
      ->check(numberFrom(model::SamplingOptions::kTopPs));
  app.add_option("--seed", m_sampling.seed, "Seed of the sampling")->capture_default_str();
  app.add_flag("--lockstep", m_lockstep, "Feed every lane what the first one samples");
  addChoice<lanes::WhenTextEnds>(
      app, "--when-text-ends", m_whenTextEnds,
      "At the token that ends a text: stop, or feed it and go on with the next text");
  app.add_option("--batch", m_choice.batch, "Sequences decoded at once")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  addChoice<model::AttentionKernel>(app, "--attention", m_choice.attention, "Attention kernel");
  m_choice.addOptions(app);
  m_choice.addAblation(app);
}

lanes::LaneSet::Options DecodeArguments::laneSetOptions() const {
  return {.feed = m_lockstep ? lanes::TokenFeed::Lockstep : lanes::TokenFeed::FreeRun,
          .whenOneStops = lanes::WhenOneStops::AllStop,
          .whenTextEnds =
              lanes::whenTextEnds(m_input.isChat() ? lanes::PromptForm::Chat : lanes::PromptForm::Text,
                                  lanes::choiceNamed<lanes::WhenTextEnds>(m_whenTextEnds)),
          .maxTokens = m_maxTokens,
          .sampling = m_sampling};
}

void DecodeArguments::openLanes(lanes::DeviceLanes& opener, std::vector<LaneRun>& runs, lanes::LaneSet& set,
                                const Attach& attach) const {
  std::vector<lanes::ModelUse> models;
  std::vector<std::vector<int>> prompts;
  for (const std::string& argument : m_models) models.push_back(opener.load(argument));
  for (std::size_t index = 0; index < models.size(); ++index) {
    const model::Model& model = *models[index];
    // In lockstep every lane reads the first one's ids.
    prompts.push_back(m_lockstep && index > 0 ? prompts.front() : m_input.idsFor(model));
    runs[index].path = model.path;
    if (attach) attach(static_cast<int>(index), model.config, tokensAtMost(model, prompts.back()));
  }
  std::vector<lanes::LaneSet::Place> places;
  for (std::size_t index = 0; index < models.size(); ++index) {
    const auto start = model::Clock::now();
    places.push_back(
        {.from = -1, .engine = openLane(opener, std::move(models[index]), m_choice, prompts[index])});
    places.back().engine->name = lanes::laneTitle(m_models[index]);
    runs[index].setupMs = model::millisecondsSince(start);
  }
  const auto promptOf = [&](int lane) { return prompts[static_cast<std::size_t>(lane)]; };
  set.arrange(std::move(places), promptOf);
  if (m_lockstep) requireLockstep(set);
}

/// Prompt and text together, as far as the cache has room.
int DecodeArguments::tokensAtMost(const model::Model& model, const std::vector<int>& promptTokens) const {
  const int context = model::contextOf(model.config, {.contextLength = m_choice.contextLength});
  const std::int64_t prompt = std::ssize(promptTokens);
  return static_cast<int>(std::max(prompt, std::min<std::int64_t>(context, prompt + m_maxTokens)));
}

}  // namespace headroom::cli
