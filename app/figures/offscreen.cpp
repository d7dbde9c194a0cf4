#include "app/figures/offscreen.h"

#include <QGuiApplication>

namespace headroom::figures {

namespace {
/// Qt's remarks on its surroundings are nothing that the user of a command asked for.
void dropRemarks(QtMsgType, const QMessageLogContext&, const QString&) {}
}  // namespace

Offscreen::Offscreen() {
  qInstallMessageHandler(&dropRemarks);
  qputenv("QT_QPA_PLATFORM", "offscreen");
  m_application = std::make_unique<QGuiApplication>(m_argumentCount, m_arguments.data());
}

Offscreen::~Offscreen() {
  m_application.reset();
  qInstallMessageHandler(nullptr);
}

}  // namespace headroom::figures
