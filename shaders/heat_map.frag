// Colours attention. A pixel shows the maximum of all cells that it covers, so a single bright cell never
// vanishes; of differences the one farthest from 0. Cells above the diagonal (a token cannot look ahead) and rows not decoded yet show the ground.
#version 450

layout(set = 0, binding = 0) uniform samplerBuffer cells;   // attention, pages of [slot][row][column]
layout(set = 0, binding = 1) uniform samplerBuffer colors;  // [color map][256]

layout(push_constant) uniform HeatMapParams {
  vec2 viewport;
  int colorMap;
  int mapScale;  // analysis::MapScale: linear, logarithmic, sink hidden
  vec4 ground;
} params;

layout(location = 0) flat in vec4 rectangle;
layout(location = 1) flat in vec4 window;
layout(location = 2) flat in vec4 limits;
layout(location = 3) flat in uvec4 slot;

layout(location = 0) out vec4 color;

const float kLogarithmicFloor = 1e-4;  // analysis::kLogarithmicFloor
const int kSinkHidden = 2;
const int kDiverging = 3;  // analysis::ColorMap: cells are differences
const int kMaximumFootprint = 16;

void main() {
  const vec2 cellsPerPixel = (window.zw - window.xy) / (rectangle.zw - rectangle.xy);
  const vec2 centre = window.xy + (gl_FragCoord.xy - rectangle.xy) * cellsPerPixel;
  const vec2 reach = 0.5 * max(cellsPerPixel - 1.0, 0.0);
  ivec2 first = ivec2(floor(centre - reach));
  ivec2 last = ivec2(floor(centre + reach));
  color = params.ground;
  // What is not there is not the last that is.
  if (first.x >= int(slot.y) || first.y >= min(int(slot.z), int(limits.y))) return;
  first = max(first, ivec2(0));
  last = clamp(last, first, min(first + kMaximumFootprint, ivec2(slot.yz) - 1));
  last.y = min(last.y, int(limits.y) - 1);

  const int diagonal = int(limits.w);
  if (first.x > last.y + diagonal || first.y > last.y) return;
  // What is left of a pixel with the hidden column alone is nothing.
  if (params.mapScale == kSinkHidden && slot.w != 0) first.x = max(first.x, 1);

  float attention = 0.0;
  for (int row = first.y; row <= last.y; ++row) {
    const int start = int(slot.x) + row * int(slot.y);
    for (int column = first.x; column <= last.x; ++column) {
      const float cell = texelFetch(cells, start + column).r;
      if (abs(cell) > abs(attention)) attention = cell;
    }
  }

  const float size = abs(attention);
  float shown = size;
  if (params.mapScale == 1) {
    shown = size <= kLogarithmicFloor ? 0.0 : 1.0 - log(size) / log(kLogarithmicFloor);
  } else if (params.mapScale == kSinkHidden) {
    shown = size / limits.z;
  }
  if (params.colorMap == kDiverging) shown = 0.5 + 0.5 * sign(attention) * clamp(shown, 0.0, 1.0);
  const int index = int(clamp(shown, 0.0, 1.0) * 255.0 + 0.5);
  const vec4 lit = texelFetch(colors, params.colorMap * 256 + index);
  color = float(first.y) < limits.x ? lit : mix(params.ground, lit, 0.3);
}
