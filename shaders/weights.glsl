// A weight matrix as f32, f16, or Q8_0 (signed bytes and one f16 scale for each 32 of a row), in one of two layouts.
// Packed, in blocks of HEADROOM_LANES rows: [block][column / 4][row in it][4] behind a texel buffer, scales
// [block][column / 32][row in it].
// FAMILY_ROWS: row-major in a storage buffer of 16-byte words, scales [row][column / 32].
#define FORMAT_F32 0
#define FORMAT_F16 1
#define FORMAT_Q8 2

layout(constant_id = 0) const uint WEIGHT_FORMAT = FORMAT_F32;
layout(constant_id = 1) const uint COLUMNS4 = 8;  // columns / 4, a multiple of 8
const uint Q8_TEXELS = 8;  // four weights each, that share a scale

#ifdef FAMILY_ROWS
layout(std430, binding = 1) readonly buffer Weights { uvec4 weights[]; };
#else
layout(binding = 1) uniform textureBuffer weights;  // Q8_0: bytes as fractions of 127
#endif
layout(binding = 2) uniform textureBuffer scales;   // read for Q8_0 only

// Bytes of four weights.
const uint WEIGHT_TEXEL_BYTES = WEIGHT_FORMAT == FORMAT_F32 ? 16 : WEIGHT_FORMAT == FORMAT_F16 ? 8 : 4;

float loadScale(uint index) {
  COUNT(WEIGHTS_READ, 2);
  return texelFetch(scales, int(index)).x;
}

#ifdef FAMILY_ROWS
// Texels of four weights that one invocation loads at once: 16 bytes, or a whole block of Q8_0.
const uint RUN4 = WEIGHT_FORMAT == FORMAT_F32 ? 1 : WEIGHT_FORMAT == FORMAT_F16 ? 2 : Q8_TEXELS;

vec4 bytesOf(uint word) {
  const int bits = int(word);
  return vec4(bitfieldExtract(bits, 0, 8), bitfieldExtract(bits, 8, 8), bitfieldExtract(bits, 16, 8),
              bitfieldExtract(bits, 24, 8));
}

const uint RUN_WORDS = WEIGHT_FORMAT == FORMAT_Q8 ? 2 : 1;

// The weights of `row` from `column4` on, which is a multiple of RUN4, as they are stored.
void loadRun(uint row, uint column4, out uvec4 words[RUN_WORDS], out float scale) {
  const uint texel = row * COLUMNS4 + column4;
  COUNT(WEIGHTS_READ, RUN4 * WEIGHT_TEXEL_BYTES);
  scale = WEIGHT_FORMAT == FORMAT_Q8 ? loadScale(texel / Q8_TEXELS) : 1.0;
  [[unroll]] for (uint i = 0; i < RUN_WORDS; ++i) words[i] = weights[texel * WEIGHT_TEXEL_BYTES / 16 + i];
}

// The numbers that they mean.
void spreadRun(uvec4 words[RUN_WORDS], float scale, out vec4 run[RUN4]) {
  if (WEIGHT_FORMAT == FORMAT_F32) {
    run[0] = uintBitsToFloat(words[0]);
  } else if (WEIGHT_FORMAT == FORMAT_F16) {
    run[0] = vec4(unpackHalf2x16(words[0].x), unpackHalf2x16(words[0].y));
    run[1 % RUN4] = vec4(unpackHalf2x16(words[0].z), unpackHalf2x16(words[0].w));
  } else {
    [[unroll]] for (uint i = 0; i < 4; ++i) {
      run[i % RUN4] = scale * bytesOf(words[0][i]);
      run[(4 + i) % RUN4] = scale * bytesOf(words[1 % RUN_WORDS][i]);
    }
  }
}
#else
// Where in a matrix, or its scales, `column` of `columns` of a row lies.
uint packedIndex(uint row, uint column, uint columns) {
  return (row / HEADROOM_LANES * columns + column) * HEADROOM_LANES + row % HEADROOM_LANES;
}

vec4 loadTexel(uint texel) {
  COUNT(WEIGHTS_READ, WEIGHT_TEXEL_BYTES);
  return texelFetch(weights, int(texel));
}
#endif
