// loadInput for projections behind an RMSNorm: x * gain, without the division by the root mean square, which is
// the same for all columns and is applied to the product: y = (W (x * gain)) / rms(x).
layout(constant_id = 2) const uint MODEL_DIM = 32;
layout(constant_id = 3) const float EPSILON = 1e-5;
layout(binding = 2) uniform textureBuffer stream;  // [token][COLUMNS4] residual stream, zero behind MODEL_DIM
layout(binding = 3) uniform textureBuffer gain;    // [COLUMNS4]

vec4 loadInput(uint token, uint column4, uint tile) {
  const uint row = min(token, step.tokenCount - 1);
  const vec4 x = texelFetch(stream, int(row * COLUMNS4 + column4));
  squares[tile] += dot(x, x);
  return x * texelFetch(gain, int(column4));
}

float inverseRms(uint tile) { return inversesqrt(sumLanes(squares[tile]) / float(MODEL_DIM) + EPSILON); }
