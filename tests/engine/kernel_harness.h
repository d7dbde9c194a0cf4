#pragma once

#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "core/engine/stage_dispatcher.h"
#include "core/vulkan/buffer.h"
#include "shaders/kernel_params.h"
#include "tests/support/loaded_driver.h"
#include "tests/support/random_model.h"

namespace headroom::tests {

/// Relative error of one kernel in f32 against sums in double.
inline constexpr double kKernelLimit = 5e-6;
/// ... where its result was rounded to f16: half a unit in the last of 11 bits, at most.
inline constexpr double kHalfLimit = 5e-4;

/// The Vulkan device of the tests, with the validation layer on.
struct TestDevice {
  vulkan::Instance instance{vulkan::Validation::On};
  vulkan::Device device{instance, vulkan::chooseDevice(instance, "")};

  std::string firstValidationError() const {
    const std::vector<std::string> errors = instance.validationErrors();
    return errors.empty() ? std::string() : errors.front();
  }
};

/// Makes the device allocate all that uploads go through, so that what it counts afterwards is of buffers.
inline void makeRoomForUploads(vulkan::Device& device) {
  const std::vector<std::byte> bytes(4u << 20);
  const vulkan::Buffer buffer(device, bytes.size(), vulkan::MemoryPlace::Device, "a buffer");
  vulkan::upload(device, buffer, 0, bytes);
  device.finishUploads();
}

/// The families of kernels, each of which every test runs.
inline constexpr model::KernelFamily kFamilies[] = {model::KernelFamily::Packed, model::KernelFamily::Rows};

inline std::vector<float> randomFloats(std::size_t count, unsigned seed, float deviation = 1.0f) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0f, deviation);
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

/// One model's device state, and a way to run a single stage on inputs of the test's choice. Only that
/// stage's kernels are built: a kernel takes longer to build than to test.
class KernelHarness {
 public:
  KernelHarness(vulkan::Device& device, const model::Model& model, const engine::StepShape& stepShape,
                engine::TokenTile tile, model::Stage stage)
      : m_device(device),
        shape(stepShape),
        weights(device, engine::WeightLayout(model, shape.plan, engine::DeviceStorage::AsStored)),
        cache(device, shape.config, shape.options.kvType, shape.options.contextLength, shape.options.batch),
        buffers(device, shape),
        kernels(device, shape, weights, tile, engine::KernelBuild::Plain, stage),
        m_stage(stage) {}

  void write(const vulkan::Buffer& buffer, const std::vector<float>& values, std::uint64_t offset = 0) {
    vulkan::upload(m_device, buffer, offset, std::as_bytes(std::span(values)));
  }
  std::vector<float> read(const vulkan::Buffer& buffer, std::size_t count) {
    std::vector<float> values(count);
    vulkan::download(m_device, buffer, 0, std::as_writable_bytes(std::span(values)));
    return values;
  }
  /// Elements of the cache section at `offset`, as floats whatever the cache's type.
  std::vector<float> readCache(std::uint64_t offset, std::size_t count) {
    if (shape.options.kvType == model::KvType::F32) {
      std::vector<float> values(count);
      vulkan::download(m_device, cache.buffer(), offset, std::as_writable_bytes(std::span(values)));
      return values;
    }
    std::vector<std::uint16_t> halves(count);
    vulkan::download(m_device, cache.buffer(), offset, std::as_writable_bytes(std::span(halves)));
    std::vector<float> values;
    for (std::uint16_t half : halves) values.push_back(model::halfToFloat(half));
    return values;
  }
  /// Stores `values` in the cache, rounded to its type; returns them as stored.
  std::vector<float> writeCache(std::uint64_t offset, std::vector<float> values) {
    if (shape.options.kvType == model::KvType::F32) {
      write(cache.buffer(), values, offset);
      return values;
    }
    std::vector<std::uint16_t> halves;
    for (float& value : values) {
      halves.push_back(model::floatToHalf(value));
      value = model::halfToFloat(halves.back());
    }
    vulkan::upload(m_device, cache.buffer(), offset, std::as_bytes(std::span(halves)));
    return values;
  }

  /// Captures all heads when `capturePooling` is not 0, by rows of the whole context.
  void run(const std::vector<engine::TokenParams>& rows, int logitsRows = 1, int capturePooling = 0) {
    engine::StepParams& params = buffers.params.mapped<engine::StepParams>()[0];
    params = engine::StepParams();
    params.tokenCount = static_cast<std::uint32_t>(rows.size());
    params.logitsCount = static_cast<std::uint32_t>(logitsRows);
    std::iota(params.logitsRows, params.logitsRows + logitsRows, params.tokenCount - params.logitsCount);
    params.captureRows = params.tokenCount;
    params.captureStride = static_cast<std::uint32_t>(shape.options.contextLength);
    params.capturePooling = static_cast<std::uint32_t>(std::max(capturePooling, 1));
    params.layerSlots[0] = capturePooling > 0 ? 0 : engine::kNoSlot;
    std::iota(std::begin(params.headSlots), std::end(params.headSlots), 0u);
    std::copy(rows.begin(), rows.end(), params.tokens);
    for (std::uint32_t row = 0; row < params.tokenCount; ++row) params.tokens[row].captureRow = row;
    const engine::StepForm form{.rows = static_cast<int>(rows.size()),
                                .logitsRows = logitsRows,
                                .texts = shape.tilesQueries ? shape.textsOf(rows) : 0};
    vulkan::Recorder recorder(m_device, engine::dispatchCount(shape, weights, form, m_stage, 0));
    buffers.recordParams(recorder);
    engine::recordStage(
        recorder,
        {.shape = shape, .kernels = kernels, .weights = weights, .cache = cache, .buffers = buffers}, form,
        m_stage, 0);
    recorder.finish();
    recorder.run();
  }

 private:
  vulkan::Device& m_device;

 public:
  engine::StepShape shape;
  engine::DeviceWeights weights;
  engine::KvCache cache;
  engine::StepBuffers buffers;
  engine::StepKernels kernels;

 private:
  model::Stage m_stage;
};

/// Row `row` of a matrix of rows of `columns` floats.
inline std::span<const float> rowOf(const std::vector<float>& matrix, std::size_t row, std::size_t columns) {
  return std::span(matrix).subspan(row * columns, columns);
}

/// y = W x in double.
inline std::vector<double> multiply(const model::Tensor& weights, std::span<const double> x) {
  const std::vector<float> values = weights.toFloat();
  std::vector<double> y(static_cast<std::size_t>(weights.rows));
  for (std::size_t row = 0; row < y.size(); ++row) {
    for (std::size_t column = 0; column < x.size(); ++column)
      y[row] += values[row * x.size() + column] * x[column];
  }
  return y;
}

/// gain * x / rms(x) in double.
inline std::vector<double> normalise(std::span<const float> x, const model::Tensor& gain, double epsilon) {
  double squares = 0.0;
  for (float value : x) squares += static_cast<double>(value) * value;
  const double scale = 1.0 / std::sqrt(squares / static_cast<double>(x.size()) + epsilon);
  const std::vector<float> gains = gain.toFloat();
  std::vector<double> y(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) y[i] = gains[i] * x[i] * scale;
  return y;
}

}  // namespace headroom::tests
