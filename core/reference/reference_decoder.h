#pragma once

#include <string>
#include <vector>

#include "core/model/decoder.h"
#include "core/model/model.h"
#include "core/reference/forward_pass.h"

namespace headroom::reference {

/// The forward pass in float64 on the processor: the truth that other decoders are tested against. Holds the
/// weights dequantised, 8 bytes per parameter, and float64 caches that grow with the text, which options()
/// call f64; with KvType::F16 keys and values are rounded to half precision when they are stored. The
/// sequences of a batch go through the layers one after another.
///
/// Its records are of float64 data: logical traffic in 8-byte elements of weights, keys, values and a stage's
/// inputs and outputs, without what only kernels store and load again (tables of angles, partial sums), and
/// cache bytes as really allocated. Issued traffic stays 0, because nobody counts what a processor's caches
/// load.
class ReferenceDecoder final : public model::Decoder {
 private:
  template <typename Values>
  static auto& at(Values& values, int index) {
    return values[static_cast<std::size_t>(index)];
  }

 public:
  /// Copies what it needs of `model`. `note` is what note() says. Throws model::Error for a batch below 1.
  ReferenceDecoder(const model::Model& model, const model::DecoderOptions& options, std::string note = {});

  const model::ModelConfig& config() const override { return m_config; }
  const model::DecoderOptions& options() const override { return m_options; }
  std::string deviceName() const override { return "Eigen, float64"; }
  std::string note() const override { return m_note; }
  int blockTokens() const override { return kBlockRows; }
  std::optional<model::KvType> cacheRoundedTo() const override { return m_roundedTo; }
  int positionOf(int sequence) const override { return at(m_sequences, sequence).position; }
  void truncateSequence(int sequence, int positions) override;
  std::vector<model::StepRecord> runRows(std::span<const model::StepRow> rows,
                                         const model::StepRequest& request) override;
  std::vector<model::AttentionRows> replay(int firstPosition, std::span<const int> tokens,
                                           const model::Capture& capture) override;
  void setInterventions(std::span<const model::HeadIntervention> interventions) override;
  std::span<const float> logitsOf(int sequence) const override { return at(m_logits, sequence); }

 private:
  /// Rows that go through the layers together; bounds the scores and captured rows in memory.
  static constexpr int kBlockRows = 128;

  /// One step; when it throws, nothing changed. `targets` are those of `rows`, or none.
  model::StepRecord runStep(std::span<const model::StepRow> rows, const model::StepRequest& request,
                            std::span<const int> targets);
  model::StepRecord step(std::span<const model::StepRow> rows, const model::StepRequest& request,
                         std::span<const int> targets);
  /// Adds what `request` wants of the logits of the stream after the last layer, [rows][modelDim].
  void addLogits(const Matrix& x, const model::LogitsRequest& request, std::span<const int> targets,
                 model::StepRecord& record);

  model::ModelConfig m_config;
  model::DecoderOptions m_options;
  std::string m_note;
  std::optional<model::KvType> m_roundedTo;
  ForwardPass m_pass;
  std::vector<SequenceCache> m_sequences;
  std::vector<std::vector<float>> m_logits;  // by sequence, [vocabSize]
};

}  // namespace headroom::reference
