// y = W x for a tile of tokens, in one of two families of the same algorithm, or TILED for many tokens, and then
// perhaps with cooperative MATRICES. The including
// kernel defines, before the include, where the results go:
//   PAIRS_ADJACENT  emit() of a row also gets the next or previous row's value (2i and 2i + 1)
//   PAIRS_GATE_UP   W holds gate and up rows by turns; emit() gets one row of each
// and implements loadInput(), outputScale() and emit(). BEHIND_NORM: loadInput() does more than load.
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_EXT_control_flow_attributes : require
#ifdef FAMILY_ROWS
#extension GL_KHR_shader_subgroup_shuffle : require
#endif
#ifndef TILED
#define SHARES_HEADERS
#endif
#include "step_params.glsl"
#include "audit.glsl"
#include "weights.glsl"

#ifndef TOKENS
#define TOKENS 1
#endif

// Per row of the matrix: what the mean of a LayerNorm's input takes away, and a constant (biases).
layout(constant_id = HEADROOM_TERMS_CONSTANT) const uint HAS_TERMS = 0;
layout(binding = 3) uniform textureBuffer terms;  // [matrix row] factor, constant; read with HAS_TERMS only

// Inputs of four floats each: behind texel buffers, or in the rows family in storage buffers.
#ifdef FAMILY_ROWS
#define INPUT_BUFFER(slot, block, name) layout(std430, binding = slot) readonly buffer block { vec4 name[]; }
#define INPUT_AT(name, index) name[index]
#else
#define INPUT_BUFFER(slot, block, name) layout(binding = slot) uniform textureBuffer name
#define INPUT_AT(name, index) texelFetch(name, int(index))
#endif

layout(constant_id = 2) const uint ROWS = 32;  // rows that emit() gets; the packed family computes more, as padding

// Tokens whose inputs one lane loads.
#ifdef TILED
#define INPUT_SLOTS (TOKENS * 8 / HEADROOM_PROJECTION_TILE_INVOCATIONS)
#else
#define INPUT_SLOTS TOKENS
#endif
float squares[INPUT_SLOTS];  // this lane's share of sum(x^2)
float sums[INPUT_SLOTS];     // and of sum(x)

// x[column4 * 4 ...] of the token; `tile` is its index among the tokens that this lane loads.
vec4 loadInput(uint token, uint column4, uint tile);
// What all results of a token are multiplied by.
float outputScale(uint tile);
// Mean of a token's input where a LayerNorm takes it away, else 0.
float outputMean(uint tile);
void emit(uint row, uint token, float value, float partner);

// The finished result of a row: scale (W x - mean factor) + constant.
float finished(float product, uint matrixRow, bool wanted, float scale, float mean) {
  if (HAS_TERMS == 0 || !wanted) return product * scale;
  COUNT(WEIGHTS_READ, 8);
  const vec2 term = texelFetch(terms, int(matrixRow)).xy;
  return (product - mean * term.x) * scale + term.y;
}

// The rows that are computed, and which row of the step each is: all of them, unless the including kernel says else.
#ifndef ROW_COUNT
#define ROW_COUNT step.tokenCount
#define STEP_ROW(row) (row)
#endif
uint firstTokenOf(uint tile) { return tile * TOKENS; }
// Rows of a tile past the last one compute that again, for nobody.
uint tokenOf(uint row) { return STEP_ROW(min(row, ROW_COUNT - 1)); }

// Rows of the matrix.
#ifdef PAIRS_GATE_UP
const uint MATRIX_ROWS = 2 * ROWS;  // rows family: gate 0, up 0, gate 1, up 1, ...
#else
const uint MATRIX_ROWS = ROWS;
#endif

#if defined(MATRICES)
#include "projection_matrices.glsl"
#elif defined(TILED)
#include "projection_tile.glsl"
#elif defined(FAMILY_ROWS)
#include "projection_rows.glsl"
#else
#include "projection_packed.glsl"
#endif
