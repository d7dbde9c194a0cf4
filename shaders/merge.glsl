// The attention of one head from the partial results of the context chunks: each with the maximum of its scores, the
// sum of its exponentials and their weighted values. The including kernel defines QUERY_HEADS, HEAD_DIM4, CHUNKS and
// PARTIAL_BINDING; the extents are bound behind the partial results.
layout(binding = PARTIAL_BINDING) uniform textureBuffer partial;  // [token][CHUNKS][QUERY_HEADS][HEAD_DIM4]
layout(binding = PARTIAL_BINDING + 1) uniform textureBuffer extent;   // [token][CHUNKS][QUERY_HEADS] max, sum

vec2 extentAt(uint entry) {
  COUNT(ACTIVATIONS_READ, 8);
  return texelFetch(extent, int(entry)).xy;
}

// `used`: how many of the chunks, from the first on, have partial results.
vec4 mergeChunks(uint token, uint head, uint element4, uint used) {
  const uint first = token * CHUNKS * QUERY_HEADS + head;
  float highest = extentAt(first).x;
  for (uint chunk = 1; chunk < used; ++chunk) highest = max(highest, extentAt(first + chunk * QUERY_HEADS).x);
  vec4 mixed = vec4(0.0);
  float sum = 0.0;
  for (uint chunk = 0; chunk < used; ++chunk) {
    const uint entry = first + chunk * QUERY_HEADS;
    const vec2 part = extentAt(entry);
    const float weight = exp(part.x - highest);  // 0 for an empty chunk: its max is -infinity
    COUNT(ACTIVATIONS_READ, 16);
    mixed += weight * texelFetch(partial, int(entry * HEAD_DIM4 + element4));
    sum += weight * part.y;
  }
  return mixed / sum;
}
