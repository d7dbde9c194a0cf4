// One instance per attention map: a rectangle on the screen and the window of cells it shows. The structure is
// HeatMapInstance in app/view/heat_map_canvas.h.
#version 450

layout(location = 0) in vec4 rectangle;  // pixels: left, top, right, bottom
layout(location = 1) in vec4 window;     // cells: first column, first row, last column, last row
layout(location = 2) in vec4 limits;     // lit rows, valid rows, maximum, column of row 0 that lies on the diagonal
layout(location = 3) in uvec4 slot;      // first cell in the page, columns, rows, whether column 0 is the sink alone

layout(push_constant) uniform HeatMapParams {
  vec2 viewport;  // pixels
  int colorMap;
  int mapScale;
  vec4 ground;
} params;

layout(location = 0) flat out vec4 fragmentRectangle;
layout(location = 1) flat out vec4 fragmentWindow;
layout(location = 2) flat out vec4 fragmentLimits;
layout(location = 3) flat out uvec4 fragmentSlot;

void main() {
  const vec2 corner = vec2(gl_VertexIndex & 1, gl_VertexIndex >> 1);
  const vec2 pixel = mix(rectangle.xy, rectangle.zw, corner);
  gl_Position = vec4(2.0 * pixel / params.viewport - 1.0, 0.0, 1.0);
  fragmentRectangle = rectangle;
  fragmentWindow = window;
  fragmentLimits = limits;
  fragmentSlot = slot;
}
