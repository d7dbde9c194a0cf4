// Probe: ITERATIONS x 16 independent chains of fused multiply-adds on vec4 per invocation; writes one float so that
// nothing is left out. Workgroups: any number.
#version 460
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require
#include "kernel_params.h"

layout(local_size_x = HEADROOM_FMA_INVOCATIONS) in;
layout(constant_id = 0) const uint ITERATIONS = 1;
layout(std430, binding = 0) buffer Result { float result[]; };

void main() {
  const float start = float(gl_GlobalInvocationID.x) * 1e-6;
  vec4 chain[16];
  [[unroll]] for (uint i = 0; i < 16; ++i) chain[i] = vec4(start + float(i));
  const vec4 factor = vec4(0.999 + result[0] * 1e-9);
  const vec4 offset = vec4(0.001);
  for (uint step = 0; step < ITERATIONS; ++step) {
    [[unroll]] for (uint i = 0; i < 16; ++i) chain[i] = fma(chain[i], factor, offset);
  }
  vec4 sum = vec4(0.0);
  [[unroll]] for (uint i = 0; i < 16; ++i) sum += chain[i];
  result[gl_GlobalInvocationID.x] = sum.x + sum.y + sum.z + sum.w;
}
