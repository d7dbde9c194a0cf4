#pragma once

#include <map>
#include <memory>
#include <vector>

#include "core/engine/device_model.h"
#include "core/engine/kv_cache.h"
#include "core/engine/step_buffers.h"
#include "core/engine/step_kernels.h"
#include "core/engine/step_program.h"
#include "core/engine/step_shape.h"
#include "core/model/decoder.h"
#include "core/model/memory_need.h"
#include "core/vulkan/device.h"
#include "shaders/kernel_params.h"

namespace headroom::engine {

/// Decodes on a Vulkan device with the weights of a DeviceModel; every step of the forward pass is a compute
/// shader. See step_program.cpp.
class VulkanDecoder : public model::Decoder {
 public:
  /// `deviceModel` must outlive the decoder. Throws model::Error when the device cannot run it or has no room
  /// for its cache, or when `options` ask for kernels that the matrices do not lie for.
  VulkanDecoder(const DeviceModel& deviceModel, const model::DecoderOptions& options,
                KernelBuild build = KernelBuild::Plain);
  ~VulkanDecoder() override;

  const model::ModelConfig& config() const override { return m_shape.config; }
  const model::DecoderOptions& options() const override { return m_shape.options; }
  std::string deviceName() const override { return m_device.info().name; }

  int position() const override { return m_position; }
  void truncate(int positions) override;
  std::vector<model::StepRecord> run(std::span<const int> tokens, const model::Capture& capture) override;
  std::vector<model::AttentionRows> replay(int firstPosition, std::span<const int> tokens,
                                           const model::Capture& capture) override;
  std::span<const float> logits() const override { return m_logits; }
  void keepAllLogits(bool keep) override { m_keepsAllLogits = keep; }
  std::span<const float> allLogits() const override { return m_allLogits; }

  /// Fills the cache with random numbers and stands at `positions`, which lie within the context: for
  /// measuring at a length without decoding up to it. Throws model::Error.
  void fillCache(int positions, unsigned seed);

  const StepShape& shape() const { return m_shape; }
  /// Memory that it takes beside its DeviceModel: cache and working memory.
  const model::MemoryNeed& need() const { return m_need; }
  std::uint64_t cacheBytesAllocated() const { return m_resources->cache.allocatedBytes(); }
  /// Bytes that the kernels counted by themselves since the last run() began, one entry for each stage of a
  /// record; empty unless built for KernelBuild::Audit.
  const std::vector<model::Traffic>& audited() const { return m_audited; }

 private:
  /// Everything on the device that a decoder owns.
  struct Resources {
    Resources(vulkan::Device& device, const StepShape& shape, KernelBuild build);

    KvCache cache;
    StepBuffers buffers;
    vulkan::Buffer audit;  ///< counters of a step, on the host; empty without an audit
    std::unique_ptr<StepKernels> oneToken;
    std::unique_ptr<StepKernels> severalTokens;
    std::map<std::pair<int, int>, StepProgram> programs;  ///< by rows and logits rows
  };

  /// What the stages of a step of `rowCount` rows work on; makes their kernels when they are not there yet.
  StepResources stepResources(int rowCount);
  StepProgram& program(int rowCount, int logitsRows);
  /// Throws model::Error naming the first stage that gave NaN or an infinity, if the last step's logits have
  /// any.
  void requireFiniteLogits(std::span<const TokenParams> rows, int logitsRows);
  model::StepRecord runRows(std::span<const TokenParams> rows, int logitsRows, const model::Capture& capture);
  model::StepRecord decodeStep(int token, const model::Capture& capture);
  model::StepRecord prefillBlock(std::span<const int> tokens, const model::Capture& capture);
  void setCapture(StepParams& params, std::span<const TokenParams> rows, const model::Capture& capture) const;
  model::AttentionRows readAttention(std::span<const TokenParams> rows, const model::Capture& capture) const;
  /// Rows of the next block: as many of `wanted` as a step takes and can capture.
  int blockRows(const model::Capture& capture, int position, std::size_t wanted) const;

  const DeviceModel& m_model;
  vulkan::Device& m_device;
  KernelBuild m_build;
  StepShape m_shape;
  model::MemoryNeed m_need;
  std::unique_ptr<Resources> m_resources;
  int m_position = 0;
  bool m_keepsAllLogits = false;
  std::vector<float> m_logits;
  std::vector<float> m_allLogits;
  std::vector<model::Traffic> m_audited;
};

}  // namespace headroom::engine
