// One instance per piece of shaped text: a rectangle on the screen and the texels that fill it, one per pixel. The
// structure is ShapedTextInstance in app/view/shaped_text_canvas.h.
#version 450

layout(location = 0) in vec4 rectangle;  // pixels: left, top, right, bottom
layout(location = 1) in vec4 ink;        // multiplies the texels; not multiplied by its alpha
layout(location = 2) in uvec4 source;    // first texel in the page, texels per row, rows, whether the text runs upwards

layout(push_constant) uniform ShapedTextParams {
  vec2 viewport;  // pixels
} params;

layout(location = 0) flat out vec4 fragmentRectangle;
layout(location = 1) flat out vec4 fragmentInk;
layout(location = 2) flat out uvec4 fragmentSource;

void main() {
  const vec2 corner = vec2(gl_VertexIndex & 1, gl_VertexIndex >> 1);
  const vec2 pixel = mix(rectangle.xy, rectangle.zw, corner);
  gl_Position = vec4(2.0 * pixel / params.viewport - 1.0, 0.0, 1.0);
  fragmentRectangle = rectangle;
  fragmentInk = ink;
  fragmentSource = source;
}
