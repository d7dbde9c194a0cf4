#include "core/lanes/choice_names.h"

#include <array>

namespace headroom::lanes {

template <>
std::span<const std::string_view> choiceNames<model::KvType>() {
  static const std::array names{shortName(model::KvType::F32), shortName(model::KvType::F16)};
  return names;
}

template <>
std::span<const std::string_view> choiceNames<model::AttentionKernel>() {
  static const std::array names{shortName(model::AttentionKernel::Shared),
                                shortName(model::AttentionKernel::Naive)};
  return names;
}

template <>
std::span<const std::string_view> choiceNames<PromptForm>() {
  static constexpr std::array<std::string_view, 3> kNames{"text", "chat", "ids"};
  return kNames;
}

template <>
std::span<const std::string_view> choiceNames<TokenFeed>() {
  static constexpr std::array<std::string_view, 2> kNames{"lockstep", "free"};
  return kNames;
}

template <>
std::span<const std::string_view> choiceNames<WhenTextEnds>() {
  static constexpr std::array<std::string_view, 2> kNames{"stop", "go-on"};
  return kNames;
}

}  // namespace headroom::lanes
