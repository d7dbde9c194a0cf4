#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/engine/device_model.h"
#include "core/engine/intervention_table.h"
#include "core/engine/kv_cache.h"
#include "core/engine/step_buffers.h"
#include "core/engine/step_form.h"
#include "core/engine/step_kernels.h"
#include "core/engine/step_program.h"
#include "core/engine/step_shape.h"
#include "core/model/decoder.h"
#include "core/model/memory_need.h"
#include "core/vulkan/device.h"

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
  bool isOnDevice() const override { return true; }
  int blockTokens() const override { return m_shape.blockTokens; }

  int positionOf(int sequence) const override { return m_positions[static_cast<std::size_t>(sequence)]; }
  void truncateSequence(int sequence, int positions) override;
  std::vector<model::StepRecord> runRows(std::span<const model::StepRow> rows,
                                         const model::StepRequest& request) override;
  std::vector<model::AttentionRows> replay(int firstPosition, std::span<const int> tokens,
                                           const model::Capture& capture) override;
  /// In the rows family; an audit counts steps one by one.
  bool decodesAhead() const override { return m_shape.rowsFamily() && m_build == KernelBuild::Plain; }
  std::vector<int> decodeAhead(int token, int count) override;
  void setInterventions(std::span<const model::HeadIntervention> interventions) override;
  std::span<const float> logitsOf(int sequence) const override;

  /// Fills the cache with random numbers; every sequence stands at `positions`, which lie within the context:
  /// for measuring at a length without decoding up to it. Throws model::Error.
  void fillCache(int positions, unsigned seed) override;

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
    Resources(vulkan::Device& device, const StepShape& shape);

    KvCache cache;
    StepBuffers buffers;
    vulkan::Buffer audit;  ///< counters of the largest step so far, on the host; empty without an audit
    std::unique_ptr<StepKernels> kernels[kTokenTiles + 1];  // by TokenTile, and for query tiles
    std::map<StepForm, StepProgram> programs;
  };

  const StepShape& shapeFor(const StepForm& form) const { return form.texts > 0 ? m_tiledShape : m_shape; }
  /// What the stages of such a step work on; makes their kernels when they are not there yet.
  StepResources stepResources(const StepForm& form);
  StepProgram& program(const StepForm& form);
  /// Room for the counters of that many dispatches.
  void makeAudit(int dispatches);
  /// Throws model::Error naming the first stage that gave NaN or an infinity, if the last step's logits have
  /// any.
  void requireFiniteLogits(const StepForm& form);
  /// Runs one step; positions stay as they are. `targets` are those of `rows`, or none.
  model::StepRecord runStep(std::span<const model::StepRow> rows, const model::StepRequest& request,
                            std::span<const int> targets);
  void addStages(const StepProgram& steps, const StepForm& form, const model::Capture& capture,
                 model::StepRecord& record) const;
  void addLogits(const StepForm& form, const model::LogitsRequest& request, model::StepRecord& record);

  const DeviceModel& m_model;
  vulkan::Device& m_device;
  KernelBuild m_build;
  StepShape m_shape;
  StepShape m_tiledShape;  // of steps whose attention goes by query tiles
  model::MemoryNeed m_need;
  std::unique_ptr<Resources> m_resources;
  InterventionTable m_interventions;
  std::vector<int> m_positions;  // by sequence
  std::vector<float> m_logits;   // [sequence][vocabSize]
  std::vector<model::Traffic> m_audited;
};

}  // namespace headroom::engine
