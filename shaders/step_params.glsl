// The uniform buffer of a step (StepParams in kernel_params.h) at binding 0.
#include "kernel_params.h"

layout(std140, binding = 0) uniform StepParams {
  uint tokenCount;
  uint logitsCount;     // rows whose logits are wanted
  uint captureRows;     // rows of captured attention in this step
  uint captureStride;   // floats per captured row
  uint capturePooling;  // keys per captured value: 1, or HEADROOM_LANES
  uint topCount;        // most likely tokens in a summary of logits
  uint captureBase;     // where captured values besides scores begin, in floats
  uvec4 layerSlots[HEADROOM_MAX_LAYERS / 4];      // first slot of a layer's captured heads, or none
  uvec4 headSlots[HEADROOM_MAX_QUERY_HEADS / 4];  // a head's slot behind its layer's first, or none
  uvec4 tokens[HEADROOM_MAX_TOKENS];              // token, position, sequence, row among the captured ones or none
  uvec4 logitsRows[HEADROOM_MAX_TOKENS / 4];      // rows whose logits are wanted
  uvec4 targets[HEADROOM_MAX_TOKENS / 4];         // the token each of those is asked about, or none
} step;

#define NO_SLOT 0xFFFFFFFFu
