#include "core/engine/weight_layout.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "core/engine/row_terms.h"
#include "core/engine/step_shape.h"
#include "core/engine/translate_errors.h"

namespace headroom::engine {

namespace {

using model::KernelFamily;
using model::Storage;
using model::Tensor;

using Biases = std::vector<std::pair<const Tensor*, const Tensor*>>;

/// Whether bytes of a Q8_0 tensor hold -128, which signed normalised texels cannot tell from -127.
bool holdsMinus128(const Tensor& tensor) {
  for (std::size_t block = 0; block + model::kQ8BlockBytes <= tensor.bytes.size();
       block += model::kQ8BlockBytes) {
    const auto quants = tensor.bytes.subspan(block + 2, model::kQ8BlockElements);
    if (std::ranges::find(quants, std::byte{0x80}) != quants.end()) return true;
  }
  return false;
}

/// Which projections have row terms: the same in all layers, so that one kernel serves them.
struct TermsWanted {
  bool qkv = false, attentionOutput = false, gateUp = false, ffnDown = false, output = false;

  explicit TermsWanted(const model::Model& model) {
    const bool layerNorm = model.config.traits.norm == model::Norm::Layer;
    qkv = gateUp = output = layerNorm;
    output |= !model.weights.outputBias.empty();
    for (const model::LayerWeights& layer : model.weights.layers) {
      qkv |= !layer.queryBias.empty() || !layer.keyBias.empty() || !layer.valueBias.empty();
      attentionOutput |= !layer.attentionOutputBias.empty();
      gateUp |= !layer.ffnGateBias.empty() || !layer.ffnUpBias.empty();
      ffnDown |= !layer.ffnDownBias.empty();
    }
  }
};

/// Lays out matrices for one family of kernels.
class LayoutMaker {
 public:
  LayoutMaker(const model::Model& model, const model::KernelPlan& plan, DeviceStorage storage)
      : m_model(model), m_plan(plan), m_storage(storage) {}

  MatrixLayout plain(const Tensor& tensor, const std::string& what) const {
    return make({&tensor}, tensor.rows, what, [&tensor](std::int64_t row) {
      return RowReference{&tensor, row};
    });
  }

  ProjectionLayout projection(const Tensor& tensor, const Tensor& bias, const NormSource& norm,
                              const std::string& what, bool hasTerms) const {
    return {plain(tensor, what), hasTerms, norm, {{&tensor, &bias}}};
  }

  /// Rows of Q, then K, then V, heads in adjacent-pair RoPE order; neighbours that are kept alike in one
  /// matrix.
  std::vector<ProjectionLayout> qkv(const model::LayerWeights& layer, const NormSource& norm,
                                    const std::string& what, bool hasTerms) const {
    const Biases sources{
        {&layer.query, &layer.queryBias}, {&layer.key, &layer.keyBias}, {&layer.value, &layer.valueBias}};
    std::vector<ProjectionLayout> parts;
    std::int64_t firstRow = 0;
    for (const auto& [tensor, bias] : sources) {
      const Storage kept = keptAs({tensor});
      if (parts.empty() || parts.back().matrix.form.storage != kept) {
        parts.push_back({.matrix = make(kept, *tensor, 0, what, {}),
                         .hasTerms = hasTerms,
                         .norm = norm,
                         .biases = {},
                         .firstRow = firstRow});
      }
      parts.back().biases.emplace_back(tensor, bias);
      parts.back().matrix.form.rows += tensor->rows;
      firstRow += tensor->rows;
    }
    for (ProjectionLayout& part : parts) {
      part.matrix.rowAt = [&config = m_model.config, sources = part.biases,
                           value = &layer.value](std::int64_t row) {
        for (const auto& [tensor, bias] : sources) {
          if (row < tensor->rows)
            return RowReference{tensor, tensor == value ? row : model::adjacentPairRow(config, row)};
          row -= tensor->rows;
        }
        return RowReference{};
      };
    }
    return parts;
  }

