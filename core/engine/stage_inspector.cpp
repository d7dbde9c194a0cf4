#include "core/engine/stage_inspector.h"

#include <cmath>
#include <vector>

#include "core/model/finite.h"
#include "core/model/tensor.h"

namespace headroom::engine {

namespace {

using model::Stage;

/// Looks through what one stage wrote.
class Inspector {
 public:
  Inspector(vulkan::Device& device, const StepResources& step, const StepForm& form)
      : m_device(device),
        m_step(step),
        m_rows(std::span(params().tokens).first(static_cast<std::size_t>(form.rows))) {
    for (int index = 0; index < form.logitsRows; ++index)
      m_logitsRows.push_back(m_rows[params().logitsRows[index]]);
  }

  std::optional<NonFiniteValue> find(Stage stage, int layer) {
    m_found.reset();
    const StepShape& shape = m_step.shape;
    const StepBuffers& buffers = m_step.buffers;
    switch (stage) {
      case Stage::Embedding:
      case Stage::FfnDown:
        look(buffers.stream, shape.streamColumns());
        break;
      case Stage::QkvProjection:
        look(buffers.query, queryDim());
        lookAtCache(m_step.cache.keyOffset(layer));
        lookAtCache(m_step.cache.valueOffset(layer));
        break;
      case Stage::AttentionDecode:
        lookAtPartialResults(layer);
        lookAtExtents();
        break;
      case Stage::AttentionOutput:
        if (shape.rowsFamily()) look(buffers.attended, shape.attendedColumns());
        look(buffers.stream, shape.streamColumns());
        break;
      case Stage::FfnGateUp:
        look(buffers.hidden, shape.hiddenColumns());
        break;
      case Stage::Logits:
        look(buffers.logits.mapped<const float>().first(m_logitsRows.size() * vocabSize()), vocabSize(),
             m_logitsRows);
        break;
    }
    if (m_found) {
      m_found->stage = stage;
      m_found->layer = layer;
    }
    return m_found;
  }

 private:
  const StepParams& params() const { return m_step.buffers.params.mapped<const StepParams>()[0]; }
  std::uint64_t queryDim() const {
    return static_cast<std::uint64_t>(m_step.shape.config.attention.queryDim());
  }
  std::size_t vocabSize() const { return static_cast<std::size_t>(m_step.shape.config.vocabSize); }

  /// Keeps the first value that is not finite; `values` are [row][columns].
  void look(std::span<const float> values, std::uint64_t columns, std::span<const TokenParams> rows) {
    const std::size_t index = model::firstNonFinite(values);
    if (m_found || index == values.size()) return;
    m_found =
        NonFiniteValue{.position = static_cast<int>(rows[index / columns].position), .value = values[index]};
  }

  std::vector<float> read(const vulkan::Buffer& buffer, std::uint64_t offset, std::uint64_t count) {
    std::vector<float> values(count);
    vulkan::download(m_device, buffer, offset, std::as_writable_bytes(std::span(values)));
    return values;
  }

  void look(const vulkan::Buffer& buffer, std::uint64_t columns) {
    if (!m_found) look(read(buffer, 0, m_rows.size() * columns), columns, m_rows);
  }

  /// The keys, or values, that the step appended to the section at `offset`: [sequence][kvHead][position]
  /// [headDim].
  void lookAtCache(std::uint64_t offset) {
    const model::DecoderOptions& options = m_step.shape.options;
    const auto heads = static_cast<std::uint64_t>(m_step.shape.config.attention.kvHeadCount);
    const auto headDim = static_cast<std::uint64_t>(m_step.shape.config.attention.headDim);
    const auto context = static_cast<std::uint64_t>(options.contextLength);
    const auto elementBytes = static_cast<std::uint64_t>(model::bytesPerElement(options.kvType));
    for (std::size_t first = 0; first < m_rows.size() && !m_found;) {
      // Rows that follow each other in a sequence lie side by side.
      std::size_t end = first + 1;
      while (end < m_rows.size() && m_rows[end].sequence == m_rows[first].sequence &&
             m_rows[end].position == m_rows[end - 1].position + 1) {
        ++end;
      }
      for (std::uint64_t head = 0; head < heads; ++head) {
        const std::uint64_t element =
            ((m_rows[first].sequence * heads + head) * context + m_rows[first].position) * headDim;
        look(readCache(offset + element * elementBytes, (end - first) * headDim), headDim,
             m_rows.subspan(first, end - first));
      }
      first = end;
    }
  }

  std::vector<float> readCache(std::uint64_t offset, std::uint64_t count) {
    if (m_step.shape.options.kvType == model::KvType::F32) return read(m_step.cache.buffer(), offset, count);
    std::vector<std::uint16_t> halves(count);
    vulkan::download(m_device, m_step.cache.buffer(), offset, std::as_writable_bytes(std::span(halves)));
    std::vector<float> values;
    for (const std::uint16_t half : halves) values.push_back(model::halfToFloat(half));
    return values;
  }

  /// Of the chunks that have any.
  void lookAtPartialResults(int layer) {
    const std::uint64_t columns = queryDim() * static_cast<std::uint64_t>(m_step.shape.chunkCount);
    if (m_found) return;
    std::vector<float> values = read(m_step.buffers.partial, 0, m_rows.size() * columns);
    for (std::size_t row = 0; row < m_rows.size(); ++row) {
      const auto used = queryDim() * static_cast<std::uint64_t>(
                                         m_step.shape.usedChunks(m_rows[row].position + 1ull, layer));
      std::ranges::fill(std::span(values).subspan(row * columns + used, columns - used), 0.0f);
    }
    look(values, columns, m_rows);
  }

  /// Maximum and sum of each chunk; one without keys has minus infinity and 0.
  void lookAtExtents() {
    const std::uint64_t columns = 2ull * static_cast<std::uint64_t>(m_step.shape.chunkCount) *
                                  static_cast<std::uint64_t>(m_step.shape.config.attention.queryHeadCount);
    if (m_found) return;
    std::vector<float> values = read(m_step.buffers.extent, 0, m_rows.size() * columns);
    for (std::size_t index = 0; index < values.size(); index += 2) {
      if (values[index + 1] == 0.0f && values[index] < 0.0f && std::isinf(values[index]))
        values[index] = 0.0f;
    }
    look(values, columns, m_rows);
  }

  vulkan::Device& m_device;
  const StepResources& m_step;
  std::span<const TokenParams> m_rows;
  std::vector<TokenParams> m_logitsRows;
  std::optional<NonFiniteValue> m_found;
};

}  // namespace

std::optional<NonFiniteValue> findNonFinite(vulkan::Device& device, const StepResources& step,
                                            StepForm form) {
  form.logits = LogitsTarget::Host;  // where they can be looked through
  Inspector inspector(device, step, form);
  for (const auto& [stage, layer] : StepProgram::stageOrder(step.shape, form)) {
    vulkan::Recorder recorder(device, dispatchCount(step.shape, step.weights, form, stage, layer));
    recordStage(recorder, step, form, stage, layer);
    recorder.finish();
    recorder.run();
    if (const auto found = inspector.find(stage, layer)) return found;
  }
  return std::nullopt;
}

}  // namespace headroom::engine
