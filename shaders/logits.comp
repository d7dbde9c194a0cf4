// Stage Logits: final RMSNorm and output projection of the rows from step.firstLogits on.
// Workgroups: (row blocks / ROW_BLOCKS, wanted rows / TOKENS).
#version 460
#extension GL_GOOGLE_include_directive : require
#include "projection.glsl"
#include "normalised_input.glsl"

layout(std430, binding = 4) writeonly buffer Logits { float logits[]; };  // [wanted row][ROWS]

void main() {
  const uint firstToken = step.firstLogits + gl_WorkGroupID.y * TOKENS;
  multiply(firstToken);
  [[unroll]] for (uint n = 0; n < TOKENS; ++n) {
    const float scale = inverseRms(n);
    [[unroll]] for (uint r = 0; r < ROW_BLOCKS; ++r) {
      if (firstToken + n < step.tokenCount && rowOf(r) < ROWS) {
        logits[(firstToken + n - step.firstLogits) * ROWS + rowOf(r)] = product[r][n] * scale;
      }
    }
  }
}
