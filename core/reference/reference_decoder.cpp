#include "core/reference/reference_decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/model/clock.h"
#include "core/model/error.h"

namespace headroom::reference {

namespace {
using model::LogitsRequest;
using model::StepRecord;
using model::StepRow;

/// The options that a decoder states: context filled in, and the cache as it really is.
model::DecoderOptions filledIn(const model::ModelConfig& config, model::DecoderOptions options) {
  options.contextLength = model::contextOf(config, options);
  options.kvType = model::KvType::F64;
  if (options.batch < 1) {
    throw model::Error(
        fmt::format("A batch of {} sequences was asked for, expected 1 or more.", options.batch));
  }
  return options;
}

/// Adds times and traffic of the same stages of another sequence.
void addStages(std::vector<model::StageRecord>& total, const std::vector<model::StageRecord>& part) {
  if (total.empty()) total.resize(part.size());
  for (std::size_t index = 0; index < part.size(); ++index) {
    total[index].stage = part[index].stage;
    total[index].layer = part[index].layer;
    total[index].gpuTimeMs += part[index].gpuTimeMs;
    total[index].logical += part[index].logical;
  }
}
}  // namespace

ReferenceDecoder::ReferenceDecoder(const model::Model& model, const model::DecoderOptions& options,
                                   std::string note)
    : m_config(model.config),
      m_options(filledIn(model.config, options)),
      m_note(std::move(note)),
      m_roundedTo(options.kvType == model::KvType::F16 ? std::optional(options.kvType) : std::nullopt),
      m_pass(model, m_options.contextLength, m_roundedTo.has_value()),
      m_sequences(static_cast<std::size_t>(m_options.batch)),
      m_logits(static_cast<std::size_t>(m_options.batch)) {
  for (SequenceCache& sequence : m_sequences) sequence.layers.resize(model.weights.layers.size());
}

void ReferenceDecoder::truncateSequence(int sequence, int positions) {
  SequenceCache& cache = at(m_sequences, sequence);
  cache.truncate(std::clamp(positions, 0, cache.position), m_config.attention.kvDim());
}

void ReferenceDecoder::setInterventions(std::span<const model::HeadIntervention> interventions) {
  model::checkInterventions(interventions, m_config);
  m_pass.setInterventions(interventions);
}

void ReferenceDecoder::addLogits(const Matrix& x, const LogitsRequest& request, std::span<const int> targets,
                                 StepRecord& record) {
  const std::vector<int> wanted = model::wantedRows(record.rows, request.rows);
  if (wanted.empty()) return;
  Matrix rows(std::ssize(wanted), x.columns);
  std::vector<int> positions;
  for (std::size_t index = 0; index < wanted.size(); ++index) {
    std::ranges::copy(x.row(wanted[index]), rows.row(static_cast<std::int64_t>(index)).begin());
    positions.push_back(record.rows[static_cast<std::size_t>(wanted[index])].position);
  }
  const Matrix logits = m_pass.logits(rows, positions, record);
  for (std::size_t index = 0; index < wanted.size(); ++index) {
    const std::span<const double> values = logits.row(static_cast<std::int64_t>(index));
    if (request.form == LogitsRequest::Form::Summary) {
      const int target = targets.empty() ? -1 : targets[static_cast<std::size_t>(wanted[index])];
      record.summaries.push_back(model::summaryOf(values, wanted[index], target, request.topCount));
      continue;
    }
    at(m_logits, record.rows[static_cast<std::size_t>(wanted[index])].sequence)
        .assign(values.begin(), values.end());
    if (request.rows == LogitsRequest::Rows::All)
      record.logits.insert(record.logits.end(), values.begin(), values.end());
  }
  if (request.form == LogitsRequest::Form::Summary) return;
  model::addCandidates(logitsOf(record.rows.front().sequence), record);
}

StepRecord ReferenceDecoder::step(std::span<const StepRow> rows, const model::StepRequest& request,
                                  std::span<const int> targets) {
  StepRecord record = model::recordOf(rows);
  Matrix x(std::ssize(rows), m_config.modelDim);
  for (int sequence = 0; sequence < m_options.batch; ++sequence) {
    std::vector<int> tokens;
    std::vector<std::int64_t> indices;
    for (std::size_t index = 0; index < rows.size(); ++index) {
      if (rows[index].sequence != sequence) continue;
      tokens.push_back(rows[index].token);
      indices.push_back(static_cast<std::int64_t>(index));
    }
    if (tokens.empty()) continue;
    const bool captures = sequence == request.capture.sequence;
    StepRecord part;
    const Matrix stream = m_pass.run(tokens, at(m_sequences, sequence),
                                     captures ? request.capture : model::Capture::none(), part);
    for (std::size_t index = 0; index < indices.size(); ++index) {
      std::ranges::copy(stream.row(static_cast<std::int64_t>(index)), x.row(indices[index]).begin());
    }
    addStages(record.stages, part.stages);
    if (!captures) continue;
    record.attention = std::move(part.attention);
    record.activations = std::move(part.activations);
  }
  addLogits(x, request.logits, targets, record);
  for (const SequenceCache& sequence : m_sequences) {
    for (const SequenceCache::Layer& layer : sequence.layers) {
      record.cacheBytesUsed += (layer.keys.size() + layer.values.size()) * sizeof(double);
      record.cacheBytesAllocated += (layer.keys.capacity() + layer.values.capacity()) * sizeof(double);
    }
  }
  return record;
}

StepRecord ReferenceDecoder::runStep(std::span<const StepRow> rows, const model::StepRequest& request,
                                     std::span<const int> targets) {
  std::vector<int> positions;
  for (const SequenceCache& sequence : m_sequences) positions.push_back(sequence.position);
  try {
    return step(rows, request, targets);
  } catch (const model::Error&) {
    for (std::size_t sequence = 0; sequence < positions.size(); ++sequence) {
      m_sequences[sequence].truncate(positions[sequence], m_config.attention.kvDim());
    }
    throw;
  }
}

std::vector<StepRecord> ReferenceDecoder::runRows(std::span<const StepRow> rows,
                                                  const model::StepRequest& request) {
  model::checkRows(*this, rows, request);
  std::span<const int> targets = request.logits.targets;
  std::vector<StepRecord> records;
  while (!rows.empty()) {
    const auto start = model::Clock::now();
    const std::size_t count = model::stepLength(rows, std::size_t{kBlockRows});
    const std::size_t asked = std::min(targets.size(), count);
    records.push_back(runStep(rows.first(count), request, targets.first(asked)));
    records.back().wallTimeMs = model::millisecondsSince(start);
    records.back().overhead.readBackMs = records.back().wallTimeMs - records.back().gpuTimeMs();
    rows = rows.subspan(count);
    targets = targets.subspan(asked);
  }
  return records;
}

std::vector<model::AttentionRows> ReferenceDecoder::replay(int firstPosition, std::span<const int> tokens,
                                                           const model::Capture& capture) {
  model::checkReplay(firstPosition, tokens, positionOf(capture.sequence));
  // Runs them again; the state afterwards is the one before.
  SequenceCache& sequence = at(m_sequences, capture.sequence);
  const SequenceCache before = sequence;
  sequence.truncate(firstPosition, m_config.attention.kvDim());
  std::vector<model::AttentionRows> replayed;
  try {
    for (; !tokens.empty(); tokens = tokens.subspan(std::min(tokens.size(), std::size_t{kBlockRows}))) {
      StepRecord record;
      m_pass.run(tokens.first(std::min(tokens.size(), std::size_t{kBlockRows})), sequence, capture, record);
      replayed.push_back(std::move(record.attention));
    }
  } catch (const model::Error&) {
    sequence = before;
    throw;
  }
  sequence = before;
  return replayed;
}

}  // namespace headroom::reference
