// Stage AttentionDecode of the rows family for steps of many tokens of one text, or of as many texts side by side: a
// workgroup takes HEADROOM_QUERY_TILE rows, each a token and one of the GROUP query heads that share its KV head, and
// loads every key and value that any of them sees once for all (FlashAttention-2: Dao 2023, arXiv 2307.08691). Scores
// are products of tiles in shared memory, 32 elements of a head at a time; results stay in registers and are rescaled
// with every block of keys (online softmax). CHUNKS is 1, see StepShape::forQueryTiles.
// Captured scores are those before softmax; captured with pooling, a value is the largest score of 8 keys.
// Workgroups: (query heads / GROUP, rows of a text / QUERY_TILE, texts). Any subgroup size.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#define AUDIT_BINDING 8
#define FAMILY_ROWS
#include "step_params.glsl"
#include "audit.glsl"

layout(local_size_x = HEADROOM_QUERY_TILE_INVOCATIONS) in;
#include "attention_interface.glsl"

const uint ROWS = HEADROOM_QUERY_TILE;
const uint KEYS = HEADROOM_QUERY_TILE;  // of a block
const uint INVOCATIONS = HEADROOM_QUERY_TILE_INVOCATIONS;
const uint SIDE = 4;                 // rows, and keys, of an invocation
const uint PLACES = ROWS / SIDE;     // 16
const uint SLICE4 = 8;               // texels of a head that are multiplied at a time
const uint SLICES = (HEAD_DIM4 + SLICE4 - 1) / SLICE4;
const uint VALUES4 = PLACES;         // texels of a head whose values are summed at a time
const uint PARTS = (HEAD_DIM4 + VALUES4 - 1) / VALUES4;
const uint VALUE_KEYS = 32;          // keys whose values lie in shared memory at a time
const uint ROW_LANES = INVOCATIONS / ROWS;  // invocations that look through a row's scores
// Below every score, and yet a number: the difference of two of them is 0.
const float kNothing = -1e30;

// First a slice of queries and one of keys, then the scores of a block, and behind them values.
shared vec4 pool[ROWS * KEYS / 4 + VALUE_KEYS * VALUES4];
const uint FIRST_KEY = SLICE4 * ROWS;
const uint FIRST_VALUE = ROWS * KEYS / 4;
struct Row {
  uint token;       // NO_SLOT: no row
  uint seen, end;   // the keys that it sees
  uint captureRow;  // among the captured ones, or NO_SLOT
};
shared Row rowOf[ROWS];
shared float highest[ROWS];
shared float weightSum[ROWS];
shared float correction[ROWS];
shared float lanes[INVOCATIONS];

// Where four columns of a row or key lie: neighbouring invocations read neighbouring places.
uint placeOf(uint column4, uint item) { return (column4 * SIDE + item % SIDE) * PLACES + item / SIDE; }

float maskedScore(float score, uint row, uint key) {
  const Row info = rowOf[row];
  return info.token != NO_SLOT && key >= info.seen && key < info.end ? softCapped(score, SOFT_CAP) : kNothing;
}

