#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "core/lanes/lane_set.h"
#include "core/lanes/prompt.h"

namespace headroom::lanes {

/// What the values of a choice are called in experiments, which settings are too, and on the command line; in
/// the order of the enumeration.
template <typename Choice>
std::span<const std::string_view> choiceNames();

/// Those that a lane can be asked for: f64 is the reference's own.
template <>
std::span<const std::string_view> choiceNames<model::KvType>();
template <>
std::span<const std::string_view> choiceNames<model::AttentionKernel>();
template <>
std::span<const std::string_view> choiceNames<PromptForm>();
template <>
std::span<const std::string_view> choiceNames<TokenFeed>();
template <>
std::span<const std::string_view> choiceNames<WhenTextEnds>();

template <typename Choice>
std::string choiceName(Choice choice) {
  return std::string(choiceNames<Choice>()[static_cast<std::size_t>(choice)]);
}

/// `name` is one of choiceNames().
template <typename Choice>
Choice choiceNamed(std::string_view name) {
  const auto names = choiceNames<Choice>();
  return static_cast<Choice>(std::ranges::find(names, name) - names.begin());
}

}  // namespace headroom::lanes
