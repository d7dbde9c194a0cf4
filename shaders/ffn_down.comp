// Stage FfnDown: down projection, residual.
#version 460
#extension GL_GOOGLE_include_directive : require
#define AUDIT_BINDING 6
#define RESIDUAL_BINDING 5
#include "projection.glsl"
#include "residual_output.glsl"

INPUT_BUFFER(4, Hidden, hidden);  // [token][COLUMNS4], zero behind ffnDim

vec4 loadInput(uint token, uint column4, uint tile) {
  COUNT(ACTIVATIONS_READ, 16);
  return INPUT_AT(hidden, token * COLUMNS4 + column4);
}
