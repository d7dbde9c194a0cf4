#include "app/cli/attribution_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <vector>

#include "core/text/display_text.h"
#include "core/text/utf8.h"

namespace headroom::cli {

namespace {

using nlohmann::ordered_json;

/// A line of a table.
struct AddedPart {
  std::string_view name;
  int layer = -1;
  int head = -1;
  double contribution = 0.0;
  bool isThere = true;  ///< false of a bias that adds nothing
};

/// As the model adds them.
std::vector<AddedPart> partsOf(const evaluation::LogitAttribution& attribution) {
  std::vector<AddedPart> parts{{.name = "embedding", .contribution = attribution.embedding}};
  for (int layer = 0; layer < std::ssize(attribution.mlp); ++layer) {
    for (int head = 0; head < attribution.queryHeadCount; ++head) {
      parts.push_back(
          {.name = "head", .layer = layer, .head = head, .contribution = attribution.head(layer, head)});
    }
    const auto index = static_cast<std::size_t>(layer);
    const double bias = attribution.attentionBias[index];
    parts.push_back({.name = "attention_bias", .layer = layer, .contribution = bias, .isThere = bias != 0.0});
    parts.push_back({.name = "mlp", .layer = layer, .contribution = attribution.mlp[index]});
  }
  parts.push_back({.name = "output_bias",
                   .contribution = attribution.outputBias,
                   .isThere = attribution.outputBias != 0.0});
  return parts;
}

}  // namespace

std::string pieceLabel(const model::Model& model, int token) {
  if (!model.tokenizer) return fmt::format("#{}", token);
  return text::tokenLabel(
      text::shownToken(token, model.tokenizer->pieceBytes(token), token == model.tokenizer->endToken()));
}

ordered_json pieceDocument(const model::Model& model, int token) {
  if (!model.tokenizer) return nullptr;
  return text::replaceInvalidUtf8(model.tokenizer->pieceBytes(token));
}

ordered_json AttributionReport::document() const {
  const auto tokenDocument = [&](int token) {
    return ordered_json{{"token", token}, {"piece", pieceDocument(model, token)}};
  };
  ordered_json heads = ordered_json::array(), other, cap;
  if (question.other) other = tokenDocument(*question.other);
  if (attribution.softCap > 0.0f) cap = attribution.softCap;
  for (const AddedPart& part : partsOf(attribution)) {
    if (part.head < 0) continue;
    heads.push_back({{"layer", part.layer},
                     {"head", part.head},
                     {"kv_head", model.config.attention.kvHeadOf(part.head)},
                     {"contribution", part.contribution}});
  }
  return {
      {"model", model.path},
      {"device", device},
      {"tokens", std::vector<int>(tokens.begin(), tokens.end())},
      {"position", position},
      {"attributed", tokenDocument(question.token)},
      {"less", other},
      {"logit", attribution.total},
      {"soft_cap", cap},
      {"meanings",
       {{"logit",
         "of attributed, less that of less where there is one, before the soft cap: the sum of all parts"},
        {"contribution",
         "what the part adds to the logit through the last norm, which divides by what it divides the "
         "whole residual stream by, and the output matrix; not by way of later layers"},
        {"embedding", "of the token, with its position's where positions are learned"},
        {"attention_bias", "of W_O, by layer"},
        {"mlp", "with its biases, by layer: what a layer adds besides attention"},
        {"output_bias", "of the last norm and of the output matrix"}}},
      {"embedding", attribution.embedding},
      {"heads", heads},
      {"attention_bias", attribution.attentionBias},
      {"mlp", attribution.mlp},
      {"output_bias", attribution.outputBias}};
}

void AttributionReport::printCsv() const {
  fmt::print("part,layer,head,kv_head,contribution\n");
  for (const AddedPart& part : partsOf(attribution)) {
    const auto cell = [](int index) { return index < 0 ? std::string() : std::to_string(index); };
    const int kvHead = part.head < 0 ? -1 : model.config.attention.kvHeadOf(part.head);
    fmt::print("{},{},{},{},{}\n", part.name, cell(part.layer), cell(part.head), cell(kvHead),
               part.contribution);
  }
}

void AttributionReport::printTable() const {
  fmt::print("{}: residual stream by {}, attributed in float64\n", model.path, device);
  fmt::print("at position {}, the logit of {} (id {})", position, pieceLabel(model, question.token),
             question.token);
  if (question.other)
    fmt::print(" less that of {} (id {})", pieceLabel(model, *question.other), *question.other);
  if (attribution.softCap > 0.0f) fmt::print(", before the soft cap of {:g},", attribution.softCap);
  fmt::print(" is {:+.4f}, the sum of what these parts add directly\n\n", attribution.total);
  std::vector<AddedPart> parts = partsOf(attribution);
  std::erase_if(parts, [](const AddedPart& part) { return !part.isThere; });
  std::ranges::stable_sort(parts, std::ranges::greater(),
                           [](const AddedPart& part) { return std::abs(part.contribution); });
  fmt::print("{:<15}{:>5}{:>5}{:>4}{:>14}\n", "part", "layer", "head", "KV", "contribution");
  for (const AddedPart& part : parts) {
    std::string name(part.name);
    std::ranges::replace(name, '_', ' ');
    fmt::print("{:<15}{:>5}", name, part.layer < 0 ? "" : std::to_string(part.layer));
    if (part.head < 0) {
      fmt::print("{:9}", "");
    } else {
      fmt::print("{:>5}{:>4}", part.head, model.config.attention.kvHeadOf(part.head));
    }
    fmt::print("{:>+14.4f}\n", part.contribution);
  }
}

}  // namespace headroom::cli
