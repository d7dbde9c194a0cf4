#include "core/engine/kernel_code.h"

#include <algorithm>
#include <cassert>

namespace headroom::engine {

namespace {
#include "kernel_words.spv.inc"
// The bindings of each, read from those words when they were compiled.
#include "kernel_table.spv.inc"
}  // namespace

const KernelCode& kernelCode(std::string_view name) {
  const auto found = std::ranges::find(kKernelTable, name, &KernelCode::name);
  assert(found != std::end(kKernelTable));
  return *found;
}

}  // namespace headroom::engine
