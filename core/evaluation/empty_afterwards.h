#pragma once

#include "core/model/decoder.h"

namespace headroom::evaluation {

/// Leaves every sequence of a decoder empty, also when an exception passes.
class EmptyAfterwards {
 public:
  explicit EmptyAfterwards(model::Decoder& decoder) : m_decoder(decoder) {}
  ~EmptyAfterwards() { m_decoder.truncate(0); }
  EmptyAfterwards(const EmptyAfterwards&) = delete;
  EmptyAfterwards& operator=(const EmptyAfterwards&) = delete;

 private:
  model::Decoder& m_decoder;
};

}  // namespace headroom::evaluation
