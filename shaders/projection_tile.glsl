// A workgroup computes HEADROOM_PROJECTION_TILE neighbouring rows for as many tokens: both are loaded for 32 columns at a time
// into shared memory, where each invocation multiplies 4 rows with 4 tokens. So weights are loaded once per tile of
// tokens and inputs once per tile of rows: for prefill and large batches, where arithmetic is the limit.
// Workgroups: (matrix rows / PROJECTION_TILE, tokens / PROJECTION_TILE).
layout(local_size_x = HEADROOM_PROJECTION_TILE_INVOCATIONS) in;

const uint TILE = HEADROOM_PROJECTION_TILE;
const uint STEP4 = 8;            // texels of columns at a time: a block of Q8_0
const uint SIDE = 4;             // rows, and tokens, of an invocation
const uint PLACES = TILE / SIDE;
const uint TOKEN_STRIDE = HEADROOM_PROJECTION_TILE_INVOCATIONS / STEP4;  // between the tokens that an invocation loads

shared vec4 rowTile[STEP4 * TILE];    // see placeOf
shared vec4 tokenTile[STEP4 * TILE];  // likewise
shared float tokenScale[TILE];
shared float tokenMean[TILE];
#include "token_sums.glsl"

// Where four columns of a row or token lie: neighbouring invocations read neighbouring places.
uint placeOf(uint column4, uint item) { return (column4 * SIDE + item % SIDE) * PLACES + item / SIDE; }

void loadRows(uint firstRow, uint column4) {
  const uint runs = STEP4 / RUN4;  // of a row
  for (uint index = gl_LocalInvocationIndex; index < TILE * runs; index += HEADROOM_PROJECTION_TILE_INVOCATIONS) {
    const uint row = index / runs;
    const uint first = index % runs * RUN4;
    vec4 run[RUN4];
    if (firstRow + row < MATRIX_ROWS) {
      const Run stored = loadRun(firstRow + row, column4 + first);
      spreadRun(stored, factorsOf(stored, (column4 + first) / RUN4 % 8), run);
    } else {
      [[unroll]] for (uint i = 0; i < RUN4; ++i) run[i] = vec4(0.0);
    }
    [[unroll]] for (uint i = 0; i < RUN4; ++i) rowTile[placeOf(first + i, row)] = run[i];
  }
}

float result(float product, uint row, uint item) {
  return finished(product, row, true, tokenScale[item], tokenMean[item]);
}

void main() {
  const uint firstRow = gl_WorkGroupID.x * TILE;
  const uint firstToken = firstTokenOf(gl_WorkGroupID.y);
  const uint loadedToken = gl_LocalInvocationIndex / STEP4;
  const uint loadedColumn4 = gl_LocalInvocationIndex % STEP4;
  const uint rowPlace = gl_LocalInvocationIndex % PLACES;
  const uint tokenPlace = gl_LocalInvocationIndex / PLACES;
  float product[SIDE][SIDE];
  [[unroll]] for (uint r = 0; r < SIDE; ++r) {
    [[unroll]] for (uint n = 0; n < SIDE; ++n) product[r][n] = 0.0;
  }
  [[unroll]] for (uint slot = 0; slot < INPUT_SLOTS; ++slot) {
    squares[slot] = 0.0;
    sums[slot] = 0.0;
  }
  for (uint column4 = 0; column4 < COLUMNS4; column4 += STEP4) {
    loadRows(firstRow, column4);
    [[unroll]] for (uint slot = 0; slot < INPUT_SLOTS; ++slot) {
      const uint item = loadedToken + slot * TOKEN_STRIDE;
      tokenTile[placeOf(loadedColumn4, item)] =
          loadInput(tokenOf(firstToken + item), column4 + loadedColumn4, slot);
    }
    barrier();
    for (uint k = 0; k < STEP4; ++k) {
      vec4 w[SIDE], x[SIDE];
      [[unroll]] for (uint i = 0; i < SIDE; ++i) {
        w[i] = rowTile[(k * SIDE + i) * PLACES + rowPlace];
        x[i] = tokenTile[(k * SIDE + i) * PLACES + tokenPlace];
      }
      [[unroll]] for (uint r = 0; r < SIDE; ++r) {
        [[unroll]] for (uint n = 0; n < SIDE; ++n) product[r][n] += dot(w[r], x[n]);
      }
    }
    barrier();
  }
  [[unroll]] for (uint slot = 0; slot < INPUT_SLOTS; ++slot) {
    const float scale = outputScale(slot);
    const float mean = outputMean(slot);
    if (loadedColumn4 == 0) {
      tokenScale[loadedToken + slot * TOKEN_STRIDE] = scale;
      tokenMean[loadedToken + slot * TOKEN_STRIDE] = mean;
    }
  }
  barrier();
  [[unroll]] for (uint n = 0; n < SIDE; ++n) {
    const uint item = tokenPlace * SIDE + n;
    const uint token = firstToken + item;
    if (token >= ROW_COUNT) break;
    [[unroll]] for (uint r = 0; r < SIDE; ++r) {
      const uint row = firstRow + rowPlace * SIDE + r;
      if (row >= MATRIX_ROWS) break;
#ifdef PAIRS_GATE_UP
      if (r % 2 == 0) emit(row / 2, token, result(product[r][n], row, item), result(product[r + 1][n], row + 1, item));
#else
#ifdef PAIRS_ADJACENT
      const float partner = result(product[r ^ 1u][n], row ^ 1u, item);
#else
      const float partner = 0.0;
#endif
      emit(row, token, result(product[r][n], row, item), partner);
#endif
    }
  }
}
