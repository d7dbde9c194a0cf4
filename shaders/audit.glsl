// What a kernel loads and stores, by class of traffic. In the audit build every access adds its bytes to a counter;
// otherwise COUNT is nothing. The including kernel defines AUDIT_BINDING, the binding behind its own.
#define WEIGHTS_READ 0
#define KV_READ 1
#define KV_WRITTEN 2
#define ACTIVATIONS_READ 3
#define ACTIVATIONS_WRITTEN 4
#define CAPTURE_WRITTEN 5

#ifdef AUDIT
layout(std430, binding = AUDIT_BINDING) buffer Audit { uint audited[HEADROOM_TRAFFIC_CLASSES]; };
#define COUNT(trafficClass, bytes) atomicAdd(audited[trafficClass], bytes)
#else
#define COUNT(trafficClass, bytes)
#endif
