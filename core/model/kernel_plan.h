#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace headroom::model {

/// Which family of kernels runs the stages.
enum class KernelFamily {
  Automatic,  ///< by the kind of device: packed for software, rows for GPUs
  Packed,     ///< 8-lane workgroups, packed weights, texel buffers, constant shuffles: software devices
  Rows,       ///< whole subgroups, row-major storage buffers, 16-byte loads: GPUs
};

std::string_view shortName(KernelFamily family);

/// Who merges the results of the parts that attention splits the context into.
enum class AttentionMerging {
  Automatic,      ///< the last workgroup on GPUs, where more than one KV head shares the work
  Apart,          ///< a dispatch of its own, or the one that reads them
  LastWorkgroup,  ///< of the attention kernel, where that kernel can: of the rows family, heads of whole
                  ///< octets
};

/// Whether cooperative matrices multiply where there are many rows: prompts, and groups of many heads.
enum class MatrixUse {
  Automatic,  ///< where the device has them
  None,
};

/// The choices that make kernels fast on one device and slow on another; results are the same up to rounding.
/// 0 takes the default for the kind of device.
struct KernelPlan {
  KernelFamily family = KernelFamily::Automatic;
  int rowBlocks = 0;            ///< packed family: blocks of 8 rows per workgroup of a projection; 2, 4 or 8
  int invocations = 0;          ///< rows family: invocations per workgroup; a power of two from 64 on
  int attentionWorkgroups = 0;  ///< attention splits the context until a step has about that many workgroups
  AttentionMerging merging = AttentionMerging::Automatic;
  MatrixUse matrices = MatrixUse::Automatic;  ///< rows family

  bool operator==(const KernelPlan&) const = default;
};

/// "packed, 4 row blocks, 8 attention workgroups"; choices left open are not named.
std::string planText(const KernelPlan& plan);
/// The inverse, for options: "packed", "packed,rowBlocks=8", "rows,invocations=128,attentionWorkgroups=512".
/// Throws Error naming what is wrong.
KernelPlan parsePlan(const std::string& text);

struct Model;

/// What the choice of kernels depends on in a model: sizes, heads, context and storage, "6 layers, d 256, 8
/// query and 1 KV heads x 32, FFN 704, vocabulary 4096, trained on 1024 positions, F16".
std::string shapeText(const Model& model);

/// What a calibration of a device found for models of a shape.
struct Calibration {
  struct Candidate {
    KernelPlan plan;
    double stepMs = 0.0;  ///< of one decode step: the mean of the medians at each measured position
  };

  std::string device;
  std::string driver;
  std::string shape;                  ///< shapeText() of the models
  std::string date;                   ///< "2026-11-22 09:30"
  std::string measured;               ///< where: "decode steps behind 255 and 1023 positions, f32 cache"
  std::vector<Candidate> candidates;  ///< in the order of measuring
  KernelPlan plan;                    ///< the fastest

  bool known() const { return !candidates.empty(); }
};

}  // namespace headroom::model
