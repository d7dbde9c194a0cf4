// Probe: copies 16 bytes per invocation, which is what a kernel reaches at most. Workgroups: a row of
// HEADROOM_COPY_ROW groups of 256 invocations for each row of the copied range; what lies behind `count` is left alone.
#version 460
#include "kernel_params.h"

layout(local_size_x = HEADROOM_COPY_INVOCATIONS) in;
layout(std430, binding = 0) readonly buffer Source { uvec4 source[]; };
layout(std430, binding = 1) writeonly buffer Target { uvec4 target[]; };
layout(push_constant) uniform CopyProbeParams {
  uint count;  // of 16 bytes each
} push;

void main() {
  const uint index =
      (gl_WorkGroupID.y * HEADROOM_COPY_ROW + gl_WorkGroupID.x) * HEADROOM_COPY_INVOCATIONS + gl_LocalInvocationID.x;
  if (index < push.count) target[index] = source[index];
}
