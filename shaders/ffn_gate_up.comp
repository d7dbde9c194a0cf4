// Stage FfnGateUp: RMSNorm, gate and up projections, SwiGLU (Shazeer 2020, arXiv 2002.05202). The two matrices are one
// on the device: by turns 8 rows of each in the packed family, one row of each in the other.
#version 460
#extension GL_GOOGLE_include_directive : require
#define AUDIT_BINDING 6
#define PAIRS_GATE_UP
#include "projection.glsl"
#include "normalised_input.glsl"

layout(constant_id = 5) const uint HIDDEN_COLUMNS = 32;  // floats per token of hidden
layout(std430, binding = 5) writeonly buffer Hidden { float hidden[]; };  // [token][HIDDEN_COLUMNS]

void emit(uint row, uint token, float gate, float up) {
  COUNT(ACTIVATIONS_WRITTEN, 4);
  hidden[token * HIDDEN_COLUMNS + row] = gate / (1.0 + exp(-gate)) * up;
}
