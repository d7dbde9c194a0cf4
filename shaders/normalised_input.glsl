// loadInput for projections behind a norm: x * gain. What is the same for all columns is applied to the product:
// RMSNorm y = (W (x * gain)) / rms(x); LayerNorm y = (W (x * gain) - mean(x) W gain) / deviation(x) + W bias, whose
// W gain and W bias are the matrix's row terms.
layout(constant_id = 3) const uint MODEL_DIM = 32;
layout(constant_id = 4) const float EPSILON = 1e-5;
layout(constant_id = HEADROOM_VARIANT_CONSTANT) const uint LAYER_NORM = 0;
INPUT_BUFFER(4, Stream, stream);  // [token][COLUMNS4] residual stream, zero behind MODEL_DIM
INPUT_BUFFER(5, Gain, gain);      // [COLUMNS4]

vec4 loadInput(uint token, uint column4, uint tile) {
  COUNT(ACTIVATIONS_READ, 16);
  COUNT(WEIGHTS_READ, 16);
  const vec4 x = INPUT_AT(stream, token * COLUMNS4 + column4);
  squares[tile] += dot(x, x);
  if (LAYER_NORM != 0) sums[tile] += dot(x, vec4(1.0));
  return x * INPUT_AT(gain, column4);
}

float outputMean(uint tile) { return LAYER_NORM != 0 ? sumLanes(sums[tile]) / float(MODEL_DIM) : 0.0; }

float outputScale(uint tile) {
  const float mean = outputMean(tile);
  return inversesqrt(max(sumLanes(squares[tile]) / float(MODEL_DIM) - mean * mean, 0.0) + EPSILON);
}
