// The uniform buffer of a step (StepParams in kernel_params.h) at binding 0.
#include "kernel_params.h"

layout(std140, binding = 0) uniform StepParams {
  uint tokenCount;
  uint firstLogits;
  uvec4 captureLayers[HEADROOM_MAX_LAYERS / 128];
  uvec4 captureHeads[HEADROOM_MAX_QUERY_HEADS / 128];
  uvec4 tokens[HEADROOM_MAX_TOKENS];  // token, position, sequence, unused
} step;
