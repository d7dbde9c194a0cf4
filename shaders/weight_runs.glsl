// Weights of a row-major matrix by runs: what one invocation loads at once, 16 bytes or 32 weights. Of the K formats
// eight runs share the header of a superblock. With SHARES_HEADERS the eight invocations that take these runs are
// neighbours of a subgroup: they load it once and hand it around. Otherwise each invocation is alone.
const bool SUPERBLOCKS = WEIGHT_FORMAT >= FORMAT_Q4_K;

// Texels of four weights in a run.
const uint RUN4 = WEIGHT_FORMAT == FORMAT_F32                                    ? 1
                  : WEIGHT_FORMAT == FORMAT_F16 || WEIGHT_FORMAT == FORMAT_BF16 ? 2
                                                                                : 8;
const uint RUN_WORDS = WEIGHT_FORMAT == FORMAT_Q8 ? 2 : 1;
// Words of a superblock, of which the last eight are its runs.
const uint BLOCK_WORDS = WEIGHT_FORMAT == FORMAT_Q4_K ? 9 : WEIGHT_FORMAT == FORMAT_Q5_K ? 11 : 13;

#ifdef SHARES_HEADERS
#define HEADER uint  // one of its four words, in each of the first four invocations
HEADER loadHeader(uint word, uint group) {
  if (group >= 4) return 0;
  COUNT(WEIGHTS_READ, 4);
  return weights[word][group];
}
uint headerWord(HEADER header, uint i) { return subgroupShuffle(header, (gl_SubgroupInvocationID & ~7u) + i); }
float loadBlockScale(uint block, uint group) { return group == 0 ? loadScale(block) : 0.0; }
float sharedScale(float scale) { return subgroupShuffle(scale, gl_SubgroupInvocationID & ~7u); }
#else
#define HEADER uvec4
HEADER loadHeader(uint word, uint group) {
  COUNT(WEIGHTS_READ, 16);
  return weights[word];
}
uint headerWord(HEADER header, uint i) { return header[i]; }
float loadBlockScale(uint block, uint group) { return loadScale(block); }
float sharedScale(float scale) { return scale; }
#endif

// A run as it is stored.
struct Run {
  uvec4 first, second;  // `second` of Q8_0 only
  uvec2 upper;          // the bits above the nibbles: Q5_K one word, Q6_K two
  HEADER header;
  float scale;
};

// The run of `row` from `column4` on, which is a multiple of RUN4.
Run loadRun(uint row, uint column4) {
  Run run;
  const uint index = (row * COLUMNS4 + column4) / RUN4;
  COUNT(WEIGHTS_READ, 16 * RUN_WORDS);
  if (!SUPERBLOCKS) {
    run.first = weights[index * RUN_WORDS];
    if (WEIGHT_FORMAT == FORMAT_Q8) run.second = weights[index * RUN_WORDS + 1];
    if (WEIGHT_FORMAT == FORMAT_Q8 || WEIGHT_FORMAT == FORMAT_Q4_0) run.scale = loadScale(index);
    return run;
  }
  const uint group = index % 8;
  const uint word = index / 8 * BLOCK_WORDS;
  run.header = loadHeader(word, group);
  if (WEIGHT_FORMAT == FORMAT_Q5_K) {
    COUNT(WEIGHTS_READ, 4);
    run.upper.x = weights[word + 1 + group / 4][group % 4];
  } else if (WEIGHT_FORMAT == FORMAT_Q6_K) {
    COUNT(WEIGHTS_READ, 8);
    run.scale = loadBlockScale(index / 8, group);
    run.upper = uvec2(weights[word + 1 + group / 2][group % 2 * 2], weights[word + 1 + group / 2][group % 2 * 2 + 1]);
  }
  run.first = weights[word + BLOCK_WORDS - 8 + group];
  return run;
}

