// Copies texels of shaped text to pixels, each to one.
#version 450

layout(set = 0, binding = 0) uniform samplerBuffer texels;  // colours multiplied by their alpha, pieces of [row][column]

layout(location = 0) flat in vec4 rectangle;
layout(location = 1) flat in vec4 ink;
layout(location = 2) flat in uvec4 source;

layout(location = 0) out vec4 color;

void main() {
  const ivec2 at = ivec2(gl_FragCoord.xy - rectangle.xy);
  const ivec2 size = ivec2(source.yz);
  // Text that runs upwards begins at the bottom, with the top of its letters at the left.
  const ivec2 texel = clamp(source.w == 0 ? at : ivec2(size.x - 1 - at.y, at.x), ivec2(0), size - 1);
  color = texelFetch(texels, int(source.x) + texel.y * size.x + texel.x) * vec4(ink.rgb, 1.0) * ink.a;
}
