#include "core/engine/kernel_code.h"

#include <algorithm>
#include <cassert>

namespace headroom::engine {

namespace {
struct NamedKernel {
  std::string_view name;
  std::span<const std::uint32_t> words;
};
#include "kernel_table.spv.inc"
}  // namespace

std::span<const std::uint32_t> kernelWords(std::string_view name) {
  const auto found = std::ranges::find(kKernelTable, name, &NamedKernel::name);
  assert(found != std::end(kKernelTable));
  return found->words;
}

}  // namespace headroom::engine
