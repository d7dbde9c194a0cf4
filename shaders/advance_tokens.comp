// Behind the summaries of a step's logits, where steps follow each other without the host: every row of the step goes
// on with the most likely token of the first, a position further. What it was is kept, with the mark of logits that are
// not finite: of these there is no most likely one, and the rows keep the token that they had. One workgroup.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "kernel_params.h"

layout(local_size_x = HEADROOM_MAX_SINGLE_TOKENS) in;
// StepParams: eight numbers, then the slots of captured layers and heads, then the rows.
const uint FIRST_ROW = (8 + HEADROOM_MAX_LAYERS + HEADROOM_MAX_QUERY_HEADS) / 4;
layout(std430, binding = 0) buffer Params { uvec4 params[]; };
layout(std430, binding = 1) readonly buffer Summaries { uint summaries[]; };  // [wanted row][HEADROOM_SUMMARY_WORDS]
layout(std430, binding = 2) buffer Ahead { uint ahead[]; };  // steps so far, then of each its token and the mark

void main() {
  const uint row = gl_LocalInvocationID.x;
  const uint token = summaries[4];
  if (row < params[0].x) {
    const uvec2 before = params[FIRST_ROW + row].xy;
    params[FIRST_ROW + row].xy = uvec2(summaries[0] == 0 ? token : before.x, before.y + 1);
  }
  if (row > 0) return;
  const uint at = ahead[0];
  ahead[1 + 2 * at] = token;
  ahead[2 + 2 * at] = summaries[0];
  ahead[0] = at + 1;
}
