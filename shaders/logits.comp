// Stage Logits: final norm and output projection of the rows from step.firstLogits on.
#version 460
#extension GL_GOOGLE_include_directive : require
#define AUDIT_BINDING 7
#define FIRST_TOKEN step.firstLogits
#include "projection.glsl"
#include "normalised_input.glsl"
#include "activation.glsl"

layout(constant_id = 5) const float SOFT_CAP = 0.0;
layout(std430, binding = 6) writeonly buffer Logits { float logits[]; };  // [wanted row][ROWS]

void emit(uint row, uint token, float value, float partner) {
  COUNT(ACTIVATIONS_WRITTEN, 4);
  logits[(token - step.firstLogits) * ROWS + row] = softCapped(value, SOFT_CAP);
}
