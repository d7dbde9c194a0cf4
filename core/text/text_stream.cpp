#include "core/text/text_stream.h"

#include <utility>

#include "core/text/utf8.h"

namespace headroom::text {

std::string TextStream::feed(std::string_view bytes) {
  m_waiting += bytes;
  std::size_t ready = 0;
  while (ready < m_waiting.size()) {
    const std::string_view rest = std::string_view(m_waiting).substr(ready);
    const Utf8Character character = firstCharacter(rest);
    if (!character.valid && mayBecomeCharacter(rest)) break;
    ready += character.length;
  }
  std::string text = replaceInvalidUtf8(std::string_view(m_waiting).substr(0, ready));
  m_waiting.erase(0, ready);
  return text;
}

std::string TextStream::finish() {
  return replaceInvalidUtf8(std::exchange(m_waiting, {}));
}

}  // namespace headroom::text
