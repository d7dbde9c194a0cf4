#include "core/engine/kernel_code.h"

#include <algorithm>
#include <cassert>

namespace headroom::engine {

namespace {
#include "kernel_table.inc"
}  // namespace

const KernelCode& kernelCode(std::string_view name) {
  const auto found = std::ranges::find(kKernelTable, name, &KernelCode::name);
  assert(found != std::end(kKernelTable));
  return *found;
}

}  // namespace headroom::engine
