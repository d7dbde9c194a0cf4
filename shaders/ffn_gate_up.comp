// Stage FfnGateUp: norm, gate and up projections, activation(gate) * up (Shazeer 2020, arXiv 2002.05202). The two
// matrices are one on the device: by turns a block of each in the packed family, one row of each in the other.
// PLAIN_FFN: norm, up projection, activation(up).
#version 460
#extension GL_GOOGLE_include_directive : require
#define AUDIT_BINDING 8
#ifndef PLAIN_FFN
#define PAIRS_GATE_UP
#endif
#define BEHIND_NORM
#include "projection.glsl"
#include "normalised_input.glsl"
#include "activation.glsl"

layout(constant_id = 5) const uint HIDDEN_COLUMNS = 32;  // floats per token of hidden
layout(constant_id = 6) const uint ACTIVATION = SILU;
layout(std430, binding = 6) writeonly buffer Hidden { float hidden[]; };  // [token][HIDDEN_COLUMNS]
layout(binding = 7) uniform textureBuffer geluTable;  // [bits of a half], for GELU_TABLE

// The half nearest to x, ties to even, where |x| < 65504: packHalf2x16 may round otherwise.
uint halfBits(float x) {
  const uint bits = floatBitsToUint(x);
  const uint sign = (bits >> 16) & 0x8000u;
  const uint magnitude = bits & 0x7FFFFFFFu;
  if (magnitude < 0x38800000u) return sign | uint(roundEven(uintBitsToFloat(magnitude) * 16777216.0));
  return sign | ((magnitude + 0xFFFu + ((magnitude >> 13) & 1u) - 0x38000000u) >> 13);
}

float activated(float x) {
  if (ACTIVATION != GELU_TABLE) return activate(ACTIVATION, x);
  COUNT(WEIGHTS_READ, 2);
  const float looked = texelFetch(geluTable, int(halfBits(clamp(x, -10.0, 10.0)))).x;
  return x <= -10.0 ? 0.0 : x >= 10.0 ? x : looked;
}

// Of a gated FFN `value` is the gate's row; of a plain one there is no `up`.
void emit(uint row, uint token, float value, float up) {
  COUNT(ACTIVATIONS_WRITTEN, 4);
#ifdef PLAIN_FFN
  hidden[token * HIDDEN_COLUMNS + row] = activated(value);
#else
  hidden[token * HIDDEN_COLUMNS + row] = activated(value) * up;
#endif
}
