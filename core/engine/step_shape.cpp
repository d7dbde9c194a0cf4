#include "core/engine/step_shape.h"

#include <algorithm>
#include <numeric>
#include <thread>

#include <fmt/format.h>

#include "core/engine/kv_cache.h"
#include "core/engine/stored_rows.h"
#include "core/vulkan/check.h"
#include "shaders/kernel_params.h"

namespace headroom::engine {

namespace {
using model::KernelFamily;

constexpr int kMinChunkKeysOnCpu = 64;
/// An H200 is fastest with chunks of 256 to 1,024 keys; of wide groups, which have few workgroups, with
/// shorter ones.
constexpr int kMinChunkKeysOnGpu = 128;
constexpr int kMinChunkKeysOfWideGroups = 64;
constexpr int kWideGroup = 8;
/// Attention workgroups that fill a GPU of unknown size, a multiprocessor (an H200 has 132), and a thread of
/// a software device.
constexpr int kGpuWorkgroups = 512;
constexpr int kWorkgroupsPerUnit = 4;
constexpr int kWorkgroupsPerThread = 2;
constexpr int kRowBlocks = 4;
constexpr int kMaxChunks = 128;
/// Host memory for captured scores, unless a single row of every head needs more.
constexpr std::uint64_t kCaptureBytes = 64ull << 20;
constexpr std::uint64_t kCaptureExtentBytes = 8ull << 20;
/// What the largest of the rows family's workgroups share but for attention and tiles: logit_summary.comp.
constexpr std::uint32_t kRowsSharedBytes = 24576;
constexpr int kRowsInvocations = 256;
/// A step has a row of every sequence.
static_assert(model::kMostSequences == HEADROOM_MAX_SINGLE_TOKENS);
constexpr int kAttentionTile = 32;

void refuse(const vulkan::DeviceInfo& device, const std::string& why) {
  throw vulkan::Error(fmt::format("This model cannot run on {}: {}.", device.name, why));
}

/// What of a decoder's options the device cannot do.
void checkOptions(const vulkan::DeviceInfo& device, const model::ModelConfig& config,
                  const model::DecoderOptions& options, KernelFamily family) {
  if (options.batch < 1 || options.batch > model::kMostSequences) {
    refuse(device, fmt::format("a batch of {} sequences was asked for, 1 to {} are possible", options.batch,
                               model::kMostSequences));
  }
  if (options.kvType == model::KvType::F64) {
    refuse(device, "its cache would hold f64, the kernels take f32 and f16");
  }
  if (options.kvType == model::KvType::F16 && !device.storage16Bit) {
    refuse(device, "it has no 16-bit storage for an f16 cache; choose an f32 cache");
  }
  const std::uint64_t layerBytes =
      KvCache::sectionBytes(config, options.kvType, options.contextLength, options.batch);
  if (layerBytes > device.limits.maxStorageBufferRange) {
    refuse(device,
           fmt::format("the keys of one layer at {} positions are {} bytes, the device binds at most {}",
                       options.contextLength, layerBytes, device.limits.maxStorageBufferRange));
  }
  const std::uint64_t layerTexels =
      KvCache::sectionTexels(config, options.kvType, options.contextLength, options.batch);
  if (family == KernelFamily::Packed && layerTexels > device.limits.maxTexelBufferElements) {
    refuse(device, fmt::format("the keys of one layer in the KV cache at {} positions are {} texels, the "
                               "device addresses at most {}; choose a shorter context",
                               options.contextLength, layerTexels, device.limits.maxTexelBufferElements));
  }
}

/// Registers for the queries, and as many for what is summed, that leave room for keys and values.
constexpr int kMostQueryFloats = 64;
/// Multiplications of a tile per invocation; compilers take long for more of them unrolled.
constexpr int kMostUnrolledProducts = 256;
constexpr int kMostHeadsPerSubgroup = 8;
/// Fewer rows leave too much of a tile of projection_tile.glsl empty: there weights are loaded once for
/// HEADROOM_TOKEN_TILE rows. Not measured on a GPU.
constexpr int kFewestForTiles = 24;
/// Shared memory of projection_tile.glsl: two tiles of 32 columns, scale and mean of each token, a sum.
constexpr std::uint32_t kProjectionTileBytes =
    4 *
    (2 * 32 * HEADROOM_PROJECTION_TILE + 2 * HEADROOM_PROJECTION_TILE + HEADROOM_PROJECTION_TILE_INVOCATIONS);
/// Shared memory of attention_tiles.comp: scores and values, what is known of a row, a value per invocation.
constexpr std::uint32_t kQueryTileBytes = 4 * HEADROOM_QUERY_TILE * HEADROOM_QUERY_TILE + 16 * 32 * 16 +
                                          HEADROOM_QUERY_TILE * (16 + 3 * 4) +
                                          4 * HEADROOM_QUERY_TILE_INVOCATIONS;
/// Fewer rows of a text leave too much of a tile empty. Not measured on a GPU.
constexpr int kFewestOfText = 8;
constexpr int kMostLanesPerKey = 32;
constexpr int kSubgroupsPerWorkgroup = 8;
/// Pooled capture takes so many keys of a tile at once.
constexpr int kLeastTileKeys = HEADROOM_LANES;

int ceilDivide(int count, int by) {
  return (count + by - 1) / by;
}

int ceilToPowerOfTwo(int count) {
  return static_cast<int>(std::bit_ceil(static_cast<unsigned>(count)));
}

/// Results and extents of each subgroup, and its scores for capture.
std::uint64_t sharedBytes(const OctetAttention& plan, int headDim, int subgroupSize) {
  return static_cast<std::uint64_t>(plan.subgroups() * plan.heads) *
         static_cast<std::uint64_t>(headDim * 4 + 8 + subgroupSize / plan.lanes * plan.unroll * 4);
}

/// What a subgroup does with at most `mostHeads` of a group; false when that is too much for its registers.
bool planSubgroup(OctetAttention& plan, int octets, int group, int mostHeads, int subgroupSize) {
  const int mostLanes =
      std::min(kMostLanesPerKey, static_cast<int>(std::bit_floor(static_cast<unsigned>(subgroupSize))));
  plan.heads = ceilDivide(group, ceilDivide(group, mostHeads));
  plan.lanes = std::max(std::min(mostLanes, ceilToPowerOfTwo(octets)), plan.headsCeiled());
  const int slices = ceilDivide(octets, plan.lanes);
  plan.unroll = std::max((plan.heads == 1 ? 8 : 4) / ceilToPowerOfTwo(slices),
                         ceilDivide(kLeastTileKeys, subgroupSize / plan.lanes));
  const int products = plan.heads * slices * 8;  // of a key
  return products <= kMostQueryFloats && products * plan.unroll <= kMostUnrolledProducts;
}

/// Subgroups of a workgroup for `blocks` times OctetAttention::heads heads, as many as the device takes.
bool planWorkgroup(OctetAttention& plan, int blocks, int headDim, const vulkan::DeviceInfo& device) {
  const auto subgroupSize = static_cast<int>(device.subgroupSize);
  const int most = device.mostInvocations();
  plan.headSubgroups = ceilDivide(blocks, plan.workgroupsPerKv);
  plan.keySubgroups = std::max(1, kSubgroupsPerWorkgroup / plan.headSubgroups);
  for (; plan.keySubgroups > 0; plan.keySubgroups /= 2) {
    if (plan.subgroups() * subgroupSize <= most &&
        sharedBytes(plan, headDim, subgroupSize) <= device.limits.maxComputeSharedMemorySize)
      return true;
  }
  return false;
}

/// For heads of whole octets; what was fastest on an H200, as far as registers and shared memory allow it.
OctetAttention planOctets(const StepShape& shape, const vulkan::DeviceInfo& device) {
  const model::AttentionShape& attention = shape.config.attention;
  if (attention.headDim % 8 != 0) return {};
  const int group = attention.groupSize();
  const bool shares = shape.options.attention == model::AttentionKernel::Shared;
  OctetAttention plan;
  int mostHeads = shares ? std::min(group, kMostHeadsPerSubgroup) : 1;
  while (!planSubgroup(plan, attention.headDim / 8, shares ? group : 1, mostHeads,
                       static_cast<int>(device.subgroupSize))) {
    if (--mostHeads == 0) return {};
  }
  const int blocks = ceilDivide(group, plan.heads);
  // Without sharing each head has a workgroup of its own.
  plan.workgroupsPerKv = shares ? ceilDivide(blocks, kSubgroupsPerWorkgroup) : group;
  for (; plan.workgroupsPerKv <= group; ++plan.workgroupsPerKv) {
    if (planWorkgroup(plan, blocks, attention.headDim, device)) return plan;
  }
  return {};
}

/// Query heads of a workgroup at most; more rows of one token leave too little for keys.
constexpr int kMostMatrixHeads = 32;

/// Of attention_matrices.comp, as it declares it.
std::uint64_t sharedBytes(const MatrixAttention& plan, int headDim, int subgroups, int side) {
  const int stride4 = headDim / 4 + 2;
  const int keys4 = plan.keys * stride4;
  const int block4 = std::max(keys4, 2 * plan.rows * (plan.keys / 4 + 2)) + keys4;
  const int pool4 = std::max({block4, plan.rows * stride4, subgroups * side * side / 2});
  return static_cast<std::uint64_t>(8 * pool4 + 16 * plan.rows * (plan.keys / 4 + 1) + 4 * plan.rows * side +
                                    16 * plan.rows + 8);
}

/// For workgroups of `rows` rows, as many invocations and keys as the device takes; none where it cannot.
MatrixAttention planMatrices(const StepShape& shape, const vulkan::DeviceInfo& device, MatrixAttention plan) {
  const int headDim = shape.config.attention.headDim;
  const int side = shape.matrixSide;
  if (side == 0 || shape.options.kvType != model::KvType::F16 || headDim % side != 0) return {};
  for (const int invocations : {plan.invocations, 128, 256, 64, 32}) {
    const int subgroups = invocations / shape.subgroupSize;
    // A row's scores are looked through by invocations of one subgroup, a subgroup scores whole rows.
    if (invocations > device.mostInvocations() || subgroups * side < plan.rows || invocations < plan.rows ||
        invocations / plan.rows > shape.subgroupSize)
      continue;
    for (const int keys : {plan.keys, 32, 16}) {
      plan.invocations = invocations;
      plan.keys = keys;
      if (sharedBytes(plan, headDim, subgroups, side) <= device.limits.maxComputeSharedMemorySize)
        return plan;
    }
  }
  return {};
}

/// Shared memory of projection_matrices.glsl: halves of 32 columns of rows and tokens, each twice and with
/// room behind them, or results; scale and mean of each token, a sum.
std::uint64_t projectionMatrixBytes(int subgroups, int side) {
  constexpr int kTiles = 2 * (HEADROOM_MATRIX_TILE_ROWS + HEADROOM_PROJECTION_TILE) * 10 * 8;
  return static_cast<std::uint64_t>(
      std::max(kTiles, 4 * subgroups * side * side) +
      4 * (2 * HEADROOM_PROJECTION_TILE + HEADROOM_PROJECTION_TILE_INVOCATIONS));
}

void planMatrices(StepShape& shape, const vulkan::DeviceInfo& device) {
  const bool isPowerOfTwo = std::has_single_bit(static_cast<unsigned>(shape.subgroupSize));
  const auto side = static_cast<int>(device.matrixSide);
  if (shape.plan.matrices == model::MatrixUse::None || !isPowerOfTwo || !shape.multipliesTiles ||
      projectionMatrixBytes(HEADROOM_PROJECTION_TILE_INVOCATIONS / shape.subgroupSize, side) >
          device.limits.maxComputeSharedMemorySize)
    return;
  shape.matrixSide = side;
  const model::AttentionShape& attention = shape.config.attention;
  shape.tiledMatrices = planMatrices(shape, device,
                                     {.rows = HEADROOM_QUERY_TILE,
                                      .keys = 32,
                                      .invocations = HEADROOM_QUERY_TILE_INVOCATIONS,
                                      .heads = shape.headsPerQueryTile()});
  // With fewer heads than half a matrix has rows, most of it is empty.
  const int group = attention.groupSize();
  if (shape.options.attention != model::AttentionKernel::Shared || group < kWideGroup) return;
  const int workgroups = ceilDivide(group, kMostMatrixHeads);
  const int heads = ceilDivide(group, workgroups);
  shape.matrices = planMatrices(shape, device,
                                {.rows = std::max(shape.matrixSide, ceilToPowerOfTwo(heads)),
                                 .keys = 64,
                                 .invocations = attention.headDim > 128 ? 256 : 128,
                                 .heads = heads,
                                 .workgroupsPerKv = workgroups});
}

/// Shared memory of one attention workgroup of the rows family that has no octets.
std::uint64_t sharedBytes(int heads, int headDim, int tile) {
  const int texels = headDim / 4;
  return static_cast<std::uint64_t>(tile * (texels + 1) * 16 + heads * texels * 16 + heads * tile * 4 +
                                    heads * 12);
}

/// As many heads of the group and keys at once as the device's shared memory holds; at least 8 keys.
void planAttentionTile(StepShape& shape, const vulkan::DeviceInfo& device) {
  const std::uint64_t room = device.limits.maxComputeSharedMemorySize;
  const int headDim = shape.config.attention.headDim;
  for (int heads = shape.headsPerWorkgroup; heads >= 1; --heads) {
    if (shape.headsPerWorkgroup % heads != 0) continue;
    for (int tile = kAttentionTile; tile >= HEADROOM_LANES; tile /= 2) {
      if (sharedBytes(heads, headDim, tile) > room) continue;
      shape.headsPerWorkgroup = heads;
      shape.attentionTile = tile;
      return;
    }
  }
  refuse(device, fmt::format("attention over head_dim {} needs {} bytes of shared memory, there are {}",
                             headDim, sharedBytes(1, headDim, HEADROOM_LANES), room));
}

void planKernels(StepShape& shape, const vulkan::DeviceInfo& device) {
  shape.subgroupSize = static_cast<int>(device.subgroupSize);
  shape.headsPerWorkgroup =
      shape.options.attention == model::AttentionKernel::Shared ? shape.config.attention.groupSize() : 1;
  if (!shape.rowsFamily()) return;
  shape.multipliesTiles =
      device.mostInvocations() >= HEADROOM_PROJECTION_TILE_INVOCATIONS &&
      device.limits.maxComputeSharedMemorySize >= std::max(kProjectionTileBytes, kQueryTileBytes);
  planMatrices(shape, device);
  shape.octets = planOctets(shape, device);
  if (shape.octets.heads == 0) planAttentionTile(shape, device);
  // On an H200 that was 1 to 8 % faster for MHA and GQA, and slower for MQA (KERNELS.md).
  const bool isOpen = shape.plan.merging == model::AttentionMerging::Automatic;
  shape.mergesLast =
      shape.attendsByOctets() && (isOpen ? !device.isSoftware() && shape.config.attention.kvHeadCount > 1
                                         : shape.plan.merging == model::AttentionMerging::LastWorkgroup);
}

/// Parts of the context, so many that a step has about as many workgroups as are wanted.
void planChunks(StepShape& shape, const vulkan::DeviceInfo& device) {
  const bool wide = shape.config.attention.groupSize() >= kWideGroup;
  shape.minChunkKeys = device.isSoftware() ? kMinChunkKeysOnCpu
                       : wide              ? kMinChunkKeysOfWideGroups
                                           : kMinChunkKeysOnGpu;
  // Where many heads share a key, half as many workgroups were 9 % faster on an H200 (8 x 16,384 positions).
  const bool isOpen = shape.options.kernels.attentionWorkgroups == 0;
  const int wanted = wide && isOpen && !device.isSoftware() ? shape.plan.attentionWorkgroups / 2
                                                            : shape.plan.attentionWorkgroups;
  const int groups = shape.attentionWorkgroups() * shape.options.batch;
  const int mostUseful = (shape.options.contextLength + shape.minChunkKeys - 1) / shape.minChunkKeys;
  shape.chunkCount = std::clamp((wanted + groups - 1) / groups, 1, std::min(kMaxChunks, mostUseful));
}

/// Room for captured values: of a whole block where that is little, of one row of everything at least.
void planCapture(StepShape& shape, const vulkan::DeviceInfo& device) {
  const auto layers = static_cast<std::uint64_t>(shape.config.layerCount);
  const std::uint64_t heads = layers * static_cast<std::uint64_t>(shape.config.attention.queryHeadCount);
  const auto block = static_cast<std::uint64_t>(shape.blockTokens);
  std::uint64_t rowFloats = heads * static_cast<std::uint64_t>(shape.options.contextLength);
  for (const model::CapturePoint point : model::kCapturePoints) {
    rowFloats += (layers + 1) * paddedCapture(shape.capturedColumns(point));
  }
  shape.captureFloats = std::min({device.limits.maxStorageBufferRange / sizeof(float), rowFloats * block,
                                  std::max(rowFloats, kCaptureBytes / sizeof(float))});
  const std::uint64_t rowExtents = heads * static_cast<std::uint64_t>(shape.chunkCount);
  shape.captureExtents =
      std::min(rowExtents * block, std::max(rowExtents, kCaptureExtentBytes / (2 * sizeof(float))));
}

}  // namespace

void requireKernels(const vulkan::DeviceInfo& device, const model::ModelConfig& config) {
  const model::AttentionShape& attention = config.attention;
  if (!headDimFits(attention.headDim)) {
    refuse(device, fmt::format("its head_dim is {}, the kernels take multiples of {} up to {}",
                               attention.headDim, kHeadDimStep, kMostHeadDim));
  }
  if (config.layerCount > HEADROOM_MAX_LAYERS) {
    refuse(device,
           fmt::format("it has {} layers, the kernels take {}", config.layerCount, HEADROOM_MAX_LAYERS));
  }
  if (attention.queryHeadCount > HEADROOM_MAX_QUERY_HEADS) {
    refuse(device, fmt::format("it has {} query heads, the kernels take {}", attention.queryHeadCount,
                               HEADROOM_MAX_QUERY_HEADS));
  }
}

model::KernelPlan resolvePlan(const vulkan::DeviceInfo& device, const model::KernelPlan& wanted) {
  const bool software = device.isSoftware();
  model::KernelPlan plan = wanted;
  if (plan.family == KernelFamily::Automatic)
    plan.family = software ? KernelFamily::Packed : KernelFamily::Rows;
  if (plan.rowBlocks == 0) plan.rowBlocks = kRowBlocks;
  if (plan.attentionWorkgroups == 0) {
    plan.attentionWorkgroups =
        software ? kWorkgroupsPerThread * static_cast<int>(std::max(1u, std::thread::hardware_concurrency()))
        : device.computeUnits > 0 ? kWorkgroupsPerUnit * static_cast<int>(device.computeUnits)
                                  : kGpuWorkgroups;
  }
  if (plan.family == KernelFamily::Packed) {
    plan.invocations = HEADROOM_LANES;
    return plan;
  }
  constexpr VkSubgroupFeatureFlags kNeeded =
      VK_SUBGROUP_FEATURE_BASIC_BIT | VK_SUBGROUP_FEATURE_ARITHMETIC_BIT | VK_SUBGROUP_FEATURE_VOTE_BIT;
  if ((device.subgroupOperations & kNeeded) != kNeeded) {
    refuse(device,
           "its subgroups cannot add up or vote, which the kernel family \"rows\" needs; choose \"packed\"");
  }
  if (device.limits.maxComputeSharedMemorySize < kRowsSharedBytes) {
    refuse(device, fmt::format("its workgroups share {} bytes, the kernel family \"rows\" needs {}; choose "
                               "\"packed\"",
                               device.limits.maxComputeSharedMemorySize, kRowsSharedBytes));
  }
  plan.invocations =
      std::min(plan.invocations == 0 ? kRowsInvocations : plan.invocations, device.mostInvocations());
  return plan;
}

StepShape StepShape::make(const vulkan::DeviceInfo& device, const model::ModelConfig& config,
                          const model::DecoderOptions& options) {
  StepShape shape{.config = config, .options = options};
  shape.options.contextLength = model::contextOf(config, options);
  requireKernels(device, config);
  shape.plan = resolvePlan(device, shape.options.kernels);
  checkOptions(device, config, shape.options, shape.plan.family);
  planKernels(shape, device);

  shape.blockTokens = shape.multipliesTiles ? HEADROOM_MAX_TOKENS : HEADROOM_MAX_SINGLE_TOKENS;
  planChunks(shape, device);
  planCapture(shape, device);
  return shape;
}

TokenTile StepShape::tileOf(int rows) const {
  if (rows == 1) return TokenTile::One;
  if (!multipliesTiles || rows < kFewestForTiles) return TokenTile::Several;
  return matrixSide > 0 ? TokenTile::ManyByMatrices : TokenTile::Many;
}

int StepShape::textsOf(std::span<const TokenParams> rows) const {
  if (!isMany(tileOf(static_cast<int>(rows.size())))) return 0;
  const auto isFirst = [&](const TokenParams& row) { return row.position == rows.front().position; };
  const auto texts = static_cast<std::size_t>(std::ranges::find_if_not(rows, isFirst) - rows.begin());
  if (rows.size() % texts != 0 || rows.size() / texts < kFewestOfText) return 0;
  for (std::size_t row = texts; row < rows.size(); ++row) {
    if (rows[row].sequence != rows[row - texts].sequence ||
        rows[row].position != rows[row - texts].position + 1)
      return 0;
  }
  return static_cast<int>(texts);
}

StepShape StepShape::forQueryTiles() const {
  StepShape tiled = *this;
  tiled.tilesQueries = true;
  tiled.matrices = tiledMatrices;
  tiled.mergesLast = false;
  tiled.chunkCount = 1;
  tiled.minChunkKeys = static_cast<int>(roundUp(static_cast<std::uint64_t>(options.contextLength), 8)) + 8;
  return tiled;
}

int StepShape::attentionWorkgroups() const {
  if (attendsByMatrices()) return config.attention.kvHeadCount * matrices.workgroupsPerKv;
  if (octets.heads > 0) return config.attention.kvHeadCount * octets.workgroupsPerKv;
  return config.attention.queryHeadCount / headsPerWorkgroup;
}

int StepShape::attentionInvocations() const {
  if (attendsByMatrices()) return matrices.invocations;
  return octets.heads > 0 ? octets.subgroups() * subgroupSize : plan.invocations;
}

std::uint64_t StepShape::projectionWorkgroups(const DeviceMatrix& matrix, TokenTile tile,
                                              ProjectionInput input) const {
  const std::uint64_t groups = matrix.rowGroups(tile);
  if (!rowsFamily() || isMany(tile)) return groups;
  // As projection_rows.glsl says.
  const auto invocations = static_cast<std::uint64_t>(plan.invocations);
  const bool sharesRows =
      tile == TokenTile::One && input == ProjectionInput::Plain &&
      matrix.columns4() / runTexels(matrix.storage()) >= HEADROOM_RUNS_TO_SHARE * invocations;
  if (sharesRows) return groups;
  const std::uint64_t subgroups =
      std::max<std::uint64_t>(1, invocations / static_cast<std::uint64_t>(std::max(1, subgroupSize)));
  return (groups + subgroups - 1) / subgroups;
}

std::uint64_t StepShape::inputLoads(const DeviceMatrix& matrix, TokenTile tile, ProjectionInput input) const {
  const bool onceForAll = rowsFamily() && tile == TokenTile::One && input == ProjectionInput::BehindNorm;
  return onceForAll ? projectionWorkgroups(matrix, tile, input) : matrix.rowGroups(tile);
}

int StepShape::keyLoads() const {
  if (octets.heads == 0 || attendsByMatrices()) return attentionWorkgroups();
  return config.attention.kvHeadCount * ceilDivide(config.attention.groupSize(), octets.heads);
}

int StepShape::usedChunks(std::uint64_t length, int layer) const {
  if (!rowsFamily()) return chunkCount;
  const std::uint64_t span = length - firstSeen(length, layer) / 8 * 8;
  const auto chunks = static_cast<std::uint64_t>(chunkCount);
  const std::uint64_t keys =
      std::max(static_cast<std::uint64_t>(minChunkKeys), roundUp((span + chunks - 1) / chunks, 8));
  return static_cast<int>(std::min(chunks, (span + keys - 1) / keys));
}

std::uint64_t StepShape::capturedColumns(model::CapturePoint point) const {
  const auto columns = static_cast<std::uint64_t>(model::columnsAt(point, config));
  return point == model::CapturePoint::SoftmaxExtents ? columns * static_cast<std::uint64_t>(chunkCount)
                                                      : columns;
}

CaptureLayout StepShape::captureLayout(const model::Capture& capture, int positions) const {
  CaptureLayout layout;
  for (const model::ActivationRequest& request : capture.activations) {
    layout.columns += request.layers.size() * paddedCapture(capturedColumns(request.point));
  }
  int layers = 0;
  for (int layer = 0; layer < config.layerCount; ++layer) layers += capture.wants(layer) ? 1 : 0;
  if (layers == 0) return layout;
  layout.slotCount = layers * static_cast<int>(capture.wantedHeads(config.attention.queryHeadCount).size());
  layout.pooling = model::poolingFor(positions, capture.cells) >= HEADROOM_LANES ? HEADROOM_LANES : 1;
  layout.stride = (positions + layout.pooling - 1) / layout.pooling;
  return layout;
}

int StepShape::captureRows(const model::Capture& capture, int position, int wanted) const {
  const CaptureLayout layout = captureLayout(capture, position + wanted);
  if (layout.slotCount == 0 && layout.columns == 0) return wanted;
  const std::uint64_t rowFloats =
      static_cast<std::uint64_t>(layout.slotCount) * static_cast<std::uint64_t>(layout.stride) +
      layout.columns;
  const std::uint64_t room = captureFloats - (layout.columns > 0 ? paddedCapture(1) - 1 : 0);
  if (rowFloats > room) {
    throw vulkan::Error(fmt::format(
        "Attention rows of {} heads over {} positions, and {} values besides, are {} bytes, the device holds "
        "{}; choose fewer heads or layers, or pooled rows.",
        layout.slotCount, position + wanted, layout.columns, rowFloats * sizeof(float),
        room * sizeof(float)));
  }
  const auto fitting = std::min(static_cast<std::uint64_t>(wanted), room / rowFloats);
  if (layout.slotCount == 0) return static_cast<int>(fitting);
  const std::uint64_t rowExtents =
      static_cast<std::uint64_t>(layout.slotCount) * static_cast<std::uint64_t>(chunkCount);
  return static_cast<int>(std::min(fitting, captureExtents / rowExtents));
}

}  // namespace headroom::engine
