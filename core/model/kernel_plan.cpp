#include "core/model/kernel_plan.h"

#include <fmt/format.h>

#include <sstream>

#include "core/model/error.h"
#include "core/model/model.h"
#include "core/model/whole_number.h"

namespace headroom::model {

namespace {

const char* const kExpected =
    "automatic, packed or rows, then if wanted rowBlocks=2|4|8, invocations=64..1024, "
    "attentionWorkgroups=1..4096, merging=apart|last, matrices=none";

int parseChoice(const std::string& part, std::string_view name, int least, int most) {
  const int number = wholeNumber(std::string_view(part).substr(name.size() + 1)).value_or(least - 1);
  if (number < least || number > most || (name != "attentionWorkgroups" && (number & (number - 1)) != 0)) {
    throw Error(fmt::format("The kernel plan holds \"{}\", expected {}", part, kExpected));
  }
  return number;
}

}  // namespace

std::string_view shortName(KernelFamily family) {
  switch (family) {
    case KernelFamily::Automatic:
      return "automatic";
    case KernelFamily::Packed:
      return "packed";
    case KernelFamily::Rows:
      return "rows";
  }
  return "";
}

std::string planText(const KernelPlan& plan) {
  std::string text(shortName(plan.family));
  if (plan.family != KernelFamily::Rows && plan.rowBlocks > 0)
    text += fmt::format(", {} row blocks", plan.rowBlocks);
  if (plan.family != KernelFamily::Packed && plan.invocations > 0)
    text += fmt::format(", {} invocations", plan.invocations);
  if (plan.attentionWorkgroups > 0)
    text += fmt::format(", {} attention workgroups", plan.attentionWorkgroups);
  if (plan.merging == AttentionMerging::Apart) text += ", merged apart";
  if (plan.merging == AttentionMerging::LastWorkgroup) text += ", merged by the last workgroup";
  if (plan.matrices == MatrixUse::None) text += ", without cooperative matrices";
  return text;
}

KernelPlan parsePlan(const std::string& text) {
  KernelPlan plan;
  std::istringstream parts(text);
  std::string part;
  std::getline(parts, part, ',');
  if (part == "packed") {
    plan.family = KernelFamily::Packed;
  } else if (part == "rows") {
    plan.family = KernelFamily::Rows;
  } else if (part != "automatic") {
    throw Error(fmt::format("The kernel plan begins with \"{}\", expected {}", part, kExpected));
  }
  while (std::getline(parts, part, ',')) {
    if (part.starts_with("rowBlocks=")) {
      plan.rowBlocks = parseChoice(part, "rowBlocks", 2, 8);
    } else if (part.starts_with("invocations=")) {
      plan.invocations = parseChoice(part, "invocations", 64, 1024);
    } else if (part.starts_with("attentionWorkgroups=")) {
      plan.attentionWorkgroups = parseChoice(part, "attentionWorkgroups", 1, 4096);
    } else if (part == "merging=apart") {
      plan.merging = AttentionMerging::Apart;
    } else if (part == "merging=last") {
      plan.merging = AttentionMerging::LastWorkgroup;
    } else if (part == "matrices=none") {
      plan.matrices = MatrixUse::None;
    } else {
      throw Error(fmt::format("The kernel plan holds \"{}\", expected {}", part, kExpected));
    }
  }
  return plan;
}

std::string shapeText(const Model& model) {
  const ModelConfig& config = model.config;
  return fmt::format(
      "{} layers, d {}, {} query and {} KV heads x {}, FFN {}, vocabulary {}, trained on {} positions, {}",
      config.layerCount, config.modelDim, config.attention.queryHeadCount, config.attention.kvHeadCount,
      config.attention.headDim, config.ffnDim, config.vocabSize, config.contextLength, model.storageName);
}

}  // namespace headroom::model
