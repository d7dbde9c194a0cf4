// emit() of the projections that add to the residual stream, or, where a norm comes between, store for add_branch.
layout(constant_id = 3) const uint STREAM_COLUMNS = 32;  // floats per token of the residual stream
layout(std430, binding = RESIDUAL_BINDING) buffer Stream { float stream[]; };  // [token][STREAM_COLUMNS]

layout(constant_id = HEADROOM_VARIANT_CONSTANT) const uint STORES = 0;  // 1: the buffer is the branch, which is overwritten

float outputScale(uint tile) { return 1.0; }
float outputMean(uint tile) { return 0.0; }

void emit(uint row, uint token, float value, float partner) {
  COUNT(ACTIVATIONS_WRITTEN, 4);
  if (STORES != 0) {
    stream[token * STREAM_COLUMNS + row] = value;
    return;
  }
  COUNT(ACTIVATIONS_READ, 4);
  stream[token * STREAM_COLUMNS + row] += value;
}
