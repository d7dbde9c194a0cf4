// The KV cache of the rows family in storage buffers: f32, or f16 where KV_F16 is defined. Four elements of a head at
// a time (quads), or eight in one load of 16 bytes where they are f16 (octets).
#ifdef KV_F16
#define KV_QUAD uvec2
#define KV_OCTET uvec4
#define KV_QUAD_BYTES 8
#define KV_OCTET_BYTES 16
const uvec4 kNoOctet = uvec4(0);
vec4 spreadQuad(uvec2 quad) { return vec4(unpackHalf2x16(quad.x), unpackHalf2x16(quad.y)); }
void spreadOctet(uvec4 octet, out float elements[8]) {
  [[unroll]] for (uint i = 0; i < 4; ++i) {
    const vec2 pair = unpackHalf2x16(octet[i]);
    elements[2 * i] = pair.x;
    elements[2 * i + 1] = pair.y;
  }
}
#else
struct Octet {
  vec4 low;
  vec4 high;
};
#define KV_QUAD vec4
#define KV_OCTET Octet
#define KV_QUAD_BYTES 16
#define KV_OCTET_BYTES 32
const Octet kNoOctet = Octet(vec4(0.0), vec4(0.0));
vec4 spreadQuad(vec4 quad) { return quad; }
void spreadOctet(Octet octet, out float elements[8]) {
  [[unroll]] for (uint i = 0; i < 4; ++i) {
    elements[i] = octet.low[i];
    elements[4 + i] = octet.high[i];
  }
}
#endif
