// Each subgroup computes HEADROOM_SUBGROUP_ROWS neighbouring rows for TOKENS tokens: its lanes take runs of columns by
// turns and add up at the end; the loads of several runs are on their way before the first is used. On an H200 that is
// what reaches its memory's rate. Any subgroup size from 8 on, any number of subgroups and workgroups: rows are taken in
// turns. Workgroups: (any, tokens / TOKENS).
// BEHIND_NORM: every subgroup has rows of its own; the workgroup loads and scales the input once, by tiles, for all of
// them. Otherwise the subgroups of a workgroup share the columns of the same rows.
#extension GL_KHR_shader_subgroup_arithmetic : require
#define SUBGROUP_ROWS HEADROOM_SUBGROUP_ROWS
#define LEAST_SUBGROUP 8

layout(local_size_x_id = HEADROOM_INVOCATIONS_CONSTANT) in;

#ifdef BEHIND_NORM
#define RUNS_IN_FLIGHT 4
#define OWN_ROWS 1
const uint TILE4 = HEADROOM_INPUT_TILE4 / TOKENS;
// [token][i % RUN4][i / RUN4]: neighbouring lanes, which take neighbouring runs, read neighbouring texels.
shared vec4 inputTile[TILE4 * TOKENS];
shared vec2 inputSums[gl_WorkGroupSize.x / LEAST_SUBGROUP * TOKENS];  // squares, values; of each subgroup
#else
#define RUNS_IN_FLIGHT 2
#define OWN_ROWS 0
const uint TILE4 = COLUMNS4;
shared float productOf[gl_WorkGroupSize.x / LEAST_SUBGROUP * SUBGROUP_ROWS * TOKENS];
#endif

// Runs of a row in flight.
const uint FLIGHT = TOKENS > 1 ? 1 : RUNS_IN_FLIGHT / RUN_WORDS;

float product[SUBGROUP_ROWS][TOKENS];

// Texels that the subgroups with the same rows take from one run of a lane to its next.
uint stride4() { return gl_SubgroupSize * RUN4 * (OWN_ROWS != 0 ? 1 : gl_NumSubgroups); }
// This lane's run `l` of those from `first` on.
uint columnOf(uint first, uint l) {
  const uint lane = OWN_ROWS != 0 ? gl_SubgroupInvocationID
                                  : gl_SubgroupID * gl_SubgroupSize + gl_SubgroupInvocationID;
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
#ifdef BEHIND_NORM
          x[n][i] = inputTile[n * TILE4 + i * (TILE4 / RUN4) + column4 / RUN4];
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

#ifdef BEHIND_NORM
void loadTile(uint tile, uint count, uint firstToken) {
  barrier();  // nobody reads the one before any more
  [[unroll]] for (uint n = 0; n < TOKENS; ++n) {
    for (uint i = gl_LocalInvocationID.x; i < count; i += gl_WorkGroupSize.x) {
      inputTile[n * TILE4 + i % RUN4 * (TILE4 / RUN4) + i / RUN4] = loadInput(tokenOf(firstToken + n), tile + i, n);
    }
  }
  barrier();
}

// Of what every invocation of the workgroup has added.
void sumInputs() {
  [[unroll]] for (uint n = 0; n < TOKENS; ++n) {
    const vec2 sum = vec2(subgroupAdd(squares[n]), subgroupAdd(sums[n]));
    if (subgroupElect()) inputSums[gl_SubgroupID * TOKENS + n] = sum;
  }
  barrier();
  [[unroll]] for (uint n = 0; n < TOKENS; ++n) {
    vec2 sum = vec2(0.0);
    for (uint subgroup = 0; subgroup < gl_NumSubgroups; ++subgroup) sum += inputSums[subgroup * TOKENS + n];
    squares[n] = sum.x;
    sums[n] = sum.y;
  }
}
#else
// Adds up what the subgroups have of the same rows.
void sumProducts() {
  [[unroll]] for (uint n = 0; n < TOKENS; ++n) {
    [[unroll]] for (uint r = 0; r < SUBGROUP_ROWS; ++r) {
      if (subgroupElect()) productOf[(gl_SubgroupID * SUBGROUP_ROWS + r) * TOKENS + n] = product[r][n];
    }
  }
  barrier();
  [[unroll]] for (uint n = 0; n < TOKENS; ++n) {
    [[unroll]] for (uint r = 0; r < SUBGROUP_ROWS; ++r) {
      product[r][n] = 0.0;
      for (uint subgroup = 0; subgroup < gl_NumSubgroups; ++subgroup) {
        product[r][n] += productOf[(subgroup * SUBGROUP_ROWS + r) * TOKENS + n];
      }
    }
  }
  barrier();
}
#endif

// The inputs are summed already.
float sumLanes(float value) { return value; }

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
#ifdef BEHIND_NORM
    // The first weights are on their way while the input is loaded.
    const bool isAhead = wholeRows && turn <= count;
    if (isAhead) load(tile, count, 0, firstRow, true, runs);
    loadTile(tile, count, firstToken);
    if (isAhead) {
      use(count, 0, firstRow, firstToken, true, runs);
      first = turn;
    }
#endif
    if (wholeRows) {
      for (; first + turn <= count; first += turn) {
        load(tile, count, first, firstRow, true, runs);
        use(count, first, firstRow, firstToken, true, runs);
      }
    }
    for (; first < count; first += turn) {
      load(tile, count, first, firstRow, false, runs);
      use(count, first, firstRow, firstToken, false, runs);
    }
  }
  [[unroll]] for (uint n = 0; n < TOKENS; ++n) {
    [[unroll]] for (uint r = 0; r < SUBGROUP_ROWS; ++r) product[r][n] = subgroupAdd(product[r][n]);
  }
#ifdef BEHIND_NORM
  sumInputs();
#else
  sumProducts();
#endif
}

void main() {
  const uint firstToken = firstTokenOf(gl_WorkGroupID.y);
  const uint rowsAtOnce = (OWN_ROWS != 0 ? gl_NumSubgroups : 1) * SUBGROUP_ROWS;
  for (uint first = gl_WorkGroupID.x * rowsAtOnce; first < MATRIX_ROWS; first += gl_NumWorkGroups.x * rowsAtOnce) {
    const uint firstRow = first + (OWN_ROWS != 0 ? gl_SubgroupID * SUBGROUP_ROWS : 0);
    multiply(firstRow, firstToken);
    if (OWN_ROWS == 0 && gl_SubgroupID > 0) continue;
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
