// Stage FfnGateUp: RMSNorm, gate and up projections, SwiGLU (Shazeer 2020, arXiv 2002.05202). Row blocks of the two
// matrices alternate in the packed weights: gate block 0, up block 0, gate block 1, ...
// Workgroups: (packed row blocks / ROW_BLOCKS, tokens / TOKENS).
#version 460
#extension GL_GOOGLE_include_directive : require
#include "projection.glsl"
#include "normalised_input.glsl"

layout(constant_id = 4) const uint HIDDEN_COLUMNS = 32;  // floats per token of hidden
layout(std430, binding = 4) writeonly buffer Hidden { float hidden[]; };  // [token][HIDDEN_COLUMNS]

void main() {
  const uint firstToken = gl_WorkGroupID.y * TOKENS;
  multiply(firstToken);
  [[unroll]] for (uint n = 0; n < TOKENS; ++n) {
    const float scale = inverseRms(n);
    [[unroll]] for (uint r = 0; r < ROW_BLOCKS; r += 2) {
      const uint row = (firstBlock() + r) / 2 * 8 + lane();
      const float gate = product[r][n] * scale;
      const float up = product[r + 1][n] * scale;
      if (firstToken + n < step.tokenCount && row < ROWS) {
        hidden[(firstToken + n) * HIDDEN_COLUMNS + row] = gate / (1.0 + exp(-gate)) * up;
      }
    }
  }
}
