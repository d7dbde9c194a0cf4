#pragma once

#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

#include "core/vulkan/kernel.h"
#include "core/vulkan/recorder.h"

namespace headroom::engine {

/// What a kernel is bound to; has to be given.
struct Bound {
  Bound(const vulkan::Binding& what) : binding(what) {}
  operator const vulkan::Binding&() const { return binding; }

  vulkan::Binding binding;
};

/// A specialization constant; has to be given.
template <typename Value>
struct Given {
  Given(Value given) : value(given) {}
  std::uint32_t bits() const { return std::bit_cast<std::uint32_t>(value); }

  Value value;
};

/// A kernel that binds what `Interface`, a struct of kernel_interfaces.h, says.
template <typename Interface>
struct KernelOf {
  const vulkan::Kernel* kernel = nullptr;

  explicit operator bool() const { return kernel != nullptr; }
};

}  // namespace headroom::engine
