#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "app/cli/bench_report.h"
#include "app/cli/bench_run.h"
#include "app/cli/bench_shape.h"
#include "app/cli/commands.h"
#include "app/cli/interrupt.h"
#include "app/cli/model_argument.h"
#include "app/cli/named_values.h"
#include "app/cli/progress_line.h"
#include "core/formats/synthetic_model.h"
#include "core/model/clock.h"
#include "core/model/error.h"
#include "core/vulkan/check.h"
#include "core/vulkan/device.h"

namespace headroom::cli {

namespace {

std::vector<std::string> splitWords(const std::string& option, const std::string& text,
                                    const std::vector<std::string>& known) {
  std::vector<std::string> words;
  std::istringstream stream(text);
  for (std::string word; std::getline(stream, word, ',');) {
    if (std::find(known.begin(), known.end(), word) == known.end()) {
      throw CLI::ValidationError(option,
                                 fmt::format("\"{}\" is not one of {}", word, fmt::join(known, ", ")));
    }
    words.push_back(word);
  }
  if (words.empty()) throw CLI::ValidationError(option, "is empty");
  return words;
}

class BenchCommand final : public Command {
 public:
  BenchCommand(CLI::App& parent, const GlobalOptions& global)
      : Command(parent, global, "bench",
                "Measure decode steps of models or shapes against each other in one run") {
    addModels(app(), m_models);
    app().add_option("--shape", m_shape,
                     "Random weights: layers=8,query_heads=8,kv_heads=8/2/1,head_dim=64,ffn=1536,vocab=4096");
    addStorage(app(), "--weights", m_weights, "How a shape's weights are stored", kRandomStorages);
    app()
        .add_option("--context", m_contexts, "Cached positions to decode behind: 0,4096")
        ->capture_default_str();
    app().add_option("--batch", m_batches, "Sequences decoded at once: 1,8")->capture_default_str();
    app().add_option("--kv-type", m_kvTypes, "Element types of the KV cache: f32,f16")->capture_default_str();
    app().add_option("--attention", m_attention, "Attention kernels: shared,naive")->capture_default_str();
    app()
        .add_option("--capture", m_capture, "Attention rows to read back in every step")
        ->check(CLI::IsMember({"all", "one-layer", "none"}))
        ->capture_default_str();
    addKernels(app(), m_kernels);
    app()
        .add_option("--repeat", m_options.rounds, "Rounds of every row")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str();
    app()
        .add_option("--round-ms", m_options.roundMs, "Milliseconds of decoding in a round")
        ->check(numberFrom(1.0, 60000.0))
        ->capture_default_str();
    app()
        .add_option("--seed", m_options.seed, "Of the order of rows and the filled caches")
        ->capture_default_str();
    app().add_flag("--ahead", m_options.ahead,
                   "Submit the steps of a round together: each is fed what was most likely behind the one "
                   "before, which the device finds, and nobody waits in between (kernels \"rows\")");
    app().add_flag(
        "--audit", m_options.audit,
        "Also run each row with kernels that count every load and store, and compare with what is declared");
    app().add_flag("--csv", m_csv, "Print a CSV table");
  }

  void run() override {
    if (m_options.ahead && m_capture != "none")
      throw CLI::ValidationError("--ahead", "excludes --capture, which hands something back in every step");
    if (m_csv && global().json) throw CLI::ValidationError("--csv", "excludes --json");
    if (m_capture == "all") m_options.capture = model::Capture::everything();
    if (m_capture == "one-layer") m_options.capture.layers = {0};
    const std::optional<model::KernelPlan> kernels = kernelsOf(m_kernels);
    m_opener = std::make_unique<lanes::DeviceLanes>(
        lanes::DeviceLanes::Choice{.device = global().device, .kernels = kernels});
    std::vector<BenchModel> models = openModels();
    const std::vector<BenchSetting> settings = plan(static_cast<int>(models.size()));
    watchInterrupts();
    try {
      const vulkan::Device& device = m_opener->device();
      BenchResult result{.device = device.info().name,
                         .driver = device.info().driver,
                         .date = model::dateText(),
                         .options = m_options,
                         .models = &models};
      const ProgressLine line;
      const auto progress = [&](const std::string& what) { line.show(what); };
      for (BenchModel& model : models) model.kernels = m_opener->plan(model.model());
      // A software device would spend more on another dispatch than on handing over all logits.
      if (!device.info().isSoftware())
        result.options.logits = model::LogitsRequest::top(1, model::LogitsRequest::Rows::Last);
      progress("probing the device");
      result.ceilings = m_opener->ceilings(model::Freshness::Measured);
      BenchOutcome outcome = runBench(*m_opener, models, settings, result.options, progress);
      result.rows = std::move(outcome.rows);
      result.isInterrupted = outcome.isInterrupted;
      for (BenchRow& row : result.rows)
        row.readGBps = result.ceilings.readAt(row.measurement.workingSetBytes());
      line.show({});
      print(result);
      if (result.isInterrupted) throw model::Cancelled(whatIsThere(result, settings.size()));
    } catch (const vulkan::Error& error) {
      throw model::Error(error.what());
    }
  }

