#include "app/session/appearance.h"

namespace headroom::session {

namespace {

const Palette kDark{
    .window = rgb(0x14171C),
    .panel = rgb(0x1A1E25),
    .raised = rgb(0x252B35),
    .hovered = rgb(0x313947),
    .border = rgb(0x2C333F),
    .text = rgb(0xDCE1E9),
    .textDim = rgb(0x98A2B3),
    .textFaint = rgb(0x667085),
    .accent = rgb(0x6CB6FF),
    .accentText = rgb(0x0E1116),
    .problem = rgb(0x5A2A2C),
    .mark = rgb(0xFF7A70),
    .untrained = rgb(0x46363F),
    .mapGround = rgb(0x101318),
    .lanes = analysis::kLaneColorsOnDark,
    .traffic = {rgb(0x5F6E86), rgb(0x2FBF9B), rgb(0x17765F), rgb(0x9A8FD1), rgb(0x6A5FA3), rgb(0xC77B92)},
};

const Palette kLight{
    .window = rgb(0xEEF0F3),
    .panel = rgb(0xFBFCFD),
    .raised = rgb(0xFFFFFF),
    .hovered = rgb(0xE3E8EF),
    .border = rgb(0xCDD3DC),
    .text = rgb(0x1C222B),
    .textDim = rgb(0x556070),
    .textFaint = rgb(0x8791A0),
    .accent = rgb(0x1767B8),
    .accentText = rgb(0xFFFFFF),
    .problem = rgb(0xF6D5D2),
    .mark = rgb(0xC2352B),
    .untrained = rgb(0xEFDCE2),
    .mapGround = rgb(0xE2E6EC),
    .lanes = analysis::kLaneColorsOnLight,
    .traffic = {rgb(0x8A97AB), rgb(0x14A382), rgb(0x0B6B55), rgb(0x8478C4), rgb(0x574B94), rgb(0xB8607A)},
};

}  // namespace

const Palette& paletteOf(Theme theme) {
  return theme == Theme::Dark ? kDark : kLight;
}

}  // namespace headroom::session
