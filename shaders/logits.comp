// Stage Logits: final RMSNorm and output projection of the rows from step.firstLogits on.
#version 460
#extension GL_GOOGLE_include_directive : require
#define AUDIT_BINDING 6
#define FIRST_TOKEN step.firstLogits
#include "projection.glsl"
#include "normalised_input.glsl"

layout(std430, binding = 5) writeonly buffer Logits { float logits[]; };  // [wanted row][ROWS]

void emit(uint row, uint token, float value, float partner) {
  COUNT(ACTIVATIONS_WRITTEN, 4);
  logits[(token - step.firstLogits) * ROWS + row] = value;
}
