#pragma once

#include <memory>
#include <string>

#include "core/model/decoder.h"
#include "core/model/model.h"

namespace headroom::reference {

/// The forward pass in float64 on the processor: the truth that other decoders are tested against. Holds the
/// weights dequantised, 8 bytes per parameter, and a float64 cache that grows with the text, which options()
/// call f64; with KvType::F16 keys and values are rounded to half precision when they are stored.
///
/// Its records are of float64 data: logical traffic in 8-byte elements, cache bytes as really allocated.
/// Issued traffic stays 0, because nobody counts what a processor's caches load.
class ReferenceDecoder final : public model::Decoder {
 public:
  /// Copies what it needs of `model`. `note` is what note() says. Throws model::Error for a batch other
  /// than 1.
  ReferenceDecoder(const model::Model& model, const model::DecoderOptions& options, std::string note = {});
  ~ReferenceDecoder() override;

  const model::ModelConfig& config() const override;
  const model::DecoderOptions& options() const override;
  std::string deviceName() const override { return "Eigen, float64"; }
  std::string note() const override { return m_note; }
  int position() const override;
  void truncate(int positions) override;
  std::vector<model::StepRecord> run(std::span<const int> tokens, const model::Capture& capture) override;
  std::vector<model::AttentionRows> replay(int firstPosition, std::span<const int> tokens,
                                           const model::Capture& capture) override;
  std::span<const float> logits() const override;
  void keepAllLogits(bool keep) override;
  std::span<const float> allLogits() const override;

  /// Whether run() also keeps the residual stream of every token, for residualStream().
  void keepResidualStream(bool keep);
  /// The residual stream before `layer`, 0 to layerCount, [tokens of the last run][modelDim]; the one behind
  /// the last layer is given after the final norm, as the output matrix reads it.
  std::span<const double> residualStream(int layer) const;

 private:
  class Pass;
  std::unique_ptr<Pass> m_pass;
  std::string m_note;
};

}  // namespace headroom::reference
