#pragma once

#include <QColor>
#include <QIcon>

namespace headroom::pages {

enum class Icon { Play, Pause, StepToken, Restart, Add, Close, Choose };

/// An icon drawn in `color`, sharp at every pixel ratio.
QIcon makeIcon(Icon icon, const QColor& color);

}  // namespace headroom::pages
