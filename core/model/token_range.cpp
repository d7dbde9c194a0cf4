#include "core/model/token_range.h"

#include <fmt/format.h>

#include "core/model/error.h"

namespace headroom::model {

void checkToken(int token, int vocabSize) {
  if (token >= 0 && token < vocabSize) return;
  throw Error(fmt::format("Token {} is outside the vocabulary of {} tokens, expected 0 to {}.", token,
                          vocabSize, vocabSize - 1));
}

}  // namespace headroom::model
