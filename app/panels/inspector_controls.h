#pragma once

#include <string>

#include "app/panels/panel.h"

namespace headroom::panels {

/// Of the controls above the inspector's maps, in a width.
float inspectorControlsHeight(const PanelContext& context, float width);
/// Scale, colours, form, the head beside, whole text, and what the colours mean; `maximum` is what a
/// stretched scale ends with. Whether the whole text is asked for.
bool drawInspectorControls(const PanelContext& context, const Rect& area, float maximum);

/// "MHA L4H2"
std::string headNameOf(const PanelContext& context, const session::HeadAddress& head);

}  // namespace headroom::panels