  /// Gate and up by turns, as many rows of each as the kernels compute side by side.
  ProjectionLayout gateUp(const model::LayerWeights& layer, const NormSource& norm, const std::string& what,
                          bool hasTerms) const {
    const std::int64_t turn = m_plan.family == KernelFamily::Packed ? kBlockRows : 1;
    const auto rows = static_cast<std::int64_t>(
        2 * roundUp(static_cast<std::uint64_t>(layer.ffnGate.rows), static_cast<std::uint64_t>(turn)));
    const auto rowAt = [&layer, turn](std::int64_t row) {
      const Tensor& source = row / turn % 2 == 0 ? layer.ffnGate : layer.ffnUp;
      const std::int64_t sourceRow = row / (2 * turn) * turn + row % turn;
      return sourceRow < source.rows ? RowReference{&source, sourceRow} : RowReference{};
    };
    Biases biases{{&layer.ffnGate, &layer.ffnGateBias}, {&layer.ffnUp, &layer.ffnUpBias}};
    return {make({&layer.ffnGate, &layer.ffnUp}, rows, what, rowAt), hasTerms, norm, std::move(biases)};
  }

 private:
  /// As stored where there are kernels for it and all sources are stored alike, else F32.
  Storage keptAs(std::initializer_list<const Tensor*> tensors) const {
    const Storage first = (*tensors.begin())->storage;
    const bool alike =
        std::ranges::all_of(tensors, [&](const Tensor* tensor) { return tensor->storage == first; });
    if (m_storage != DeviceStorage::AsStored || !alike) return Storage::F32;
    if (!hasKernels(m_plan.family, first)) return Storage::F32;
    if (first != Storage::Q8_0) return first;
    return m_plan.family == KernelFamily::Packed && anyHoldsMinus128(tensors) ? Storage::F32 : first;
  }

  /// Looks at each tensor once: a tied one is laid out twice.
  bool anyHoldsMinus128(std::initializer_list<const Tensor*> tensors) const {
    return std::ranges::any_of(tensors, [&](const Tensor* tensor) {
      const auto [known, isNew] = m_holdsMinus128.try_emplace(tensor->bytes.data());
      if (isNew) {
        known->second = holdsMinus128(*tensor);
        if (m_model.memory) m_model.memory->letGo(tensor->bytes);
      }
      return known->second;
    });
  }

  MatrixLayout make(std::initializer_list<const Tensor*> tensors, std::int64_t rows, const std::string& what,
                    const std::function<RowReference(std::int64_t)>& rowAt) const {
    return make(keptAs(tensors), **tensors.begin(), rows, what, rowAt);
  }
  MatrixLayout make(Storage kept, const Tensor& first, std::int64_t rows, const std::string& what,
                    const std::function<RowReference(std::int64_t)>& rowAt) const {
    return {.form = {.rows = rows,
                     .columns = first.columns,
                     .storage = kept,
                     .family = m_plan.family,
                     .rowBlocks = m_plan.rowBlocks},
            .what = what,
            .stored = first.storage,
            .rowAt = rowAt};
  }

