#include "core/engine/vulkan_decoder.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "core/engine/memory_plan.h"
#include "core/engine/stage_captures.h"
#include "core/engine/stage_inspector.h"
#include "core/engine/stage_traffic.h"
#include "core/engine/step_input.h"
#include "core/engine/step_output.h"
#include "core/engine/translate_errors.h"
#include "core/model/clock.h"
#include "core/model/error.h"
#include "core/model/finite.h"
#include "core/vulkan/kernel_store.h"

namespace headroom::engine {

namespace {

using model::Capture;
using model::Clock;
using model::millisecondsSince;
using model::StepRecord;

/// Programs of other forms (the rest of a prompt, captured values, changed heads) that are kept beside those
/// of whole blocks and steps.
constexpr std::size_t kKeptPrograms = 8;

}  // namespace

VulkanDecoder::Resources::Resources(vulkan::Device& device, const StepShape& shape)
    : cache(device, shape.config, shape.options.kvType, shape.options.contextLength, shape.options.batch),
      buffers(device, shape) {}

VulkanDecoder::VulkanDecoder(const DeviceModel& deviceModel, const model::DecoderOptions& options,
                             KernelBuild build)
    : m_model(deviceModel), m_device(deviceModel.device()), m_build(build) {
  translateErrors([&] {
    model::DecoderOptions planned = options;
    planned.kernels = m_model.planFor(options.kernels);
    m_shape = StepShape::make(m_device.info(), m_model.config(), planned);
    m_tiledShape = m_shape.forQueryTiles();
    const MemoryPlan memory =
        planMemory(m_device.info(), m_device.memory(), {.need = m_model.need(), .areThere = true}, &m_shape);
    memory.require();
    m_need = memory.decoder;
    m_resources = std::make_unique<Resources>(m_device, m_shape);
    program({.rows = m_shape.options.batch, .logitsRows = m_shape.options.batch});
    m_device.finishUploads();
  });
  m_positions.resize(static_cast<std::size_t>(m_shape.options.batch));
  m_logits.resize(m_positions.size() * static_cast<std::size_t>(m_shape.config.vocabSize));
}

VulkanDecoder::~VulkanDecoder() = default;

void VulkanDecoder::truncateSequence(int sequence, int positions) {
  int& position = m_positions[static_cast<std::size_t>(sequence)];
  position = std::clamp(positions, 0, position);
}

void VulkanDecoder::setInterventions(std::span<const model::HeadIntervention> interventions) {
  model::checkInterventions(interventions, m_shape.config);
  translateErrors([&] {
    InterventionTable table(m_device, m_shape.config, interventions);
    // Their commands read the table that goes.
    std::erase_if(m_resources->programs,
                  [](const auto& entry) { return !entry.first.changedLayers.empty(); });
    m_interventions = std::move(table);
  });
}

std::span<const float> VulkanDecoder::logitsOf(int sequence) const {
  const auto vocabSize = static_cast<std::size_t>(m_shape.config.vocabSize);
  return std::span(m_logits).subspan(static_cast<std::size_t>(sequence) * vocabSize, vocabSize);
}

void VulkanDecoder::fillCache(int positions, unsigned seed) {
  if (positions < 0 || positions > m_shape.options.contextLength) {
    throw model::Error(fmt::format("The cache holds {} positions and cannot be filled up to {}.",
                                   m_shape.options.contextLength, positions));
  }
  translateErrors([&] { m_resources->cache.fill(m_device, seed); });
  std::ranges::fill(m_positions, positions);
}

StepProgram& VulkanDecoder::program(const StepForm& form) {
  Resources& resources = *m_resources;
  const auto found = resources.programs.find(form);
  if (found != resources.programs.end()) return found->second;
  if (resources.programs.size() >= kKeptPrograms) {
    std::erase_if(resources.programs, [&](const auto& entry) {
      const StepForm& kept = entry.first;
      const bool isPlain = kept.captures.empty() && kept.changedLayers.empty();
      return !isPlain || (kept.rows != m_shape.options.batch && kept.rows != m_shape.blockTokens);
    });
  }
  if (m_build == KernelBuild::Audit)
    makeAudit(StepProgram::dispatchTotal(shapeFor(form), m_model.weights(), form));
  const std::size_t kernelsBefore = m_device.kernels().size();
  const StepResources step = stepResources(form);
  StepProgram recorded(m_device, step, form);
  if (m_device.kernels().size() > kernelsBefore) {
    // What the driver does at the first use of a kernel belongs to making it, not to the first token.
    StepProgram(m_device, step, form, vulkan::Workgroups::None).run();
  }
  return resources.programs.emplace(form, std::move(recorded)).first->second;
}

void VulkanDecoder::makeAudit(int dispatches) {
  const std::uint64_t bytes = kAuditStride * static_cast<std::uint64_t>(dispatches);
  if (m_resources->audit.bytes() >= bytes) return;
  m_resources->programs.clear();  // they count into the old one
  m_resources->audit = vulkan::Buffer(m_device, bytes, vulkan::MemoryPlace::Host, "counters of an audit");
}

StepResources VulkanDecoder::stepResources(const StepForm& form) {
  Resources& resources = *m_resources;
  const StepShape& shape = shapeFor(form);
  const TokenTile tile = shape.tileOf(form.rows);
  std::unique_ptr<StepKernels>& kernels =
      resources.kernels[shape.tilesQueries ? kTokenTiles : static_cast<int>(tile)];
  if (!kernels) kernels = std::make_unique<StepKernels>(m_device, shape, m_model.weights(), tile, m_build);
  return {.shape = shape,
          .kernels = *kernels,
          .weights = m_model.weights(),
          .cache = resources.cache,
          .buffers = resources.buffers,
          .interventions = &m_interventions,
          .audit = m_build == KernelBuild::Audit ? &resources.audit : nullptr};
}

void VulkanDecoder::requireFiniteLogits(const StepForm& form) {
  if (form.logitsRows == 0) return;
  const StepBuffers& buffers = m_resources->buffers;
  const std::optional<float> value = nonFiniteLogit(m_shape, buffers, form);
  if (!value) return;
  const StepParams& params = buffers.params.mapped<const StepParams>()[0];
  const auto found =
      findNonFinite(m_device, stepResources(form), form)
          .value_or(NonFiniteValue{.position = static_cast<int>(params.tokens[form.rows - 1].position),
                                   .value = *value});
  throw model::Error(model::nonFiniteSentence(found.stage, found.layer, found.position, found.value));
}

void VulkanDecoder::addStages(const StepProgram& steps, const StepForm& form, const Capture& capture,
                              StepRecord& record) const {
  const StepParams& params = m_resources->buffers.params.mapped<const StepParams>()[0];
  const auto targets = std::span(params.targets).first(params.logitsCount);
  const auto wantedHeads =
      static_cast<int>(capture.wantedHeads(m_shape.config.attention.queryHeadCount).size());
  StepRows rows{.tokens = std::span(params.tokens).first(params.tokenCount),
                .form = form,
                .topCount = static_cast<int>(params.topCount),
                .targetCount = static_cast<int>(std::ssize(targets) - std::ranges::count(targets, kNoSlot)),
                .interventions = &m_interventions,
                .capturePooling = static_cast<int>(params.capturePooling)};
  const std::vector<double> times = steps.stageTimesMs();
  for (std::size_t index = 0; index < times.size(); ++index) {
    const StepProgram::RecordedStage& recorded = steps.stages()[index];
    rows.capturedHeads = capture.wants(recorded.layer) ? wantedHeads : 0;
    const StageTraffic traffic =
        stageTraffic(recorded.stage, recorded.layer, shapeFor(form), m_model.weights(), rows);
    record.stages.push_back({.stage = recorded.stage,
                             .layer = recorded.layer,
                             .gpuTimeMs = times[index],
                             .issued = traffic.issued,
                             .logical = traffic.logical,
                             .dispatchCount = recorded.dispatchCount});
  }
}

void VulkanDecoder::addLogits(const StepForm& form, const model::LogitsRequest& request, StepRecord& record) {
  if (form.logitsRows == 0) return;
  if (form.logits == LogitsTarget::Summary) {
    record.summaries = readSummaries(m_resources->buffers);
    return;
  }
  const StepParams& params = m_resources->buffers.params.mapped<const StepParams>()[0];
  const auto vocabSize = static_cast<std::size_t>(m_shape.config.vocabSize);
  const auto logits = m_resources->buffers.logits.mapped<const float>().first(params.logitsCount * vocabSize);
  for (std::size_t index = 0; index < params.logitsCount; ++index) {
    const std::uint32_t sequence = params.tokens[params.logitsRows[index]].sequence;
    std::ranges::copy(logits.subspan(index * vocabSize, vocabSize),
                      m_logits.begin() + static_cast<std::ptrdiff_t>(sequence * vocabSize));
  }
  if (request.rows == model::LogitsRequest::Rows::All) record.logits.assign(logits.begin(), logits.end());
  model::addCandidates(logitsOf(record.rows.front().sequence), record);
}

StepRecord VulkanDecoder::runStep(std::span<const model::StepRow> rows, const model::StepRequest& request,
                                  std::span<const int> targets) {
  const auto prepareStart = Clock::now();
  StepRecord record = model::recordOf(rows);
  StepParams& params = m_resources->buffers.params.mapped<StepParams>()[0];
  StepForm form = fillIn(params, m_shape, rows, request, targets);
  form.changedLayers = m_interventions.layers();
  const auto setupStart = Clock::now();
  StepProgram& steps = program(form);
  record.overhead.setupMs = millisecondsSince(setupStart);
  record.overhead.prepareMs = millisecondsSince(prepareStart);
  const bool audits = m_build == KernelBuild::Audit;
  if (audits) std::ranges::fill(m_resources->audit.mapped<std::uint32_t>(), 0u);
  const auto submitStart = Clock::now();
  steps.run();
  record.deviceMs = millisecondsSince(submitStart);

  const auto readBackStart = Clock::now();
  requireFiniteLogits(form);
  if (audits) addAudit(m_resources->audit, steps.stages(), m_audited);
  addStages(steps, form, request.capture, record);
  record.attention = readAttention(shapeFor(form), m_resources->buffers, request.capture);
  record.activations = readCaptures(shapeFor(form), m_resources->buffers, form);
  addLogits(form, request.logits, record);
  record.overhead.submitMs = record.deviceMs - record.gpuTimeMs();
  record.overhead.readBackMs = millisecondsSince(readBackStart);
  return record;
}

std::vector<model::AttentionRows> VulkanDecoder::replay(int firstPosition, std::span<const int> tokens,
                                                        const Capture& capture) {
  model::checkReplay(firstPosition, tokens, positionOf(capture.sequence));
  std::vector<model::StepRow> rows;
  for (std::size_t index = 0; index < tokens.size(); ++index) {
    rows.push_back({capture.sequence, tokens[index], firstPosition + static_cast<int>(index)});
  }
  return translateErrors([&] {
    const model::StepRequest request{capture, model::LogitsRequest::none()};
    std::vector<model::AttentionRows> replayed;
    for (std::span<const model::StepRow> rest(rows); !rest.empty();) {
      const std::size_t count = stepRows(m_shape, rest, request);
      replayed.push_back(runStep(rest.first(count), request, {}).attention);
      rest = rest.subspan(count);
    }
    return replayed;
  });
}

std::vector<int> VulkanDecoder::decodeAhead(int token, int count) {
  if (!decodesAhead()) return Decoder::decodeAhead(token, count);
  if (count < 1 || count > model::kMostAhead)
    throw model::Error(
        fmt::format("{} steps ahead were asked for, expected 1 to {}.", count, model::kMostAhead));
  std::vector<model::StepRow> rows;  // of all steps, by sequences
  for (int sequence = 0; sequence < m_shape.options.batch; ++sequence) {
    for (int step = 0; step < count; ++step) rows.push_back({sequence, token, positionOf(sequence) + step});
  }
  const model::StepRequest request{.logits = model::LogitsRequest::top(1, model::LogitsRequest::Rows::Last),
                                   .timesStages = false};
  model::checkRows(*this, rows, request);
  std::erase_if(rows, [&](const model::StepRow& row) { return row.position != positionOf(row.sequence); });
  return translateErrors([&] {
    StepBuffers& buffers = m_resources->buffers;
    StepForm form = fillIn(buffers.params.mapped<StepParams>()[0], m_shape, rows, request, {});
    form.changedLayers = m_interventions.layers();
    form.advances = true;
    StepProgram& steps = program(form);
    const std::span<std::uint32_t> ahead = buffers.ahead.mapped<std::uint32_t>();
    ahead[0] = 0;
    vulkan::Recorder first(m_device, 0, vulkan::Workgroups::AsAsked, vulkan::TimeStamps::None);
    buffers.recordParams(first);
    first.finish();
    steps.run(first, count);

    std::vector<int> tokens;
    for (std::size_t step = 0; step < static_cast<std::size_t>(count) && ahead[2 + 2 * step] == 0; ++step)
      tokens.push_back(static_cast<int>(ahead[1 + 2 * step]));
    for (int& position : m_positions) position += static_cast<int>(tokens.size());
    return tokens;
  });
}

std::vector<StepRecord> VulkanDecoder::runRows(std::span<const model::StepRow> rows,
                                               const model::StepRequest& request) {
  model::checkRows(*this, rows, request);
  return translateErrors([&] {
    m_audited.clear();
    std::span<const int> targets = request.logits.targets;
    std::vector<StepRecord> records;
    while (!rows.empty()) {
      const auto start = Clock::now();
      const std::size_t count = stepRows(m_shape, rows, request);
      const std::size_t asked = std::min(targets.size(), count);
      StepRecord record = runStep(rows.first(count), request, targets.first(asked));
      for (const model::StepRow& row : record.rows) ++m_positions[static_cast<std::size_t>(row.sequence)];
      for (const int positions : m_positions) {
        record.cacheBytesUsed += model::kvCacheBytes(m_shape.config, m_shape.options.kvType,
                                                     static_cast<std::uint64_t>(positions));
      }
      record.cacheBytesAllocated = m_resources->cache.allocatedBytes();
      record.wallTimeMs = millisecondsSince(start);
      records.push_back(std::move(record));
      rows = rows.subspan(count);
      targets = targets.subspan(asked);
    }
    return records;
  });
}

}  // namespace headroom::engine
