// Each subgroup computes HEADROOM_SUBGROUP_ROWS neighbouring rows for TOKENS tokens: its lanes take runs of columns by
// turns and add up at the end; the loads of several runs are on their way before the first is used. On an H200 that is
// what reaches its memory's rate. Any subgroup size from 8 on, any number of subgroups and workgroups: rows are taken in
// turns. Workgroups: (any, tokens / TOKENS).
// For one token: behind a norm the workgroup loads and scales the input once, by tiles, for all its rows; otherwise, where
// rows are long, its subgroups share the columns of the same rows.
#extension GL_KHR_shader_subgroup_arithmetic : require
#define SUBGROUP_ROWS HEADROOM_SUBGROUP_ROWS
#define LEAST_SUBGROUP 8
#if defined(BEHIND_NORM) && TOKENS == 1
#define TILES_INPUT
#endif

layout(local_size_x_id = HEADROOM_INVOCATIONS_CONSTANT) in;

#ifdef TILES_INPUT
const uint TILE4 = HEADROOM_INPUT_TILE4;
const bool SHARES_ROWS = false;
const uint RUNS_IN_FLIGHT = 4;
shared vec4 inputTile[TILE4];  // [i % RUN4][i / RUN4]: neighbouring lanes, which take neighbouring runs, read neighbours
shared vec2 inputSums[gl_WorkGroupSize.x / LEAST_SUBGROUP];  // squares, values; of each subgroup
#else
const uint TILE4 = COLUMNS4;
#if TOKENS == 1
const bool SHARES_ROWS = COLUMNS4 / RUN4 >= HEADROOM_RUNS_TO_SHARE * gl_WorkGroupSize.x;
#else
const bool SHARES_ROWS = false;
#endif
const uint RUNS_IN_FLIGHT = SHARES_ROWS ? 2 : 4;
shared float productOf[SHARES_ROWS ? gl_WorkGroupSize.x / LEAST_SUBGROUP * SUBGROUP_ROWS * TOKENS : 1];
#endif

// Runs of a row in flight.
const uint FLIGHT = TOKENS > 1 ? 1 : RUNS_IN_FLIGHT / RUN_WORDS;

float product[SUBGROUP_ROWS][TOKENS];

// Texels that the subgroups with the same rows take from one run of a lane to its next.
uint stride4() { return gl_SubgroupSize * RUN4 * (SHARES_ROWS ? gl_NumSubgroups : 1); }
// This lane's run `l` of those from `first` on.
uint columnOf(uint first, uint l) {
  const uint lane = (SHARES_ROWS ? gl_SubgroupID * gl_SubgroupSize : 0) + gl_SubgroupInvocationID;
  return first + l * stride4() + lane * RUN4;
}

// Columns are those of a tile, which begins at column4 `tile` and has `count`. Where the rows and columns are whole there
// is no branch between the loads.
void load(uint tile, uint count, uint first, uint firstRow, bool isWhole, out Run runs[FLIGHT][SUBGROUP_ROWS]) {
  [[unroll]] for (uint l = 0; l < FLIGHT; ++l) {
    const uint column4 = columnOf(first, l);
    [[unroll]] for (uint r = 0; r < SUBGROUP_ROWS; ++r) {
      if (isWhole || (column4 < count && firstRow + r < MATRIX_ROWS)) {
        runs[l][r] = loadRun(firstRow + r, tile + column4);
      }
    }
  }
}

// Every lane gets here, also those past the end: factorsOf() needs them together.
void use(uint count, uint first, uint firstRow, uint firstToken, bool isWhole, Run runs[FLIGHT][SUBGROUP_ROWS]) {
  [[unroll]] for (uint l = 0; l < FLIGHT; ++l) {
    vec3 factors[SUBGROUP_ROWS];
    [[unroll]] for (uint r = 0; r < SUBGROUP_ROWS; ++r) {
      factors[r] = factorsOf(runs[l][r], gl_SubgroupInvocationID % 8);
    }
    const uint column4 = columnOf(first, l);
    if (isWhole || column4 < count) {
      vec4 x[TOKENS][RUN4];
      [[unroll]] for (uint n = 0; n < TOKENS; ++n) {
        [[unroll]] for (uint i = 0; i < RUN4; ++i) {
#ifdef TILES_INPUT
          x[n][i] = inputTile[i * (TILE4 / RUN4) + column4 / RUN4];
#else
          x[n][i] = loadInput(tokenOf(firstToken + n), column4 + i, n);
#endif
        }
      }
      [[unroll]] for (uint r = 0; r < SUBGROUP_ROWS; ++r) {
        if (isWhole || firstRow + r < MATRIX_ROWS) {
          vec4 run[RUN4];
          spreadRun(runs[l][r], factors[r], run);
          [[unroll]] for (uint n = 0; n < TOKENS; ++n) {
            [[unroll]] for (uint i = 0; i < RUN4; ++i) product[r][n] += dot(run[i], x[n][i]);
          }
        }
      }
    }
  }
}

#ifdef TILES_INPUT
void loadTile(uint tile, uint count, uint token) {
  barrier();  // nobody reads the one before any more
  for (uint i = gl_LocalInvocationID.x; i < count; i += gl_WorkGroupSize.x)
    inputTile[i % RUN4 * (TILE4 / RUN4) + i / RUN4] = loadInput(tokenOf(token), tile + i, 0);
  barrier();
}

