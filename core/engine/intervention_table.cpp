#include "core/engine/intervention_table.h"

#include <algorithm>
#include <bit>

#include "shaders/kernel_params.h"

namespace headroom::engine {

namespace {

using model::AttentionPattern;
using model::HeadIntervention;
using vulkan::Binding;

static_assert(static_cast<int>(AttentionPattern::Computed) == 0 &&
                  static_cast<int>(AttentionPattern::PreviousToken) == 1 &&
                  static_cast<int>(AttentionPattern::Uniform) == 2 &&
                  static_cast<int>(AttentionPattern::FirstToken) == 3 &&
                  static_cast<int>(AttentionPattern::Given) == 4,
              "the numbers of intervene.comp");

constexpr std::size_t kHeaderWords = 4;

std::size_t entryWords(const model::ModelConfig& config) {
  return kHeaderWords + 2 * static_cast<std::size_t>(config.attention.headDim);
}

void appendFloats(std::vector<std::uint32_t>& words, const std::vector<float>& values) {
  for (const float value : values) words.push_back(std::bit_cast<std::uint32_t>(value));
}

/// `values`, or as many of `otherwise` where there are none.
std::vector<float> orAll(const std::vector<float>& values, std::size_t count, float otherwise) {
  return values.empty() ? std::vector<float>(count, otherwise) : values;
}

/// Positions whose values a head's pattern reads for a row.
std::uint64_t positionsRead(const InterventionTable::Head& head, const StepShape& shape, int layer,
                            std::uint32_t position) {
  const std::uint64_t length = position + 1ull;
  switch (head.pattern) {
    case AttentionPattern::Computed:
      return 0;
    case AttentionPattern::PreviousToken:
    case AttentionPattern::FirstToken:
      return 1;
    case AttentionPattern::Uniform:
      return length - shape.firstSeen(length, layer);
    case AttentionPattern::Given:
      return std::min<std::uint64_t>(head.weightCount, length);
  }
  return 0;
}

/// Of one head and row.
StageTraffic headTraffic(const InterventionTable::Head& head, const StepShape& shape, int layer,
                         std::uint32_t position) {
  StageTraffic traffic;
  const auto headDim = static_cast<std::uint64_t>(shape.config.attention.headDim);
  const auto chunks = static_cast<std::uint64_t>(shape.usedChunks(position + 1ull, layer));
  const auto kvBytes = static_cast<std::uint64_t>(model::bytesPerElement(shape.options.kvType));
  const std::uint64_t read = positionsRead(head, shape, layer, position);
  const std::uint64_t weights = head.pattern == AttentionPattern::Given ? read : 0;
  // Each of headDim / 4 invocations reads the header, a texel of gain and of offset, and all given weights.
  traffic.issued.weightsRead = headDim / 4 * (kHeaderWords + 8 + weights) * sizeof(float);
  traffic.logical.weightsRead = (kHeaderWords + 2 * headDim + weights) * sizeof(float);
  for (model::Traffic* bytes : {&traffic.issued, &traffic.logical}) {
    bytes->kvRead = read * headDim * kvBytes;
    bytes->activationsWritten = (headDim + 2 * chunks) * sizeof(float);
  }
  if (head.pattern != AttentionPattern::Computed) return traffic;
  traffic.issued.activationsRead = headDim / 4 * chunks * kMergedTexelBytes;
  traffic.logical.activationsRead = chunks * (headDim + 2) * sizeof(float);
  return traffic;
}

}  // namespace

InterventionTable::InterventionTable(vulkan::Device& device, const model::ModelConfig& config,
                                     std::span<const HeadIntervention> interventions) {
  if (interventions.empty()) return;
  std::vector<const HeadIntervention*> byLayer;
  for (const HeadIntervention& change : interventions) byLayer.push_back(&change);
  std::ranges::stable_sort(byLayer, {}, [](const HeadIntervention* change) { return change->layer; });
  const auto headDim = static_cast<std::size_t>(config.attention.headDim);
  std::vector<std::uint32_t> words;
  std::vector<std::uint32_t> weights;
  const std::size_t firstWeight = byLayer.size() * entryWords(config);
  for (const HeadIntervention* change : byLayer) {
    Layer& layer = m_layers[change->layer];
    if (layer.heads.empty()) layer.firstEntry = static_cast<std::uint32_t>(words.size());
    const auto count = static_cast<std::uint32_t>(change->weights.size());
    layer.heads.push_back({change->pattern, count});
    words.insert(words.end(),
                 {static_cast<std::uint32_t>(change->queryHead), static_cast<std::uint32_t>(change->pattern),
                  count, static_cast<std::uint32_t>(firstWeight + weights.size())});
    appendFloats(words, orAll(change->gain, headDim, 1.0f));
    appendFloats(words, orAll(change->offset, headDim, 0.0f));
    appendFloats(weights, change->weights);
  }
  words.insert(words.end(), weights.begin(), weights.end());
  m_buffer = vulkan::Buffer(device, words.size() * sizeof(std::uint32_t), vulkan::MemoryPlace::Device,
                            "changes of heads");
  vulkan::upload(device, m_buffer, 0, std::as_bytes(std::span(words)));
}

const InterventionTable::Layer* InterventionTable::find(int layer) const {
  const auto found = m_layers.find(layer);
  return found == m_layers.end() ? nullptr : &found->second;
}

std::vector<int> InterventionTable::layers() const {
  std::vector<int> layers;
  for (const auto& [layer, changes] : m_layers) layers.push_back(layer);
  return layers;
}

void recordInterventions(StageRecorder& recorder, const StepResources& step, int layer, int rowCount) {
  const InterventionTable::Layer* changes = step.interventions->find(layer);
  if (changes == nullptr) return;
  const InterveneParams push{.firstEntry = changes->firstEntry,
                             .window = static_cast<std::uint32_t>(step.shape.config.windowOf(layer))};
  recorder.dispatch(
      step.kernels.intervene(),
      {.stepParams = recorder.params(),
       .values = step.shape.rowsFamily() ? step.cache.valueStorage(layer)
                                         : Binding::texels(step.cache.valueView(layer)),
       .partial = Binding::whole(step.buffers.partial),
       .extent = Binding::whole(step.buffers.extent),
       .changes = Binding::whole(step.interventions->buffer())},
      {static_cast<std::uint32_t>(changes->heads.size()), static_cast<std::uint32_t>(rowCount), 1},
      std::as_bytes(std::span(&push, 1)));
}

StageTraffic interventionTraffic(const StepShape& shape, const InterventionTable::Layer& changes, int layer,
                                 std::span<const TokenParams> rows) {
  StageTraffic traffic;
  for (const InterventionTable::Head& head : changes.heads) {
    for (const TokenParams& row : rows) {
      const StageTraffic one = headTraffic(head, shape, layer, row.position);
      traffic.issued += one.issued;
      traffic.logical += one.logical;
    }
  }
  return traffic;
}

}  // namespace headroom::engine
