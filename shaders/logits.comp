// Stage Logits: final norm and output projection of the rows in step.logitsRows.
#version 460
#extension GL_GOOGLE_include_directive : require
#define AUDIT_BINDING 7
#define ROW_COUNT step.logitsCount
#define STEP_ROW(row) (step.logitsRows[(row) / 4][(row) % 4])
#define BEHIND_NORM
#include "projection.glsl"
#include "normalised_input.glsl"
#include "activation.glsl"

layout(constant_id = 5) const float SOFT_CAP = 0.0;
layout(std430, binding = 6) writeonly buffer Logits { float logits[]; };  // [wanted row][ROWS]

void emit(uint row, uint wanted, float value, float partner) {
  COUNT(ACTIVATIONS_WRITTEN, 4);
  logits[wanted * ROWS + row] = softCapped(value, SOFT_CAP);
}
