// loadInput for projections behind an RMSNorm: x * gain, without the division by the root mean square, which is
// the same for all columns and is applied to the product: y = (W (x * gain)) / rms(x).
layout(constant_id = 3) const uint MODEL_DIM = 32;
layout(constant_id = 4) const float EPSILON = 1e-5;
layout(binding = 3) uniform textureBuffer stream;  // [token][COLUMNS4] residual stream, zero behind MODEL_DIM
layout(binding = 4) uniform textureBuffer gain;    // [COLUMNS4]

vec4 loadInput(uint token, uint column4, uint tile) {
  COUNT(ACTIVATIONS_READ, 16);
  COUNT(WEIGHTS_READ, 16);
  const vec4 x = texelFetch(stream, int(token * COLUMNS4 + column4));
  squares[tile] += dot(x, x);
  return x * texelFetch(gain, int(column4));
}

float outputScale(uint tile) { return inversesqrt(sumLanes(squares[tile]) / float(MODEL_DIM) + EPSILON); }
