// Stage Logits, second dispatch where only a summary of each row is wanted: log-sum-exp, entropy, log-probability of
// the row's target and the most likely tokens, equal ones by their ids. The online softmax of attention_decode, by
// batches whose loads are on their way together, and in stretches of them, so that no sum has more than a few hundred
// terms.
// Workgroups: (wanted rows); a row each, whose logits are read once and once more for each most likely token.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#define AUDIT_BINDING 3
#include "step_params.glsl"
#include "audit.glsl"

layout(local_size_x_id = HEADROOM_INVOCATIONS_CONSTANT) in;
layout(constant_id = 0) const uint VOCAB = 32;
layout(std430, binding = 1) readonly buffer Logits { float logits[]; };       // [wanted row][VOCAB]
layout(std430, binding = 2) writeonly buffer Summaries { uint summaries[]; };  // [wanted row][HEADROOM_SUMMARY_WORDS]

#define NEGATIVE_INFINITY uintBitsToFloat(0xFF800000u)
const uint INVOCATIONS = gl_WorkGroupSize.x;
const uint BATCH = 8;    // logits of an invocation that are loaded together
const uint STRETCH = 8;  // batches that are summed before they join the rest

shared float highest[INVOCATIONS];
shared float sums[INVOCATIONS];      // of exp(logit - highest)
shared float weighted[INVOCATIONS];  // of (logit - highest) exp(logit - highest)
shared uint notFinite[INVOCATIONS];
shared float bestLogit[INVOCATIONS];
shared uint bestToken[INVOCATIONS];

float load(uint row, uint token) {
  COUNT(ACTIVATIONS_READ, 4);
  return logits[row * VOCAB + token];
}

// What two parts know of their softmax: maximum, sum, weighted sum. A part without logits has the sum 0.
vec3 joined(vec3 a, vec3 b) {
  if (a.y == 0.0) return b;
  if (b.y == 0.0) return a;
  const float top = max(a.x, b.x);
  const float da = a.x - top;
  const float db = b.x - top;
  return vec3(top, exp(da) * a.y + exp(db) * b.y, exp(da) * (a.z + da * a.y) + exp(db) * (b.z + db * b.y));
}

// A batch of this invocation's logits, from `first` on; -infinity behind the last.
void loadBatch(uint row, uint first, out float x[BATCH]) {
  [[unroll]] for (uint i = 0; i < BATCH; ++i) {
    const uint token = first + i * INVOCATIONS;
    x[i] = NEGATIVE_INFINITY;
    if (token < VOCAB) x[i] = load(row, token);
  }
}

// The softmax of this invocation's share of the row.
vec3 share(uint row, out uint bad) {
  vec3 total = vec3(NEGATIVE_INFINITY, 0.0, 0.0);
  vec3 stretch = total;
  bad = 0;
  uint batches = 0;
  for (uint first = gl_LocalInvocationID.x; first < VOCAB; first += INVOCATIONS * BATCH) {
    float x[BATCH];
    loadBatch(row, first, x);
    float top = x[0];
    [[unroll]] for (uint i = 1; i < BATCH; ++i) top = max(top, x[i]);
    vec3 part = vec3(top, 0.0, 0.0);
    [[unroll]] for (uint i = 0; i < BATCH; ++i) {
      if (first + i * INVOCATIONS >= VOCAB) continue;
      if ((floatBitsToUint(x[i]) & 0x7F800000u) == 0x7F800000u) bad = 1;
      const float weight = exp(x[i] - top);
      part.yz += vec2(weight, (x[i] - top) * weight);
    }
    stretch = joined(stretch, part);
    if (++batches % STRETCH != 0) continue;
    total = joined(total, stretch);
    stretch = vec3(NEGATIVE_INFINITY, 0.0, 0.0);
  }
  return joined(total, stretch);
}

// Whether the first token stands before the second in the order of likelihood.
bool isBefore(float logitA, uint tokenA, float logitB, uint tokenB) {
  return logitA > logitB || (logitA == logitB && tokenA < tokenB);
}

// The first token behind (logit, token) in that order, to invocation 0's place in bestLogit and bestToken.
void findNext(uint row, float afterLogit, uint afterToken, bool isFirst) {
  const uint self = gl_LocalInvocationID.x;
  float logit = NEGATIVE_INFINITY;
  uint best = NO_SLOT;
  for (uint first = self; first < VOCAB; first += INVOCATIONS * BATCH) {
    float x[BATCH];
    loadBatch(row, first, x);
    [[unroll]] for (uint i = 0; i < BATCH; ++i) {
      const uint token = first + i * INVOCATIONS;
      if (token >= VOCAB || (!isFirst && !isBefore(afterLogit, afterToken, x[i], token))) continue;
      if (best != NO_SLOT && !isBefore(x[i], token, logit, best)) continue;
      logit = x[i];
      best = token;
    }
  }
  bestLogit[self] = logit;
  bestToken[self] = best;
  for (uint stride = INVOCATIONS / 2; stride > 0; stride /= 2) {
    barrier();
    if (self >= stride || bestToken[self + stride] == NO_SLOT) continue;
    if (bestToken[self] == NO_SLOT ||
        isBefore(bestLogit[self + stride], bestToken[self + stride], bestLogit[self], bestToken[self])) {
      bestLogit[self] = bestLogit[self + stride];
      bestToken[self] = bestToken[self + stride];
    }
  }
  barrier();
}

void store(uint row, uint word, uint value) {
  COUNT(ACTIVATIONS_WRITTEN, 4);
  summaries[row * HEADROOM_SUMMARY_WORDS + word] = value;
}

void main() {
  const uint self = gl_LocalInvocationID.x;
  const uint row = gl_WorkGroupID.x;
  uint bad;
  vec3 part = share(row, bad);
  highest[self] = part.x;
  sums[self] = part.y;
  weighted[self] = part.z;
  notFinite[self] = bad;
  for (uint stride = INVOCATIONS / 2; stride > 0; stride /= 2) {
    barrier();
    if (self >= stride) continue;
    part = joined(part, vec3(highest[self + stride], sums[self + stride], weighted[self + stride]));
    highest[self] = part.x;
    sums[self] = part.y;
    weighted[self] = part.z;
    notFinite[self] |= notFinite[self + stride];
  }
  if (self == 0) {
    const uint target = step.targets[row / 4][row % 4];
    const float logSum = log(part.y);
    store(row, 0, notFinite[0]);
    store(row, 1, floatBitsToUint(part.x + logSum));
    store(row, 2, floatBitsToUint(logSum - part.z / part.y));
    store(row, 3, target == NO_SLOT ? 0 : floatBitsToUint(load(row, target) - part.x - logSum));
  }
  float logit = 0.0;
  uint token = 0;
  for (uint i = 0; i < step.topCount; ++i) {
    findNext(row, logit, token, i == 0);
    logit = bestLogit[0];
    token = bestToken[0];
    if (self == 0) {
      store(row, 4 + 2 * i, token);
      store(row, 5 + 2 * i, floatBitsToUint(logit));
    }
    barrier();
  }
}
