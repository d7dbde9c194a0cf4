// Probe: only reads, 16 bytes at a time, HEADROOM_READ_UNROLL independent loads in flight per invocation: what a kernel
// that reads weights or keys and values reaches at most. TEXELS: through a texel buffer, which software Vulkan reads
// several times as fast. Workgroups: any number; each pass deals the blocks out anew, so that a working set comes from
// what all workgroups share and not from a core of their own.
#version 460
#extension GL_EXT_control_flow_attributes : require
#include "kernel_params.h"

layout(local_size_x = HEADROOM_READ_INVOCATIONS) in;
#ifdef TEXELS
layout(binding = 0) uniform utextureBuffer source;
#define LOAD(at) texelFetch(source, int(at))
#else
layout(std430, binding = 0) readonly buffer Source { uvec4 source[]; };
#define LOAD(at) source[at]
#endif
layout(std430, binding = 1) buffer Result { uint result[]; };
layout(push_constant) uniform ReadProbeParams {
  uint first;   // block where reading begins
  uint blocks;  // of HEADROOM_READ_INVOCATIONS * HEADROOM_READ_UNROLL pieces of 16 bytes
  uint passes;  // how often all of them are read
} push;

void main() {
  uvec4 sum = uvec4(0);
  for (uint pass = 0; pass < push.passes; ++pass) {
    const uint shift = pass * (gl_NumWorkGroups.x / 2 + 1);
    for (uint dealt = gl_WorkGroupID.x; dealt < push.blocks; dealt += gl_NumWorkGroups.x) {
      const uint block = push.first + (dealt + shift) % push.blocks;
      const uint at = block * HEADROOM_READ_INVOCATIONS * HEADROOM_READ_UNROLL + gl_LocalInvocationID.x;
      uvec4 piece[HEADROOM_READ_UNROLL];
      [[unroll]] for (uint i = 0; i < HEADROOM_READ_UNROLL; ++i) piece[i] = LOAD(at + i * HEADROOM_READ_INVOCATIONS);
      [[unroll]] for (uint i = 0; i < HEADROOM_READ_UNROLL; ++i) sum ^= piece[i];
    }
  }
  // The source holds zeros: nothing is stored, and no compiler can know that.
  const uint folded = sum.x ^ sum.y ^ sum.z ^ sum.w;
  if (folded != 0) result[0] = folded;
}