// What the integers of a run mean: scale of the first 16, of the last 16, and what is taken away. `group` is the run's
// place in its superblock. With SHARES_HEADERS all invocations of the subgroup get here together.
vec3 factorsOf(Run run, uint group) {
  if (!SUPERBLOCKS) return vec3(run.scale, run.scale, 0.0);
  if (WEIGHT_FORMAT == FORMAT_Q6_K) {
    const int bytes = int(headerWord(run.header, group / 2) >> group % 2 * 16);
    return vec3(sharedScale(run.scale) * vec2(bitfieldExtract(bytes, 0, 8), bitfieldExtract(bytes, 8, 8)), 0.0);
  }
  const vec2 scales = unpackHalf2x16(headerWord(run.header, 0));
  // 12 bytes of 6 bits: scales and minima of groups 0 to 3, above them the upper two bits of groups 4 to 7; the lower
  // four of these.
  const uint shift = group % 4 * 8;
  const uint scaleByte = headerWord(run.header, 1) >> shift;
  const uint minimumByte = headerWord(run.header, 2) >> shift;
  const uint lower = headerWord(run.header, 3) >> shift;
  const uvec2 packed = group < 4 ? uvec2(scaleByte, minimumByte) & 63u
                                 : (uvec2(lower, lower >> 4) & 15u) | (uvec2(scaleByte, minimumByte) >> 2 & 48u);
  return (scales * vec2(packed)).xxy;
}

// The bytes of a word less `bias`. By the bits of 2^23 + byte, for a conversion takes eight times as long as a
// subtraction on NVIDIA's GPUs.
vec4 wholes(uint bytes, float bias) {
  const uvec4 each = uvec4(bytes, bytes >> 8, bytes >> 16, bytes >> 24) & 255u;
  return uintBitsToFloat(each | 0x4B000000u) - (8388608.0 + bias);
}

// The numbers that a run means.
void spreadRun(Run run, vec3 factors, out vec4 numbers[RUN4]) {
  if (WEIGHT_FORMAT == FORMAT_F32) {
    numbers[0] = uintBitsToFloat(run.first);
  } else if (WEIGHT_FORMAT == FORMAT_F16) {
    numbers[0] = vec4(unpackHalf2x16(run.first.x), unpackHalf2x16(run.first.y));
    numbers[1 % RUN4] = vec4(unpackHalf2x16(run.first.z), unpackHalf2x16(run.first.w));
  } else if (WEIGHT_FORMAT == FORMAT_BF16) {
    const uvec4 even = run.first << 16;
    const uvec4 odd = run.first & 0xFFFF0000u;
    numbers[0] = uintBitsToFloat(uvec4(even.x, odd.x, even.y, odd.y));
    numbers[1 % RUN4] = uintBitsToFloat(uvec4(even.z, odd.z, even.w, odd.w));
  } else if (WEIGHT_FORMAT == FORMAT_Q8) {
    [[unroll]] for (uint i = 0; i < 8; ++i) {
      const uint bytes = (i < 4 ? run.first[i % 4] : run.second[i % 4]) ^ 0x80808080u;
      numbers[i % RUN4] = factors.x * wholes(bytes, 128.0);
    }
  } else {
    const float bias = WEIGHT_FORMAT == FORMAT_Q4_0 ? 8.0 : WEIGHT_FORMAT == FORMAT_Q6_K ? 32.0 : 0.0;
    [[unroll]] for (uint i = 0; i < 8; ++i) {
      uint bytes = run.first[i % 4] >> i / 4 * 4 & 0x0F0F0F0Fu;
      if (WEIGHT_FORMAT == FORMAT_Q5_K) bytes |= (run.upper.x >> i & 0x01010101u) << 4;
      if (WEIGHT_FORMAT == FORMAT_Q6_K) bytes |= (run.upper[i / 4] >> i % 4 * 2 & 0x03030303u) << 4;
      numbers[i % RUN4] = factors[i / 4] * wholes(bytes, bias) - factors.z;
    }
  }
}
