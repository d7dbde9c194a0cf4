#pragma once

#include <string_view>

#include "core/text/byte_level_bpe.h"

namespace headroom::training {

/// Learns a byte-level BPE vocabulary of `vocabSize` tokens from `text`: the 256 bytes, then the merge of the
/// most frequent adjacent pair again and again (ties: the pair of lower ids), then "<|endoftext|>" as a
/// control token. Merges never cross the words of the "gpt-2" pre-tokenizer. Throws model::Error when
/// vocabSize is under 258 or the text has too few pairs to merge.
/// Sennrich et al. 2016, "Neural Machine Translation of Rare Words with Subword Units", arXiv 1508.07909.
text::ByteLevelBpeData trainByteLevelBpe(std::string_view text, int vocabSize);

}  // namespace headroom::training