 private:
  static void requireWholeBlocks(const model::ModelConfig& config, model::Storage storage) {
    const int block = model::blockElements(storage);
    for (const int columns : {config.modelDim, config.ffnDim, config.attention.queryDim()}) {
      if (columns % block == 0) continue;
      throw CLI::ValidationError("--weights",
                                 fmt::format("{} stores blocks of {} weights, and rows of the shape have {}.",
                                             shortName(storage), block, columns));
    }
  }

  std::vector<BenchModel> openModels() const {
    std::vector<BenchModel> models;
    std::map<std::string, int> count;
    for (const std::string& argument : m_models) {
      const std::string title = lanes::laneTitle(argument);
      models.push_back({lanes::numberedName(title, ++count[title]), m_opener->load(argument)});
    }
    if (!m_shape.empty()) {
      const model::Storage storage = storageNamed(m_weights);
      std::vector<model::ModelConfig> configs = parseOption("--shape", [&] { return parseShape(m_shape); });
      for (model::ModelConfig& config : configs) {
        config.contextLength = 1;
        requireWholeBlocks(config, storage);
        const auto make = [&] {
          return formats::syntheticModel(config, storage, formats::OutputMatrix::Tied, m_options.seed,
                                         formats::LayerWeightsKind::Alike);
        };
        models.push_back({config.name, m_opener->keep("shape " + config.name, make)});
      }
    }
    if (models.empty()) throw CLI::RequiredError("MODEL or --shape");
    return models;
  }

  std::vector<BenchSetting> plan(int modelCount) const {
    std::vector<BenchSetting> settings;
    const auto numbers = [](const std::string& option, const std::string& text, int least) {
      return parseOption(option, [&] { return parseNumbers(option, text, ',', least); });
    };
    for (int context : numbers("--context", m_contexts, 0)) {
      for (int batch : numbers("--batch", m_batches, 1)) {
        for (const std::string& kvType : splitWords("--kv-type", m_kvTypes, choiceWords<model::KvType>())) {
          for (const std::string& attention :
               splitWords("--attention", m_attention, choiceWords<model::AttentionKernel>())) {
            for (int index = 0; index < modelCount; ++index) {
              settings.push_back({.model = index,
                                  .context = context,
                                  .batch = batch,
                                  .kvType = lanes::choiceNamed<model::KvType>(kvType),
                                  .attention = lanes::choiceNamed<model::AttentionKernel>(attention)});
            }
          }
        }
      }
    }
    return settings;
  }

  static std::string whatIsThere(const BenchResult& result, std::size_t wanted) {
    std::size_t rounds = 0;
    for (const BenchRow& row : result.rows) rounds += row.rounds.size();
    return fmt::format("Interrupted: {} of {} rows and {} of {} rounds were measured", result.rows.size(),
                       wanted, rounds, wanted * static_cast<std::size_t>(result.options.rounds));
  }

  void print(const BenchResult& result) const {
    if (global().json) {
      fmt::print("{}\n", benchDocument(result).dump(2));
    } else {
      fmt::print("{}", m_csv ? benchCsv(result) : benchText(result));
    }
  }

  std::vector<std::string> m_models;
  std::string m_shape;
  std::string m_weights = "F32";
  std::string m_contexts = "0";
  std::string m_batches = "1";
  std::string m_kvTypes = "f32";
  std::string m_attention = "shared";
  std::string m_capture = "none";
  std::string m_kernels;
  bool m_csv = false;
  BenchOptions m_options;
  std::unique_ptr<lanes::DeviceLanes> m_opener;
};

}  // namespace

std::unique_ptr<Command> registerBenchCommand(CLI::App& app, const GlobalOptions& global) {
  return std::make_unique<BenchCommand>(app, global);
}

}  // namespace headroom::cli
