#pragma once

#include <dlfcn.h>

namespace headroom::tests {

/// Keeps Mesa's software driver and the validation layer in the process once they are loaded. A leak checker
/// at the end of a process would otherwise find memory that belongs to them, with nobody left who points to
/// it, and could not name them either. Where a library is not installed this does nothing.
inline const bool kDriverStaysLoaded = [] {
  for (const char* library : {"libvulkan_lvp.so", "libVkLayer_khronos_validation.so"}) {
    dlopen(library, RTLD_LAZY | RTLD_NODELETE);
  }
  return true;
}();

}  // namespace headroom::tests
