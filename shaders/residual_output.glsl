// emit() of the projections that add to the residual stream.
layout(constant_id = 3) const uint STREAM_COLUMNS = 32;  // floats per token of the residual stream
layout(std430, binding = RESIDUAL_BINDING) buffer Stream { float stream[]; };  // [token][STREAM_COLUMNS]

float outputScale(uint tile) { return 1.0; }

void emit(uint row, uint token, float value, float partner) {
  COUNT(ACTIVATIONS_READ, 4);
  COUNT(ACTIVATIONS_WRITTEN, 4);
  stream[token * STREAM_COLUMNS + row] += value;
}
