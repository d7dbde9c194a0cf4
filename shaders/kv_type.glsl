// Element type of the KV cache in storage buffers: f32, or f16 where KV_F16 is defined.
#ifdef KV_F16
#extension GL_EXT_shader_16bit_storage : require
#define KV_ELEMENT float16_t
#define KV_BYTES 2
#else
#define KV_ELEMENT float
#define KV_BYTES 4
#endif
