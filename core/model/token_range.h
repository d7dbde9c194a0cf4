#pragma once

namespace headroom::model {

/// Throws Error unless `token` is one of a vocabulary of `vocabSize`.
void checkToken(int token, int vocabSize);

}  // namespace headroom::model
