// How attention splits the context. The including kernel defines CHUNKS, MIN_CHUNK and params.window, the positions
// that its layer sees at most; 0: all.

// First key that a row of `length` keys sees.
uint firstSeen(uint length) { return params.window == 0 || length <= params.window ? 0 : length - params.window; }

// Keys of a chunk, but for the last; a multiple of 8.
uint chunkKeys(uint length) {
  const uint span = length - (firstSeen(length) & ~7u);
  return max(MIN_CHUNK, ((span + CHUNKS - 1) / CHUNKS + 7) & ~7u);
}

// First key of a chunk, at most `length`; a multiple of 8 before that. Keys before firstSeen() are to be skipped.
uint chunkBegin(uint chunk, uint length) {
  return min(length, (firstSeen(length) & ~7u) + chunk * chunkKeys(length));
}

// Chunks whose partial results count; the others have extents alone, of nothing. The packed family, which has few,
// fills all of them.
uint usedChunks(uint length) {
#ifdef FAMILY_ROWS
  const uint keys = chunkKeys(length);
  return min(CHUNKS, (length - (firstSeen(length) & ~7u) + keys - 1) / keys);
#else
  return CHUNKS;
#endif
}
