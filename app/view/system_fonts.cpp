#include "app/view/system_fonts.h"

#include <fontconfig/fontconfig.h>

#include <array>
#include <memory>

namespace headroom::view {

namespace {

using Pattern = std::unique_ptr<FcPattern, decltype(&FcPatternDestroy)>;

enum class Glyphs { Outlines, Any };

SystemFont match(const char* family, FontWeight weight, Glyphs glyphs = Glyphs::Outlines) {
  const Pattern wanted(FcPatternCreate(), &FcPatternDestroy);
  FcPatternAddString(wanted.get(), FC_FAMILY, reinterpret_cast<const FcChar8*>(family));
  FcPatternAddInteger(wanted.get(), FC_WEIGHT,
                      weight == FontWeight::Strong ? FC_WEIGHT_MEDIUM : FC_WEIGHT_REGULAR);
  FcPatternAddInteger(wanted.get(), FC_SLANT, FC_SLANT_ROMAN);
  if (glyphs == Glyphs::Outlines) FcPatternAddBool(wanted.get(), FC_SCALABLE, FcTrue);
  FcConfigSubstitute(nullptr, wanted.get(), FcMatchPattern);
  FcDefaultSubstitute(wanted.get());
  FcResult result = FcResultNoMatch;
  const Pattern found(FcFontMatch(nullptr, wanted.get(), &result), &FcPatternDestroy);
  SystemFont font;
  if (!found) return font;
  FcChar8* text = nullptr;
  if (FcPatternGetString(found.get(), FC_FAMILY, 0, &text) == FcResultMatch) {
    font.family = reinterpret_cast<const char*>(text);
  }
  if (FcPatternGetString(found.get(), FC_FILE, 0, &text) == FcResultMatch) {
    font.file = reinterpret_cast<const char*>(text);
  }
  FcPatternGetInteger(found.get(), FC_INDEX, 0, &font.index);
  return font;
}

}  // namespace

SystemFont interfaceFont(FontWeight weight) {
  constexpr std::array kFamilies{"Roboto", "Noto Sans", "Open Sans", "Cantarell", "DejaVu Sans"};
  for (const char* family : kFamilies) {
    SystemFont font = match(family, weight);
    if (font.family == family) return font;
  }
  return match("sans-serif", weight);
}

SystemFont symbolFont() {
  return match("DejaVu Sans", FontWeight::Regular);
}

SystemFont emojiFont() {
  return match("emoji", FontWeight::Regular, Glyphs::Any);
}

}  // namespace headroom::view
