#include "core/model/capture_place.h"

namespace headroom::model {

std::pair<Stage, int> madeBy(CapturePoint point, int layer) {
  switch (point) {
    case CapturePoint::Residual:
      // The stream before a layer is what the layer before it left.
      return layer == 0 ? std::pair(Stage::Embedding, -1) : std::pair(Stage::FfnDown, layer - 1);
    case CapturePoint::Queries:
    case CapturePoint::Keys:
    case CapturePoint::Values:
      return {Stage::QkvProjection, layer};
    case CapturePoint::HeadOutputs:
    case CapturePoint::SoftmaxExtents:
      return {Stage::AttentionDecode, layer};
  }
  return {Stage::Embedding, -1};
}

}  // namespace headroom::model
