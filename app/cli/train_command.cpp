#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "app/cli/commands.h"
#include "app/cli/interrupt.h"
#include "app/cli/named_values.h"
#include "core/formats/files/atomic_file.h"
#include "core/formats/files/terminal.h"
#include "core/formats/gguf/gguf_writer.h"
#include "core/model/error.h"
#include "core/text/byte_level_bpe.h"
#include "core/training/bpe_trainer.h"
#include "core/training/trainer.h"

namespace headroom::cli {

namespace {

std::string readText(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw model::Error(fmt::format("{} cannot be read; expected a text file.", path));
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (text.empty()) throw model::Error(fmt::format("{} is empty; expected text to learn from.", path));
  return text;
}

std::string duration(double seconds) {
  const auto whole = static_cast<long>(seconds);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

/// A progress line on stderr: rewritten in place on a terminal, a line per point of the loss table elsewhere.
class ProgressLine {
 public:
  void show(const training::TrainingProgress& progress) {
    if (!m_onTerminal && progress.point == nullptr) return;
    constexpr int kBarWidth = 30;
    const auto filled = static_cast<std::size_t>(kBarWidth * progress.step / progress.stepCount);
    const double loss = progress.point != nullptr ? progress.point->trainingLoss : progress.trainingLoss;
    std::string line = fmt::format("[{:<{}}] {}/{}  loss {:.3f} nats/token  {:.0f} tokens/s  {} left",
                                   std::string(filled, '#'), kBarWidth, progress.step, progress.stepCount,
                                   loss, progress.tokensPerSecond, duration(progress.secondsLeft));
    if (progress.point != nullptr && progress.point->validationBitsPerByte > 0.0) {
      line += fmt::format("  validation {:.4f} bits/byte", progress.point->validationBitsPerByte);
    }
    fmt::print(stderr, "{}{}", m_onTerminal ? "\r\033[K" : "", line);
    const bool keepsLine =
        !m_onTerminal || (progress.point != nullptr && progress.point->validationBitsPerByte > 0.0);
    if (keepsLine || progress.step == progress.stepCount) fmt::print(stderr, "\n");
    std::fflush(stderr);
  }

 private:
  bool m_onTerminal = formats::isTerminal(stderr);
};

void writeLossTable(const std::string& path, const std::vector<training::TrainingPoint>& points) {
  std::string table = "step,training_nats_per_token,validation_bits_per_byte,gradient_norm,learning_rate\n";
  for (const training::TrainingPoint& point : points) {
    const std::string validation =
        point.validationBitsPerByte > 0.0 ? fmt::format("{:.5f}", point.validationBitsPerByte) : "";
    table += fmt::format("{},{:.5f},{},{:.4f},{:.6f}\n", point.step, point.trainingLoss, validation,
                         point.gradientNorm, point.learningRate);
  }
  formats::AtomicFile file(path);
  file.write(table);
  file.commit();
}

class TrainCommand final : public Command {
 public:
  TrainCommand(CLI::App& parent, const GlobalOptions& global)
      : Command(parent, global, "train",
                "Train a model and its tokenizer from a text; resumes after an interruption") {
    app().add_option("--text", m_text, "Text to learn from")->required();
    app().add_option("--valid", m_valid, "Text to judge by; nothing of it may be in --text")->required();
    app().add_option("--output", m_output, "GGUF file to write")->required();
    app().add_option("--name", m_config.name,
                     "Name of the model; its file name without the ending if not given");
    positive("--layers", m_config.layerCount, "Layers");
    positive("--query-heads", m_config.attention.queryHeadCount, "Query heads");
    positive("--kv-heads", m_config.attention.kvHeadCount, "Key and value heads; divides --query-heads");
    positive("--head-dim", m_config.attention.headDim, "Elements of a head, even");
    positive("--model-dim", m_config.modelDim, "Elements of the residual stream");
    positive("--ffn", m_config.ffnDim, "Elements of the feed-forward layer");
    positive("--vocab", m_config.vocabSize, "Tokens of the vocabulary");
    positive("--context", m_config.contextLength, "Positions, and tokens of a training sequence");
    positive("--steps", m_options.stepCount, "Updates");
    positive("--warmup", m_options.warmupSteps, "Updates over which the learning rate rises");
    positive("--batch", m_options.sequencesPerStep, "Sequences per update");
    app()
        .add_option("--threads", m_options.threadCount, "Threads; one per processor if not given")
        ->check(CLI::PositiveNumber);
    app()
        .add_option("--learning-rate", m_options.peakLearningRate, "Highest learning rate")
        ->check(numberFrom(1e-12, 1e3))
        ->capture_default_str();
    app()
        .add_option("--seed", m_options.seed, "Seed of the first weights and of the data order")
        ->capture_default_str();
    addStorage(app(), "--storage", m_storage, "How matrices are stored", kWrittenStorages);
  }

  void run() override {
    checkShape();
    if (formats::outputTarget(m_output).isStream()) {
      throw CLI::ValidationError(
          "--output",
          fmt::format("{} is a pipe or device, expected a file: a checkpoint and a loss table lie beside it",
                      m_output));
    }
    const std::string text = readText(m_text);
    const std::string valid = readText(m_valid);
    fmt::print(stderr, "Learning a vocabulary of {} tokens from {} bytes\n", m_config.vocabSize, text.size());
    const text::ByteLevelBpe tokenizer(training::trainByteLevelBpe(text, m_config.vocabSize));
    training::Trainer trainer(m_config, m_options, {tokenizer.encode(text), text.size()},
                              {tokenizer.encode(valid), valid.size()});
    const std::string checkpoint = m_output + ".checkpoint";
    if (trainer.resume(checkpoint)) {
      fmt::print(stderr, "Going on at step {} from {}\n", trainer.stepsDone(), checkpoint);
    }
    fmt::print(stderr, "{} parameters, {} ({} query heads, {} KV heads)\n", trainer.layout().size(),
               shortName(m_config.attention.kind()), m_config.attention.queryHeadCount,
               m_config.attention.kvHeadCount);

    const std::atomic<bool>& interruption = watchInterrupts();
    ProgressLine line;
    const bool finished = trainer.run(
        checkpoint, [&](const training::TrainingProgress& progress) { line.show(progress); }, interruption);
    const std::string lossTable = std::filesystem::path(m_output).replace_extension(".loss.csv").string();
    writeLossTable(lossTable, trainer.points());
    if (!finished) {
      throw model::Error(
          fmt::format("Interrupted at step {} of {}; run the same command again to go on from {}.",
                      trainer.stepsDone(), m_options.stepCount, checkpoint));
    }
    const double bitsPerByte = trainer.validationBitsPerByte();
    write(trainer, tokenizer, bitsPerByte);
    report(trainer, bitsPerByte, lossTable);
  }

 private:
  template <typename T>
  void positive(const std::string& name, T& value, const std::string& purpose) {
    app().add_option(name, value, purpose)->check(CLI::PositiveNumber)->capture_default_str();
  }

  void checkShape() {
    const model::AttentionShape& heads = m_config.attention;
    if (heads.queryHeadCount % heads.kvHeadCount != 0) {
      throw CLI::ValidationError("--kv-heads", fmt::format("{} does not divide the {} query heads",
                                                           heads.kvHeadCount, heads.queryHeadCount));
    }
    if (heads.headDim % 2 != 0)
      throw CLI::ValidationError("--head-dim", fmt::format("{} is odd", heads.headDim));
    m_config.architecture = "llama";
    m_config.ropeDim = heads.headDim;
    m_options.sequenceLength = m_config.contextLength;
    if (m_config.name.empty()) m_config.name = std::filesystem::path(m_output).stem().string();
  }

  void write(const training::Trainer& trainer, const text::ByteLevelBpe& tokenizer, double bitsPerByte) {
    const model::Weights weights = training::weightsOf(trainer.layout(), trainer.parameters());
    formats::writeGguf(
        {.config = m_config,
         .weights = weights,
         .tokenizer = &tokenizer,
         .notes = {{"headroom.training.steps", std::to_string(m_options.stepCount)},
                   {"headroom.training.validation_bits_per_byte", fmt::format("{:.4f}", bitsPerByte)}}},
        m_output, storageNamed(m_storage));
  }

  void report(const training::Trainer& trainer, double bitsPerByte, const std::string& lossTable) {
    if (global().json) {
      nlohmann::ordered_json points = nlohmann::ordered_json::array();
      for (const training::TrainingPoint& point : trainer.points()) {
        points.push_back({{"step", point.step}, {"training_nats_per_token", point.trainingLoss}});
        if (point.validationBitsPerByte > 0.0)
          points.back()["validation_bits_per_byte"] = point.validationBitsPerByte;
      }
      const nlohmann::ordered_json document = {{"model", m_output},
                                               {"parameters", trainer.layout().size()},
                                               {"steps", trainer.stepsDone()},
                                               {"validation_bits_per_byte", bitsPerByte},
                                               {"loss_table", lossTable},
                                               {"points", points}};
      fmt::print("{}\n", document.dump(2));
      return;
    }
    fmt::print("{:>8}  {:>12}  {:>12}\n", "step", "nats/token", "bits/byte");
    for (const training::TrainingPoint& point : trainer.points()) {
      if (point.validationBitsPerByte <= 0.0) continue;
      fmt::print("{:>8}  {:>12.4f}  {:>12.4f}\n", point.step, point.trainingLoss,
                 point.validationBitsPerByte);
    }
    fmt::print("{} written: {:.4f} bits per byte on the whole of {}; loss table in {}\n", m_output,
               bitsPerByte, m_valid, lossTable);
  }

  std::string m_text;
  std::string m_valid;
  std::string m_output;
  std::string m_storage = "F16";
  model::ModelConfig m_config{.layerCount = 4,
                              .modelDim = 256,
                              .ffnDim = 384,
                              .vocabSize = 2048,
                              .contextLength = 512,
                              .attention = {.queryHeadCount = 8, .kvHeadCount = 8, .headDim = 32}};
  training::TrainingOptions m_options;
};

}  // namespace

std::unique_ptr<Command> registerTrainCommand(CLI::App& parent, const GlobalOptions& global) {
  return std::make_unique<TrainCommand>(parent, global);
}

}  // namespace headroom::cli
