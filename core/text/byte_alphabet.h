#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace headroom::text {

/// The printable alphabet in which byte-level BPE vocabularies spell bytes: printable Latin-1 characters
/// stand for themselves, the other 68 bytes for U+0100, U+0101, ... in order (GPT-2, Radford et al. 2019). A
/// space is spelled "Ġ". Files and tools show tokens in this spelling; nothing else should.

/// UTF-8 of the character that spells `byte`.
std::string_view spellByte(std::uint8_t byte);
std::string spellBytes(std::string_view bytes);
/// The bytes that `spelling` stands for; nothing when it has a character outside the alphabet.
std::optional<std::string> bytesOfSpelling(std::string_view spelling);

}  // namespace headroom::text
