#pragma once

#include <cstddef>
#include <new>
#include <vector>

namespace headroom::training {

/// Allocates at a fixed alignment, so that vectorised loops split a vector at the same elements in every run,
/// and a resumed training gives the very same numbers.
template <typename T>
struct AlignedAllocator {
  using value_type = T;
  static constexpr std::align_val_t kAlignment{64};

  AlignedAllocator() = default;
  template <typename U>
  AlignedAllocator(const AlignedAllocator<U>&) {}

  T* allocate(std::size_t count) { return static_cast<T*>(::operator new(count * sizeof(T), kAlignment)); }
  void deallocate(T* memory, std::size_t) { ::operator delete(memory, kAlignment); }
  bool operator==(const AlignedAllocator&) const = default;
};

using AlignedFloats = std::vector<float, AlignedAllocator<float>>;

}  // namespace headroom::training
