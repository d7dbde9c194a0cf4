#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "core/engine/kernel_code.h"
#include "core/engine/stored_rows.h"
#include "core/model/decoder.h"
#include "core/model/model.h"
#include "core/model/tensor.h"
#include "core/vulkan/buffer.h"
#include "shaders/kernel_params.h"

namespace headroom::engine {

/// Rows of a block of the packed family, a lane for each.
inline constexpr int kBlockRows = HEADROOM_LANES;

constexpr std::uint64_t roundUp(std::uint64_t value, std::uint64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

/// Columns of every activation and weight row on the device: a multiple of 8 lanes x 4 floats, zeros behind.
constexpr std::uint64_t paddedColumns(std::uint64_t columns) {
  return roundUp(columns, 32);
}

/// Follows the upload of a model: lets its file leave memory behind it, and tells how far it is.
struct UploadWatch {
  const model::WeightMemory* memory = nullptr;
  std::function<void(std::uint64_t)> uploaded = {};  ///< stored bytes more; may throw to end the upload
};

/// A weight matrix on the device in the order in which the projection kernels of a family read it; see
/// shaders/weights.glsl and StoredRow. The packed family's is padded with zeros to whole workgroups, rows are
/// padded to paddedColumns() in both.
class DeviceMatrix {
 public:
  /// Of the shape of a matrix: rows, columns, how its elements are kept, and for which kernels.
  struct Form {
    std::int64_t rows = 0;
    std::int64_t columns = 0;
    model::Storage storage = model::Storage::F32;
    model::KernelFamily family = model::KernelFamily::Packed;
    int rowBlocks = 4;  ///< blocks of kBlockRows rows per workgroup of the packed family
  };

  DeviceMatrix() = default;
  /// `rowAt(row)` names the source of each row, stored as `form.storage`, for which the family has kernels;
  /// rows stored in any way are widened to F32. Throws vulkan::Error when it does not fit the device.
  DeviceMatrix(vulkan::Device& device, const Form& form, const std::string& what,
               const std::function<RowReference(std::int64_t)>& rowAt, const UploadWatch& watch);

  /// Bytes that a matrix of `form` takes on the device, padding and scales included.
  static std::uint64_t bytesOf(const Form& form);

  /// What the kernels bind: a texel view (packed family) or the buffer (rows family), and the scales.
  const vulkan::TexelView& view() const { return m_view; }
  const vulkan::Buffer& buffer() const { return m_buffer; }
  /// Of Q8_0, Q4_0 and Q6_K; a view of anything otherwise, which no kernel reads.
  const vulkan::TexelView& scales() const { return m_scaleView; }

  std::int64_t rows() const { return m_form.rows; }
  std::int64_t columns() const { return m_form.columns; }
  model::Storage storage() const { return m_form.storage; }
  std::uint32_t columns4() const { return static_cast<std::uint32_t>(m_paddedColumns / 4); }
  /// The WEIGHT_FORMAT of the kernels.
  std::uint32_t formatConstant() const { return static_cast<std::uint32_t>(m_form.storage); }
  /// Groups of rows that share one load of the input: workgroups of the packed family and for many tokens,
  /// subgroups' turns otherwise.
  std::uint64_t rowGroups(TokenTile tile) const;
  /// Bytes that the kernels load in one product, padding included.
  std::uint64_t issuedBytes(TokenTile tile) const;
  /// Bytes of the elements without padding.
  std::uint64_t logicalBytes() const;
  /// Bytes of `columns` elements of a row as they lie on the device.
  std::uint64_t bytesOf(std::uint64_t columns) const { return model::rowBytes(m_form.storage, columns); }

 private:
  Form m_form;
  std::uint64_t m_storedRows = 0;
  std::uint64_t m_paddedColumns = 0;
  vulkan::Buffer m_buffer;
  vulkan::Buffer m_scaleBuffer;
  vulkan::TexelView m_view;
  vulkan::TexelView m_scaleView;
};

}  // namespace headroom::engine
