// Numbers as sums of two halves, for cooperative matrices, which multiply halves: x = high + low / 2048, where `high`
// is the half next to x and `low` what it misses. Products of such numbers, added up in floats, are as exact as products
// of floats are (Ootomo and Yokota 2022, arXiv 2203.03341), at two or three times the multiplications.
const float kLowScale = 2048.0;

// The halves of four numbers, packed as two words each.
struct SplitHalves {
  uvec2 high, low;
};
uvec2 packHalves(vec4 x) { return uvec2(packHalf2x16(x.xy), packHalf2x16(x.zw)); }
vec4 unpackHalves(uvec2 x) { return vec4(unpackHalf2x16(x.x), unpackHalf2x16(x.y)); }
SplitHalves splitHalves(vec4 x) {
  SplitHalves parts;
  parts.high = packHalves(x);
  parts.low = packHalves((x - unpackHalves(parts.high)) * kLowScale);
  return parts;
}
