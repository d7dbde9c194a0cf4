// A weight matrix in the storage that it has in its file, in one of two layouts.
// Packed (f32, f16, Q8_0), in blocks of HEADROOM_LANES rows: [block][column / 4][row in it][4] behind a texel buffer,
// scales [block][column / 32][row in it].
// FAMILY_ROWS (all of them): row-major in a storage buffer of 16-byte words, scales [row][column / 32], of Q6_K
// [row][column / 256]. What lies where in a row: core/engine/stored_rows.h.
#define FORMAT_F32 0
#define FORMAT_F16 1
#define FORMAT_Q8 2
#define FORMAT_BF16 3
#define FORMAT_Q4_0 4
#define FORMAT_Q4_K 10
#define FORMAT_Q5_K 11
#define FORMAT_Q6_K 12

layout(constant_id = 0) const uint WEIGHT_FORMAT = FORMAT_F32;
layout(constant_id = 1) const uint COLUMNS4 = 8;  // columns / 4, a multiple of 8
const uint Q8_TEXELS = 8;  // four weights each, that share a scale

#ifdef FAMILY_ROWS
layout(std430, binding = 1) readonly buffer Weights { uvec4 weights[]; };
#else
layout(binding = 1) uniform textureBuffer weights;  // Q8_0: bytes as fractions of 127
#endif
layout(binding = 2) uniform textureBuffer scales;   // read for Q8_0, Q4_0 and Q6_K only

float loadScale(uint index) {
  COUNT(WEIGHTS_READ, 2);
  return texelFetch(scales, int(index)).x;
}

#ifdef FAMILY_ROWS
#include "weight_runs.glsl"
#else
// Bytes of four weights.
const uint WEIGHT_TEXEL_BYTES = WEIGHT_FORMAT == FORMAT_F32 ? 16 : WEIGHT_FORMAT == FORMAT_F16 ? 8 : 4;

// Where in a matrix, or its scales, `column` of `columns` of a row lies.
uint packedIndex(uint row, uint column, uint columns) {
  return (row / HEADROOM_LANES * columns + column) * HEADROOM_LANES + row % HEADROOM_LANES;
}

vec4 loadTexel(uint texel) {
  COUNT(WEIGHTS_READ, WEIGHT_TEXEL_BYTES);
  return texelFetch(weights, int(texel));
}
#endif
