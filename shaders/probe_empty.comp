// Probe: a dispatch that does nothing but store one float, for the cost of dispatch and barrier.
#version 460
layout(local_size_x = 8) in;
layout(std430, binding = 0) buffer Result { float result[]; };

void main() { result[gl_GlobalInvocationID.x] = 0.0; }
