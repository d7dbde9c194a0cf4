#include <QApplication>
#include <QCommandLineParser>
#include <QStyleFactory>
#include <cstdio>

#include "app/application.h"
#include "app/session/machine.h"
#include "core/lanes/device_lanes.h"

namespace {

bool displayMissing() {
#ifdef Q_OS_LINUX
  return qEnvironmentVariableIsEmpty("DISPLAY") && qEnvironmentVariableIsEmpty("WAYLAND_DISPLAY") &&
         qEnvironmentVariableIsEmpty("QT_QPA_PLATFORM");
#else
  return false;
#endif
}

void describe(QCommandLineParser& parser) {
  parser.setApplicationDescription(
      "Decodes with MHA, GQA and MQA side by side and shows what sharing keys and values saves.");
  parser.addHelpOption();
  parser.addVersionOption();
  parser.addPositionalArgument(
      "models", "Models, traces and experiments, or mha, gqa, mqa; at most four lanes.", "[models...]");
}

}  // namespace

int main(int argc, char** argv) {
  if (displayMissing()) {
    // What needs no window works without a display.
    const QCoreApplication app(argc, argv);
    QCoreApplication::setApplicationName("headroom");
    QCoreApplication::setApplicationVersion(HEADROOM_VERSION);
    QCommandLineParser parser;
    describe(parser);
    parser.parse(QCoreApplication::arguments());
    if (parser.isSet("version")) parser.showVersion();
    if (parser.isSet("help")) parser.showHelp();
    std::fputs("headroom: there is no display. Set DISPLAY or WAYLAND_DISPLAY, or use headroom-cli.\n",
               stderr);
    return 1;
  }
  QApplication::setHighDpiScaleFactorRoundingPolicy(Qt::HighDpiScaleFactorRoundingPolicy::PassThrough);
  QApplication app(argc, argv);
  QApplication::setOrganizationName("headroom");
  QApplication::setApplicationName("headroom");
  QApplication::setApplicationVersion(HEADROOM_VERSION);
  QApplication::setDesktopFileName("org.headroom.Headroom");
  QApplication::setStyle(QStyleFactory::create("Fusion"));

  QCommandLineParser parser;
  describe(parser);
  parser.process(app);
  std::vector<std::string> files;
  for (const QString& file : parser.positionalArguments()) files.push_back(file.toStdString());

  headroom::session::Settings settings;
  const headroom::session::PreferredDevice device = headroom::session::preferredDevice(settings.device());
  headroom::Application application(headroom::lanes::deviceLanes(device.argument), settings);
  application.start(files);
  application.window().offerTour();
  if (!device.note.empty())
    application.window().showMessage({headroom::session::Severity::Note, device.note});
  return QApplication::exec();
}
