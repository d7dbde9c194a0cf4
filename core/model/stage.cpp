#include "core/model/stage.h"

namespace headroom::model {

std::string_view stageName(Stage stage) {
  switch (stage) {
    case Stage::Embedding:
      return "embedding";
    case Stage::QkvProjection:
      return "qkv_projection";
    case Stage::AttentionDecode:
      return "attention_decode";
    case Stage::AttentionOutput:
      return "attention_output";
    case Stage::FfnGateUp:
      return "ffn_gate_up";
    case Stage::FfnDown:
      return "ffn_down";
    case Stage::Logits:
      return "logits";
  }
  return "";
}

}  // namespace headroom::model
