// Sums over a token's columns where STEP4 neighbouring invocations of a workgroup load them by turns.
shared float lanes[HEADROOM_PROJECTION_TILE_INVOCATIONS];

// Over the STEP4 invocations that load the same token. Every invocation of the workgroup calls it.
float sumLanes(float value) {
  barrier();
  lanes[gl_LocalInvocationIndex] = value;
  barrier();
  float sum = 0.0;
  [[unroll]] for (uint i = 0; i < STEP4; ++i) sum += lanes[gl_LocalInvocationIndex / STEP4 * STEP4 + i];
  return sum;
}