  const model::Model& m_model;
  const model::KernelPlan& m_plan;
  DeviceStorage m_storage;
  mutable std::map<const std::byte*, bool> m_holdsMinus128;  // by where a tensor begins
};

LayerLayout layerLayout(const LayoutMaker& make, const model::Model& model, int index,
                        const TermsWanted& wanted) {
  const model::Traits& traits = model.config.traits;
  const model::LayerWeights& layer = model.weights.layers[static_cast<std::size_t>(index)];
  const auto what = [&](const char* part) { return fmt::format("{} of layer {}", part, index); };
  const bool layerNorm = traits.norm == model::Norm::Layer;
  const NormSource attentionNorm =
      layerNorm ? NormSource{&layer.attentionNorm, &layer.attentionNormBias} : NormSource{};
  const NormSource ffnNorm = layerNorm ? NormSource{&layer.ffnNorm, &layer.ffnNormBias} : NormSource{};
  const bool gated = traits.feedForward == model::FeedForward::Gated;
  return {.attentionNorm = &layer.attentionNorm,
          .qkv = make.qkv(layer, attentionNorm, what("Q, K and V"), wanted.qkv),
          .queryNorm = traits.headNorms ? &layer.queryNorm : nullptr,
          .keyNorm = traits.headNorms ? &layer.keyNorm : nullptr,
          .attentionOutput = make.projection(layer.attentionOutput, layer.attentionOutputBias, {},
                                             what("the attention output"), wanted.attentionOutput),
          .attentionPostNorm = traits.branchNorms ? &layer.attentionPostNorm : nullptr,
          .ffnNorm = &layer.ffnNorm,
          .gateUp = gated ? make.gateUp(layer, ffnNorm, what("gate and up"), wanted.gateUp)
                          : make.projection(layer.ffnUp, layer.ffnUpBias, ffnNorm, what("the up projection"),
                                            wanted.gateUp),
          .ffnDown = make.projection(layer.ffnDown, layer.ffnDownBias, {}, what("the down projection"),
                                     wanted.ffnDown),
          .ffnPostNorm = traits.branchNorms ? &layer.ffnPostNorm : nullptr};
}

}  // namespace

std::uint64_t gainBytes(const Tensor* gains) {
  return gains == nullptr ? 0 : paddedColumns(static_cast<std::uint64_t>(gains->columns)) * sizeof(float);
}

std::uint64_t positionBytes(const Tensor& positions) {
  return static_cast<std::uint64_t>(positions.rows) *
         paddedColumns(static_cast<std::uint64_t>(positions.columns)) * sizeof(float);
}

std::uint64_t ProjectionLayout::termBytes() const {
  return hasTerms ? RowTerms::bytesOf(static_cast<std::uint64_t>(matrix.form.rows)) : 0;
}

std::uint64_t LayerLayout::bytes() const {
  std::uint64_t bytes = attentionOutput.bytes() + gateUp.bytes() + ffnDown.bytes();
  for (const ProjectionLayout& part : qkv) bytes += part.bytes();
  for (const Tensor* gains : {attentionNorm, ffnNorm, attentionPostNorm, ffnPostNorm})
    bytes += gainBytes(gains);
  if (queryNorm != nullptr) {
    bytes += static_cast<std::uint64_t>(queryNorm->columns + keyNorm->columns) * sizeof(float);
  }
  return bytes;
}

WeightLayout::WeightLayout(const model::Model& source, const model::KernelPlan& kernels,
                           DeviceStorage storage)
    : model(source), plan(kernels), tied(source.weights.tied()) {
  const model::Weights& weights = source.weights;
  const LayoutMaker make(source, plan, storage);
  const TermsWanted wanted(source);
  const bool layerNorm = source.config.traits.norm == model::Norm::Layer;
  tokenEmbedding = make.plain(weights.tokenEmbedding, "the token embedding");
  outputNorm = &weights.outputNorm;
  output =
      make.projection(weights.output, weights.outputBias,
                      layerNorm ? NormSource{&weights.outputNorm, &weights.outputNormBias} : NormSource{},
                      "the output matrix", wanted.output);
  for (int index = 0; index < source.config.layerCount; ++index) {
    layers.push_back(layerLayout(make, source, index, wanted));
  }
  if (source.config.traits.positions == model::Positions::Learned)
    positionEmbedding = &weights.positionEmbedding;
  hasGeluTable = source.config.traits.activation == model::Activation::GeluTable;
}

WeightLayout WeightLayout::on(const vulkan::DeviceInfo& device, const model::Model& source,
                              const model::KernelPlan& wanted, DeviceStorage storage) {
  return translateErrors([&] {
    requireKernels(device, source.config);
    return WeightLayout(source, resolvePlan(device, wanted), storage);
  });
}

std::uint64_t WeightLayout::bytes() const {
  std::uint64_t bytes = tokenEmbedding.bytes() + gainBytes(outputNorm) + output.termBytes();
  if (!tied) bytes += output.matrix.bytes();
  for (const LayerLayout& layer : layers) bytes += layer.bytes();
  if (positionEmbedding != nullptr) bytes += positionBytes(*positionEmbedding);
  return bytes + (hasGeluTable ? kGeluTableBytes : 0);
}

std::string WeightLayout::storageText() const {
  std::map<std::pair<Storage, Storage>, std::int64_t> elements;  // by storage in the file and on the device
  const auto count = [&](const MatrixLayout& matrix) {
    elements[{matrix.stored, matrix.form.storage}] += matrix.form.rows * matrix.form.columns;
  };
  count(tokenEmbedding);
  if (!tied) count(output.matrix);
  for (const LayerLayout& layer : layers) {
    for (const ProjectionLayout& part : layer.qkv) count(part.matrix);
    for (const ProjectionLayout* part : {&layer.attentionOutput, &layer.gateUp, &layer.ffnDown})
      count(part->matrix);
  }
  const auto [stored, kept] =
      std::ranges::max_element(elements, {}, [](const auto& entry) { return entry.second; })->first;
  return stored == kept ? std::string(shortName(stored))
                        : fmt::format("{} widened to {}", shortName(stored), shortName(kept));
}

}  // namespace headroom::engine
