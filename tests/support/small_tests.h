#pragma once

#include <cstdlib>
#include <string_view>

namespace headroom::tests {

/// HEADROOM_SMALL_TESTS=1 leaves the largest and the similar rows of heavy tests out, for builds with
/// sanitizers: what these look for (memory, undefined behaviour) is in the code around a row, not in its
/// size. Everything that is left out is here.
inline bool smallTests() {
  const char* value = std::getenv("HEADROOM_SMALL_TESTS");
  return value != nullptr && std::string_view(value) == "1";
}

/// tst_attention_kernels: contexts beyond 300 keys.
inline bool leavesOutKeys(int keys) {
  return smallTests() && keys > 300;
}
/// tst_projection_kernels: blocks beyond 9 tokens, matrices beyond 400 rows or columns; F16 weights, whose
/// path lies between those of F32 and Q8_0.
inline bool leavesOutProjection(int tokens, int modelDim, int ffnDim, bool halfWeights) {
  return smallTests() && (tokens > 9 || modelDim > 256 || ffnDim > 400 || halfWeights);
}
/// tst_traffic_audit: heads other than those of GQA with a head_dim of 20; batches other than 3.
inline bool leavesOutAudit(int kvHeads, int batch) {
  return smallTests() && (kvHeads != 2 || (batch != 1 && batch != 3));
}
/// tst_architectures, by row and family: the reference is compared in one family by turns, bytes are counted
/// in every fourth row and allocations in every eighth.
inline bool leavesOutComparison(int row, int family) {
  return smallTests() && row % 2 != family % 2;
}
inline bool leavesOutCounting(int row) {
  return smallTests() && row % 4 != 0;
}
inline bool leavesOutAllocation(int row) {
  return smallTests() && row % 8 != 0;
}
/// tst_vulkan_decoder: all of llama.cpp's answers but those of one model of each attention kind.
inline bool leavesOutFixture(std::string_view name) {
  return smallTests() && name != "gpt2-mha-4x16-f32" && name != "qwen2-gqa2-4x16-f32" &&
         name != "llama-mqa-4x32-f16";
}

}  // namespace headroom::tests