// Of what every invocation of the workgroup has added.
void sumInputs() {
  const vec2 ofSubgroup = vec2(subgroupAdd(squares[0]), subgroupAdd(sums[0]));
  if (subgroupElect()) inputSums[gl_SubgroupID] = ofSubgroup;
  barrier();
  vec2 sum = vec2(0.0);
  for (uint subgroup = 0; subgroup < gl_NumSubgroups; ++subgroup) sum += inputSums[subgroup];
  squares[0] = sum.x;
  sums[0] = sum.y;
}
float sumLanes(float value) { return value; }
#else
float sumLanes(float value) { return subgroupAdd(value); }

// Adds up what the subgroups have of the same rows.
void sumProducts() {
  [[unroll]] for (uint r = 0; r < SUBGROUP_ROWS; ++r) {
    if (subgroupElect()) productOf[gl_SubgroupID * SUBGROUP_ROWS + r] = product[r][0];
  }
  barrier();
  [[unroll]] for (uint r = 0; r < SUBGROUP_ROWS; ++r) {
    product[r][0] = 0.0;
    for (uint subgroup = 0; subgroup < gl_NumSubgroups; ++subgroup)
      product[r][0] += productOf[subgroup * SUBGROUP_ROWS + r];
  }
  barrier();
}
#endif

void multiply(uint firstRow, uint firstToken) {
  [[unroll]] for (uint n = 0; n < TOKENS; ++n) {
    squares[n] = 0.0;
    sums[n] = 0.0;
    [[unroll]] for (uint r = 0; r < SUBGROUP_ROWS; ++r) product[r][n] = 0.0;
  }
  const bool wholeRows = firstRow + SUBGROUP_ROWS <= MATRIX_ROWS;
  const uint turn = stride4() * FLIGHT;
  for (uint tile = 0; tile < COLUMNS4; tile += TILE4) {
    const uint count = min(TILE4, COLUMNS4 - tile);
    Run runs[FLIGHT][SUBGROUP_ROWS];
    uint first = 0;
    bool isLoaded = wholeRows && turn <= count;
    if (isLoaded) load(tile, count, first, firstRow, true, runs);
#ifdef TILES_INPUT
    loadTile(tile, count, firstToken);  // while the first weights are on their way
#endif
    while (isLoaded) {
      use(count, first, firstRow, firstToken, true, runs);
      first += turn;
      isLoaded = first + turn <= count;
      if (isLoaded) load(tile, count, first, firstRow, true, runs);
    }
    for (; first < count; first += turn) {
      load(tile, count, first, firstRow, false, runs);
      use(count, first, firstRow, firstToken, false, runs);
    }
  }
  [[unroll]] for (uint n = 0; n < TOKENS; ++n) {
    [[unroll]] for (uint r = 0; r < SUBGROUP_ROWS; ++r) product[r][n] = subgroupAdd(product[r][n]);
  }
#ifdef TILES_INPUT
  sumInputs();
#else
  if (SHARES_ROWS) sumProducts();
#endif
}

void main() {
  const uint firstToken = firstTokenOf(gl_WorkGroupID.y);
  const uint rowsAtOnce = (SHARES_ROWS ? 1 : gl_NumSubgroups) * SUBGROUP_ROWS;
  for (uint first = gl_WorkGroupID.x * rowsAtOnce; first < MATRIX_ROWS; first += gl_NumWorkGroups.x * rowsAtOnce) {
    const uint firstRow = first + (SHARES_ROWS ? 0 : gl_SubgroupID * SUBGROUP_ROWS);
#ifndef TILES_INPUT
    if (firstRow >= MATRIX_ROWS) continue;
#endif
    multiply(firstRow, firstToken);
    if (SHARES_ROWS && gl_SubgroupID > 0) continue;
    [[unroll]] for (uint n = 0; n < TOKENS; ++n) {
      const float scale = outputScale(n);
      const float mean = outputMean(n);
      const bool wanted = firstToken + n < ROW_COUNT;
      // Each lane hands on one of the rows.
#ifdef PAIRS_GATE_UP
      [[unroll]] for (uint r = 0; r < SUBGROUP_ROWS; r += 2) {
        if (wanted && firstRow + r < MATRIX_ROWS && gl_SubgroupInvocationID == r / 2) {
          emit((firstRow + r) / 2, firstToken + n, finished(product[r][n], firstRow + r, true, scale, mean),
               finished(product[r + 1][n], firstRow + r + 1, true, scale, mean));
        }
      }
#else
      [[unroll]] for (uint r = 0; r < SUBGROUP_ROWS; ++r) {
        if (wanted && firstRow + r < MATRIX_ROWS && gl_SubgroupInvocationID == r) {
#ifdef PAIRS_ADJACENT
          const float partner = finished(product[r ^ 1u][n], (firstRow + r) ^ 1u, true, scale, mean);
#else
          const float partner = 0.0;
#endif
          emit(firstRow + r, firstToken + n, finished(product[r][n], firstRow + r, true, scale, mean), partner);
        }
      }
#endif
    }
  }
}