void main() {
  const uint self = gl_LocalInvocationIndex;
  const uint firstHead = gl_WorkGroupID.x * GROUP;
  const uint kvHead = firstHead / HEADS_PER_KV;
  const uint firstRow = gl_WorkGroupID.y * ROWS;
  const uint text = gl_WorkGroupID.z;
  const uint rowCount = min(ROWS, step.tokenCount / params.texts * GROUP - firstRow);
  const uint firstToken = firstRow / GROUP * params.texts + text;
  const uint lastToken = (firstRow + rowCount - 1) / GROUP * params.texts + text;
  const uint base = (step.tokens[firstToken].z * KV_HEADS + kvHead) * CONTEXT;
  const uint seen = firstSeen(step.tokens[firstToken].y + 1);
  const uint end = step.tokens[lastToken].y + 1;

  if (self < ROWS) {
    Row info = Row(NO_SLOT, 0, 0, NO_SLOT);
    if (self < rowCount) {
      const uint token = (firstRow + self) / GROUP * params.texts + text;
      const uint length = step.tokens[token].y + 1;
      const bool captures = step.tokens[token].w != NO_SLOT && layerSlot() != NO_SLOT;
      info = Row(token, firstSeen(length), length, captures ? step.tokens[token].w : NO_SLOT);
    }
    rowOf[self] = info;
    highest[self] = kNothing;
    weightSum[self] = 0.0;
  }
  const uint rowPlace = self % PLACES;  // while scoring
  const uint keyPlace = self / PLACES;
  const uint column = self % PLACES;    // while summing values
  const uint sumPlace = self / PLACES;
  vec4 mixed[PARTS * SIDE];
  [[unroll]] for (uint i = 0; i < PARTS * SIDE; ++i) mixed[i] = vec4(0.0);

  for (uint first = seen & ~7u; first < end; first += KEYS) {
    float score[SIDE][SIDE];
    [[unroll]] for (uint r = 0; r < SIDE; ++r) {
      [[unroll]] for (uint n = 0; n < SIDE; ++n) score[r][n] = 0.0;
    }
    for (uint slice = 0; slice < SLICES; ++slice) {
      barrier();
      for (uint i = self; i < ROWS * SLICE4; i += INVOCATIONS) {
        const uint item = i / SLICE4;
        const uint texel = slice * SLICE4 + i % SLICE4;
        vec4 query4 = vec4(0.0);
        vec4 key4 = vec4(0.0);
        if (texel < HEAD_DIM4) {
          if (item < rowCount) {
            const uint head = firstHead + (firstRow + item) % GROUP;
            query4 = loadQuery((rowOf[item].token * QUERY_HEADS + head) * HEAD_DIM4 + texel) * SCALE;
          }
          if (first + item >= seen && first + item < end) key4 = loadKey((base + first + item) * HEAD_DIM4 + texel);
        }
        pool[placeOf(i % SLICE4, item)] = query4;
        pool[FIRST_KEY + placeOf(i % SLICE4, item)] = key4;
      }
      barrier();
      for (uint k = 0; k < SLICE4; ++k) {
        vec4 q[SIDE], x[SIDE];
        [[unroll]] for (uint i = 0; i < SIDE; ++i) {
          q[i] = pool[(k * SIDE + i) * PLACES + rowPlace];
          x[i] = pool[FIRST_KEY + (k * SIDE + i) * PLACES + keyPlace];
        }
        [[unroll]] for (uint r = 0; r < SIDE; ++r) {
          [[unroll]] for (uint n = 0; n < SIDE; ++n) score[r][n] += dot(q[r], x[n]);
        }
      }
    }
    barrier();
    [[unroll]] for (uint r = 0; r < SIDE; ++r) {
      const uint row = rowPlace * SIDE + r;
      vec4 scores;
      [[unroll]] for (uint n = 0; n < SIDE; ++n) {
        scores[n] = maskedScore(score[r][n], row, first + keyPlace * SIDE + n);
      }
      pool[placeOf(keyPlace, row)] = scores;
    }
    barrier();

    const uint cells = KEYS / step.capturePooling;
    for (uint i = self; layerSlot() != NO_SLOT && i < ROWS * cells; i += INVOCATIONS) {
      const uint row = i / cells;
      const Row info = rowOf[row];
      const uint key = first + i % cells * step.capturePooling;
      if (info.captureRow == NO_SLOT || key >= info.end || key + step.capturePooling <= info.seen) continue;
      const uint slot = headSlot(firstHead + (firstRow + row) % GROUP);
      if (slot == NO_SLOT) continue;
      float value = kNothing;
      for (uint k = 0; k < step.capturePooling; ++k) {
        const uint at = key - first + k;
        value = max(value, pool[placeOf(at / 4, row)][at % 4]);
      }
      capture(slot, info.captureRow, key / step.capturePooling, value);
    }

    // Softmax: ROW_LANES invocations take the keys of a row by turns.
    const uint row = self / ROW_LANES;
    float here = kNothing;
    for (uint k = self % ROW_LANES; k < KEYS / 4; k += ROW_LANES) {
      const vec4 scores = pool[placeOf(k, row)];
      here = max(max(here, max(scores.x, scores.y)), max(scores.z, scores.w));
    }
    lanes[self] = here;
    barrier();
    const float before = highest[row];
    float now = before;
    [[unroll]] for (uint i = 0; i < ROW_LANES; ++i) now = max(now, lanes[row * ROW_LANES + i]);
    float sum = 0.0;
    for (uint k = self % ROW_LANES; k < KEYS / 4; k += ROW_LANES) {
      const uint place = placeOf(k, row);
      const vec4 scores = pool[place];
      const vec4 weights = mix(vec4(0.0), exp(scores - now), greaterThan(scores, vec4(0.5 * kNothing)));
      pool[place] = weights;
      sum += weights.x + weights.y + weights.z + weights.w;
    }
    barrier();
    lanes[self] = sum;
    barrier();
    if (self % ROW_LANES == 0) {
      float ofRow = 0.0;
      [[unroll]] for (uint i = 0; i < ROW_LANES; ++i) ofRow += lanes[self + i];
      correction[row] = exp(before - now);
      highest[row] = now;
      weightSum[row] = weightSum[row] * correction[row] + ofRow;
    }
    barrier();

    [[unroll]] for (uint i = 0; i < SIDE; ++i) {
      const float ofRow = correction[sumPlace * SIDE + i];
      [[unroll]] for (uint part = 0; part < PARTS; ++part) mixed[part * SIDE + i] *= ofRow;
    }
    [[unroll]] for (uint part = 0; part < PARTS; ++part) {
      for (uint firstKey = 0; firstKey < KEYS; firstKey += VALUE_KEYS) {
        barrier();
        for (uint i = self; i < VALUE_KEYS * VALUES4; i += INVOCATIONS) {
          const uint key = first + firstKey + i / VALUES4;
          const uint texel = part * VALUES4 + i % VALUES4;
          vec4 value4 = vec4(0.0);
          if (texel < HEAD_DIM4 && key >= seen && key < end) value4 = loadValue((base + key) * HEAD_DIM4 + texel);
          pool[FIRST_VALUE + i] = value4;
        }
        barrier();
        for (uint k = 0; k < VALUE_KEYS / 4; ++k) {
          vec4 value4[4];
          [[unroll]] for (uint n = 0; n < 4; ++n) value4[n] = pool[FIRST_VALUE + (4 * k + n) * VALUES4 + column];
          [[unroll]] for (uint i = 0; i < SIDE; ++i) {
            const vec4 weights = pool[placeOf(firstKey / 4 + k, sumPlace * SIDE + i)];
            [[unroll]] for (uint n = 0; n < 4; ++n) mixed[part * SIDE + i] += weights[n] * value4[n];
          }
        }
      }
    }
  }

  [[unroll]] for (uint i = 0; i < SIDE; ++i) {
    const uint row = sumPlace * SIDE + i;
    if (row >= rowCount) continue;
    const uint head = firstHead + (firstRow + row) % GROUP;
    [[unroll]] for (uint part = 0; part < PARTS; ++part) {
      const uint texel = part * VALUES4 + column;
      if (texel >= HEAD_DIM4) continue;
      COUNT(ACTIVATIONS_WRITTEN, 16);
      partial[(rowOf[row].token * QUERY_HEADS + head) * HEAD_DIM4 + texel] = mixed[part * SIDE + i];
    }
  }
  for (uint row = self; row < rowCount; row += INVOCATIONS) {
    storeExtent(rowOf[row].token, 0, firstHead + (firstRow + row) % GROUP, rowOf[row].captureRow, rowOf[row].captureRow != NO_SLOT,
                vec2(highest[row], weightSum[row]));
  }
}
