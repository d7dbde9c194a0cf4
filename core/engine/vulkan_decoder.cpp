#include "core/engine/vulkan_decoder.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "core/engine/memory_plan.h"
#include "core/engine/stage_inspector.h"
#include "core/engine/stage_traffic.h"
#include "core/engine/translate_errors.h"
#include "core/model/error.h"
#include "core/model/finite.h"
#include "core/vulkan/kernel_store.h"

namespace headroom::engine {

namespace {

using model::Capture;
using model::StepRecord;

/// Programs of odd row counts (the rest of a prompt) that are kept beside those of whole blocks and steps.
constexpr std::size_t kKeptPrograms = 8;

/// What a chunk of the context knows of its softmax.
struct SoftmaxExtent {
  float maximum;
  float sum;  ///< of exp(score - maximum)
};

/// Attention from scores and the extents of all chunks; each value of `out` is the largest of `pooling`
/// scores. The first `unseen` scores lie before the layer's window and were not written: they are 0.
void normaliseRow(std::span<const float> scores, std::size_t unseen, std::span<const SoftmaxExtent> extents,
                  int pooling, std::span<float> out) {
  float highest = -std::numeric_limits<float>::infinity();
  for (const SoftmaxExtent& chunk : extents) highest = std::max(highest, chunk.maximum);
  double sum = 0.0;
  for (const SoftmaxExtent& chunk : extents) {
    if (chunk.sum > 0.0f) sum += chunk.sum * std::exp(static_cast<double>(chunk.maximum) - highest);
  }
  const auto scale = static_cast<float>(1.0 / sum);
  std::size_t cell = 0;
  for (std::size_t first = 0; first < scores.size(); first += static_cast<std::size_t>(pooling)) {
    const std::size_t end = std::min(scores.size(), first + static_cast<std::size_t>(pooling));
    const auto pooled = scores.first(end).subspan(std::min(end, std::max(first, unseen)));
    out[cell++] = pooled.empty() ? 0.0f : scale * std::exp(*std::ranges::max_element(pooled) - highest);
  }
}

using Clock = std::chrono::steady_clock;

double millisecondsSince(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

/// Adds times and traffic of the same stages, for the sequences of a batched prefill.
void addStages(StepRecord& total, const StepRecord& part) {
  total.overhead += part.overhead;
  total.deviceMs += part.deviceMs;
  for (std::size_t index = 0; index < total.stages.size(); ++index) {
    total.stages[index].gpuTimeMs += part.stages[index].gpuTimeMs;
    total.stages[index].issued += part.stages[index].issued;
    total.stages[index].logical += part.stages[index].logical;
  }
}

}  // namespace

VulkanDecoder::Resources::Resources(vulkan::Device& device, const StepShape& shape, KernelBuild build)
    : cache(device, shape.config, shape.options.kvType, shape.options.contextLength, shape.options.batch),
      buffers(device, shape) {
  if (build == KernelBuild::Plain) return;
  audit = vulkan::Buffer(device, kAuditStride * static_cast<std::uint64_t>(StepProgram::dispatchTotal(shape)),
                         vulkan::MemoryPlace::Host, "counters of an audit");
}

VulkanDecoder::VulkanDecoder(const DeviceModel& deviceModel, const model::DecoderOptions& options,
                             KernelBuild build)
    : m_model(deviceModel), m_device(deviceModel.device()), m_build(build) {
  translateErrors([&] {
    model::DecoderOptions planned = options;
    planned.kernels = m_model.planFor(options.kernels);
    m_shape = StepShape::make(m_device.info(), m_model.config(), planned);
    m_need = memoryNeed(m_device.info(), m_shape);
    refuseIfTooLarge(m_device.info(), m_device.memory(), m_shape, m_need);
    m_resources = std::make_unique<Resources>(m_device, m_shape, build);
    program(m_shape.options.batch, m_shape.options.batch);
    m_device.finishUploads();
  });
  m_logits.resize(static_cast<std::size_t>(m_shape.config.vocabSize));
}

VulkanDecoder::~VulkanDecoder() = default;

void VulkanDecoder::truncate(int positions) {
  m_position = std::clamp(positions, 0, m_position);
}

void VulkanDecoder::fillCache(int positions, unsigned seed) {
  if (positions < 0 || positions > m_shape.options.contextLength) {
    throw model::Error(fmt::format("The cache holds {} positions and cannot be filled up to {}.",
                                   m_shape.options.contextLength, positions));
  }
  translateErrors([&] { m_resources->cache.fill(m_device, seed); });
  m_position = positions;
}

StepProgram& VulkanDecoder::program(int rowCount, int logitsRows) {
  Resources& resources = *m_resources;
  const auto found = resources.programs.find({rowCount, logitsRows});
  if (found != resources.programs.end()) return found->second;
  if (resources.programs.size() >= kKeptPrograms) {
    std::erase_if(resources.programs, [&](const auto& entry) {
      const int rows = entry.first.first;
      return rows != m_shape.options.batch && rows != m_shape.blockTokens;
    });
  }
  const std::size_t kernelsBefore = m_device.kernels().size();
  const StepResources step = stepResources(rowCount);
  // What the driver does at the first use of a kernel belongs to making it, not to the first token.
  if (m_device.kernels().size() > kernelsBefore)
    StepProgram(m_device, step, rowCount, logitsRows, vulkan::Workgroups::None).run();
  return resources.programs
      .emplace(std::pair(rowCount, logitsRows), StepProgram(m_device, step, rowCount, logitsRows))
      .first->second;
}

StepResources VulkanDecoder::stepResources(int rowCount) {
  Resources& resources = *m_resources;
  std::unique_ptr<StepKernels>& kernels = rowCount == 1 ? resources.oneToken : resources.severalTokens;
  if (!kernels) {
    kernels = std::make_unique<StepKernels>(m_device, m_shape, m_model.weights(),
                                            rowCount == 1 ? TokenTile::One : TokenTile::Several, m_build);
  }
  return {.shape = m_shape,
          .kernels = *kernels,
          .weights = m_model.weights(),
          .cache = resources.cache,
          .buffers = resources.buffers,
          .audit = m_build == KernelBuild::Audit ? &resources.audit : nullptr};
}

void VulkanDecoder::requireFiniteLogits(std::span<const TokenParams> rows, int logitsRows) {
  const auto wanted = static_cast<std::size_t>(logitsRows) * m_logits.size();
  const auto logits = m_resources->buffers.logits.mapped<const float>().first(wanted);
  if (model::allFinite(logits)) return;
  const auto found = findNonFinite(m_device, stepResources(static_cast<int>(rows.size())), rows, logitsRows)
                         .value_or(NonFiniteValue{.position = static_cast<int>(rows.back().position),
                                                  .value = logits[model::firstNonFinite(logits)]});
  throw model::Error(model::nonFiniteSentence(found.stage, found.layer, found.position, found.value));
}

void VulkanDecoder::setCapture(StepParams& params, std::span<const TokenParams> rows,
                               const Capture& capture) const {
  const CaptureLayout layout = m_shape.captureLayout(capture, static_cast<int>(rows.back().position) + 1);
  params.captureRows = static_cast<std::uint32_t>(std::ranges::count(rows, 0u, &TokenParams::sequence));
  params.captureStride = static_cast<std::uint32_t>(layout.stride);
  params.capturePooling = static_cast<std::uint32_t>(layout.pooling);
  const std::vector<int> heads = capture.wantedHeads(m_shape.config.attention.queryHeadCount);
  std::ranges::fill(params.layerSlots, kNoSlot);
  std::ranges::fill(params.headSlots, kNoSlot);
  std::uint32_t slot = 0;
  for (int layer = 0; layer < m_shape.config.layerCount; ++layer) {
    if (!capture.wants(layer)) continue;
    params.layerSlots[layer] = slot;
    slot += static_cast<std::uint32_t>(heads.size());
  }
  for (std::size_t index = 0; index < heads.size(); ++index) {
    params.headSlots[heads[index]] = static_cast<std::uint32_t>(index);
  }
}

StepRecord VulkanDecoder::runRows(std::span<const TokenParams> rows, int logitsRows, const Capture& capture) {
  const auto prepareStart = Clock::now();
  StepParams& params = m_resources->buffers.params.mapped<StepParams>()[0];
  params.tokenCount = static_cast<std::uint32_t>(rows.size());
  params.firstLogits = static_cast<std::uint32_t>(rows.size()) - static_cast<std::uint32_t>(logitsRows);
  setCapture(params, rows, capture);
  std::ranges::copy(rows, params.tokens);

  const auto setupStart = Clock::now();
  StepProgram& steps = program(static_cast<int>(rows.size()), logitsRows);
  StepRecord record;
  record.overhead.setupMs = millisecondsSince(setupStart);
  record.overhead.prepareMs = millisecondsSince(prepareStart);
  const bool audits = m_build == KernelBuild::Audit;
  if (audits) std::ranges::fill(m_resources->audit.mapped<std::uint32_t>(), 0u);
  const auto submitStart = Clock::now();
  steps.run();
  record.deviceMs = millisecondsSince(submitStart);

  const auto readBackStart = Clock::now();
  requireFiniteLogits(rows, logitsRows);
  if (audits) addAudit(m_resources->audit, steps.stages(), m_audited);
  const std::vector<double> times = steps.stageTimesMs();
  const auto wantedHeads =
      static_cast<int>(capture.wantedHeads(m_shape.config.attention.queryHeadCount).size());
  StepRows stepRows{
      .tokens = rows, .logitsRows = logitsRows, .capturePooling = static_cast<int>(params.capturePooling)};
  for (std::size_t index = 0; index < times.size(); ++index) {
    const StepProgram::RecordedStage& recorded = steps.stages()[index];
    stepRows.capturedHeads = capture.wants(recorded.layer) ? wantedHeads : 0;
    const StageTraffic traffic =
        stageTraffic(recorded.stage, recorded.layer, m_shape, m_model.weights(), stepRows);
    record.stages.push_back({.stage = recorded.stage,
                             .layer = recorded.layer,
                             .gpuTimeMs = times[index],
                             .issued = traffic.issued,
                             .logical = traffic.logical,
                             .dispatchCount = recorded.dispatchCount});
  }
  record.attention = readAttention(rows, capture);
  record.overhead.submitMs = record.deviceMs - record.gpuTimeMs();
  record.overhead.readBackMs = millisecondsSince(readBackStart);
  return record;
}

model::AttentionRows VulkanDecoder::readAttention(std::span<const TokenParams> rows,
                                                  const Capture& capture) const {
  model::AttentionRows attention;
  if (rows[0].sequence != 0) return attention;
  for (int layer = 0; layer < m_shape.config.layerCount; ++layer) {
    if (capture.wants(layer)) attention.layers.push_back(layer);
  }
  if (attention.layers.empty()) return attention;
  const auto ofFirstSequence = std::ranges::count(rows, 0u, &TokenParams::sequence);
  attention.queryHeads = capture.wantedHeads(m_shape.config.attention.queryHeadCount);
  attention.rowCount = static_cast<int>(ofFirstSequence);
  attention.firstPosition = static_cast<int>(rows[0].position);
  const int positions = attention.firstPosition + attention.rowCount;
  const CaptureLayout layout = m_shape.captureLayout(capture, positions);
  attention.pooling = model::poolingFor(positions, capture.cells);
  attention.rowStride = attention.valueCount(attention.rowCount - 1);
  const std::size_t rowTotal =
      static_cast<std::size_t>(layout.slotCount) * static_cast<std::size_t>(attention.rowCount);
  attention.values.assign(rowTotal * static_cast<std::size_t>(attention.rowStride), 0.0f);

  const auto scores = m_resources->buffers.captured.mapped<const float>();
  const auto extents = m_resources->buffers.capturedExtent.mapped<const SoftmaxExtent>();
  const auto chunks = static_cast<std::size_t>(m_shape.chunkCount);
  const int valuesPerCell = attention.pooling / layout.pooling;
  for (std::size_t index = 0; index < rowTotal; ++index) {
    const int row = static_cast<int>(index) % attention.rowCount;
    const auto layer = static_cast<std::size_t>(index) / static_cast<std::size_t>(attention.rowCount) /
                       attention.queryHeads.size();
    const int window = m_shape.config.windowOf(attention.layers[layer]);
    const int unseen = window > 0 ? std::max(0, attention.firstPosition + row + 1 - window) : 0;
    const int cells = (attention.firstPosition + row + layout.pooling) / layout.pooling;
    normaliseRow(
        scores.subspan(index * static_cast<std::size_t>(layout.stride), static_cast<std::size_t>(cells)),
        static_cast<std::size_t>(unseen / layout.pooling), extents.subspan(index * chunks, chunks),
        valuesPerCell,
        std::span(attention.values).subspan(index * static_cast<std::size_t>(attention.rowStride)));
  }
  return attention;
}

int VulkanDecoder::blockRows(const Capture& capture, int position, std::size_t wanted) const {
  const auto rows = static_cast<int>(std::min(wanted, static_cast<std::size_t>(m_shape.blockTokens)));
  return m_shape.captureRows(capture, position, rows);
}

StepRecord VulkanDecoder::decodeStep(int token, const Capture& capture) {
  const int batch = m_shape.options.batch;
  std::vector<TokenParams> rows;
  for (int sequence = 0; sequence < batch; ++sequence) {
    rows.push_back({.token = static_cast<std::uint32_t>(token),
                    .position = static_cast<std::uint32_t>(m_position),
                    .sequence = static_cast<std::uint32_t>(sequence)});
  }
  StepRecord record = runRows(rows, batch, capture);
  const std::span<const float> logits = m_resources->buffers.logits.mapped<const float>();
  std::ranges::copy(logits.first(m_logits.size()), m_logits.begin());
  if (m_keepsAllLogits) m_allLogits.insert(m_allLogits.end(), m_logits.begin(), m_logits.end());
  return record;
}

StepRecord VulkanDecoder::prefillBlock(std::span<const int> tokens, const Capture& capture) {
  const int logitsRows = m_keepsAllLogits ? static_cast<int>(tokens.size()) : 1;
  StepRecord record;
  for (int sequence = 0; sequence < m_shape.options.batch; ++sequence) {
    std::vector<TokenParams> rows;
    for (std::size_t index = 0; index < tokens.size(); ++index) {
      rows.push_back({.token = static_cast<std::uint32_t>(tokens[index]),
                      .position = static_cast<std::uint32_t>(m_position) + static_cast<std::uint32_t>(index),
                      .sequence = static_cast<std::uint32_t>(sequence)});
    }
    StepRecord part = runRows(rows, logitsRows, capture);
    if (sequence > 0) {
      addStages(record, part);
      continue;
    }
    record = std::move(part);
    const std::span<const float> logits = m_resources->buffers.logits.mapped<const float>();
    const std::size_t wanted = static_cast<std::size_t>(logitsRows) * m_logits.size();
    std::ranges::copy(logits.subspan(wanted - m_logits.size(), m_logits.size()), m_logits.begin());
    if (m_keepsAllLogits) {
      m_allLogits.insert(m_allLogits.end(), logits.begin(),
                         logits.begin() + static_cast<std::ptrdiff_t>(wanted));
    }
  }
  return record;
}

std::vector<model::AttentionRows> VulkanDecoder::replay(int firstPosition, std::span<const int> tokens,
                                                        const Capture& capture) {
  model::checkReplay(firstPosition, tokens, m_position);
  return translateErrors([&] {
    std::vector<model::AttentionRows> replayed;
    for (std::size_t done = 0; done < tokens.size();) {
      const auto count = static_cast<std::size_t>(
          blockRows(capture, firstPosition + static_cast<int>(done), tokens.size() - done));
      std::vector<TokenParams> rows;
      for (std::size_t index = done; index < done + count; ++index) {
        rows.push_back(
            {.token = static_cast<std::uint32_t>(tokens[index]),
             .position = static_cast<std::uint32_t>(firstPosition) + static_cast<std::uint32_t>(index)});
      }
      replayed.push_back(runRows(rows, 1, capture).attention);
      done += count;
    }
    return replayed;
  });
}

std::vector<StepRecord> VulkanDecoder::run(std::span<const int> tokens, const Capture& capture) {
  model::checkRun(tokens, m_position, m_shape.options.contextLength, m_shape.config.vocabSize);
  return translateErrors([&] {
    m_allLogits.clear();
    m_audited.clear();
    std::vector<StepRecord> records;
    for (std::size_t done = 0; done < tokens.size();) {
      const auto start = Clock::now();
      const auto count = static_cast<std::size_t>(blockRows(capture, m_position, tokens.size() - done));
      const std::span<const int> block = tokens.subspan(done, count);
      StepRecord record = count == 1 ? decodeStep(block[0], capture) : prefillBlock(block, capture);
      const auto readBackStart = Clock::now();
      record.tokens.assign(block.begin(), block.end());
      record.position = m_position;
      m_position += static_cast<int>(count);
      done += count;

      record.cacheBytesUsed =
          model::kvCacheBytes(m_shape.config, m_shape.options.kvType, static_cast<std::uint64_t>(m_position),
                              static_cast<std::uint64_t>(m_shape.options.batch));
      record.cacheBytesAllocated = m_resources->cache.allocatedBytes();
      const model::Distribution next = model::summarise(m_logits, model::kCandidateCount);
      record.candidates = next.candidates;
      record.nextTokenEntropy = next.entropy;
      record.overhead.readBackMs += millisecondsSince(readBackStart);
      record.wallTimeMs = millisecondsSince(start);
      records.push_back(std::move(record));
    }
    return records;
  });
}

}  // namespace headroom::engine
