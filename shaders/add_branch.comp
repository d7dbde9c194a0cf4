// Stages AttentionOutput and FfnDown, second dispatch where what they add has a norm of its own:
// stream += RMSNorm(branch).
// Workgroups: (1, tokens).
#version 460
#extension GL_GOOGLE_include_directive : require
#define AUDIT_BINDING 3
#include "kernel_params.h"
#include "audit.glsl"

layout(local_size_x_id = HEADROOM_INVOCATIONS_CONSTANT) in;
layout(constant_id = 0) const uint MODEL_DIM = 32;
layout(constant_id = 1) const uint STREAM_COLUMNS = 32;  // floats per token of both
layout(constant_id = 2) const float EPSILON = 1e-5;
layout(std430, binding = 0) readonly buffer Branch { float branch[]; };  // [token][STREAM_COLUMNS]
layout(std430, binding = 1) readonly buffer Gain { float gain[]; };      // [MODEL_DIM]
layout(std430, binding = 2) buffer Stream { float stream[]; };           // [token][STREAM_COLUMNS]

const uint INVOCATIONS = gl_WorkGroupSize.x;
shared float squares[INVOCATIONS];

void main() {
  const uint self = gl_LocalInvocationID.x;
  const uint first = gl_WorkGroupID.y * STREAM_COLUMNS;
  float sum = 0.0;
  for (uint i = self; i < MODEL_DIM; i += INVOCATIONS) {
    COUNT(ACTIVATIONS_READ, 4);
    sum += branch[first + i] * branch[first + i];
  }
  squares[self] = sum;
  for (uint stride = INVOCATIONS / 2; stride > 0; stride /= 2) {
    barrier();
    if (self < stride) squares[self] += squares[self + stride];
  }
  barrier();
  const float scale = inversesqrt(squares[0] / float(MODEL_DIM) + EPSILON);
  for (uint i = self; i < MODEL_DIM; i += INVOCATIONS) {
    COUNT(ACTIVATIONS_READ, 8);
    COUNT(WEIGHTS_READ, 4);
    COUNT(ACTIVATIONS_WRITTEN, 4);
    stream[first + i] += scale * branch[first + i] * gain[i];
  }
}
