#include "app/figures/offscreen.h"

#include <QGuiApplication>

namespace headroom::figures {

Offscreen::Offscreen() {
  qputenv("QT_QPA_PLATFORM", "offscreen");
  m_application = std::make_unique<QGuiApplication>(m_argumentCount, m_arguments.data());
}

Offscreen::~Offscreen() = default;

}  // namespace headroom::figures
