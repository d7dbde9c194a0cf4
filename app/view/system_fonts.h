#pragma once

#include <string>
#include <vector>

namespace headroom::view {

enum class FontWeight { Regular, Strong };

/// A font of this machine.
struct SystemFont {
  std::string family;
  std::string file;
  int index = 0;  ///< face within the file
};

/// The best match for the first family that is installed, else whatever fontconfig offers. The families are
/// those whose digits all have one width, because numbers on screen must not jump.
SystemFont interfaceFont(FontWeight weight);
/// A font with wide coverage for what interfaceFont lacks: arrows, mathematical signs.
SystemFont symbolFont();
/// The font that fontconfig gives for emoji; whatever it offers where there is none.
SystemFont emojiFont();

}  // namespace headroom::view
