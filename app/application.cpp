#include "app/application.h"

#include <QApplication>
#include <QFile>
#include <QLabel>
#include <QVulkanFunctions>
#include <cmath>

#include "app/pages/export_commands.h"
#include "app/view/theme.h"
#include "core/formats/data_folders.h"
#include "core/model/error.h"

namespace headroom {

namespace {

std::uint32_t deviceCount(QVulkanInstance& vulkan) {
  std::uint32_t count = 0;
  vulkan.functions()->vkEnumeratePhysicalDevices(vulkan.vkInstance(), &count, nullptr);
  return count;
}

QWidget* noDeviceNotice() {
  auto* label = new QLabel(
      "The live view needs a Vulkan device, and none was found.\n\n"
      "Install a driver; the package mesa-vulkan-drivers brings one that runs on any processor.");
  label->setAlignment(Qt::AlignCenter);
  label->setObjectName("noVulkan");
  return label;
}

void applyToQt(const session::Appearance& appearance) {
  qApp->setFont(view::qtFont(appearance));
  qApp->setPalette(view::qtPalette(appearance));
  qApp->setStyleSheet(view::qtStyleSheet(appearance));
}

/// The text of a file that comes with the program, or the sentence that says where it was looked for.
QString textOf(const char* relative) {
  try {
    QFile file(QString::fromStdString(formats::findData(relative).string()));
    return file.open(QIODevice::ReadOnly) ? QString::fromUtf8(file.readAll()) : file.errorString();
  } catch (const model::Error& error) {
    return error.what();
  }
}

QString buildText() {
#ifdef NDEBUG
  const char* kind = "optimised";
#else
  const char* kind = "with asserts";
#endif
#ifdef __clang__
  return QString("Clang %1, %2").arg(__clang_version__, kind);
#else
  return QString("GCC %1, %2").arg(__VERSION__, kind);
#endif
}

QIcon programIcon() {
  QIcon icon;
  for (const int size : {48, 128, 256}) {
    try {
      const auto path = formats::findData("icons/headroom-" + std::to_string(size) + ".png");
      icon.addFile(QString::fromStdString(path.string()));
    } catch (const model::Error&) {
      // The desktop's own icon will do.
    }
  }
  return icon;
}

}  // namespace

Application::Application(std::unique_ptr<lanes::LaneOpener> opener, session::Settings& settings)
    : m_session(std::make_unique<session::SessionHost>(std::move(opener))) {
  m_store.setBudget(settings.traceBudget());
  m_session->fill(m_store);
  QObject::connect(&m_selection, &session::Selection::rowsWanted, m_session.get(),
                   &session::SessionHost::requestRows);
  m_workspace = std::make_unique<session::Workspace>(*m_session, m_store, m_selection, settings);
  // Before the first widget: a font that comes after the style sheet does not reach all of them.
  applyToQt(settings.appearance());
  QWidget* live = createLiveView();
  m_window = std::make_unique<pages::MainWindow>(*m_session, m_store, m_board, m_selection, *m_workspace,
                                                 settings, live);
  QObject::connect(m_window.get(), &pages::MainWindow::appearanceChanged, m_window.get(),
                   [this](const session::Appearance& appearance) {
                     applyToQt(appearance);
                     if (m_live) m_live->setAppearance(appearance);
                   });
  m_window->setAbout({.version = HEADROOM_VERSION,
                      .build = buildText(),
                      .imgui = view::imguiVersion(),
                      .icon = programIcon(),
                      .components = textOf("licenses/components.txt"),
                      .license = textOf("licenses/GPL-3.0-or-later.txt")});
  if (m_live) connectLiveView();
}

Application::~Application() {
  // Lanes may still be decoding: what they say from now on has nobody to hear it.
  m_session->disconnect();
}

QWidget* Application::createLiveView() {
  // What the shaders are compiled for.
  m_vulkan.setApiVersion({1, 2});
  if (qEnvironmentVariableIntValue("HEADROOM_VALIDATION") == 1)
    m_vulkan.setLayers({"VK_LAYER_KHRONOS_validation"});
  if (!m_vulkan.create() || deviceCount(m_vulkan) == 0) return noDeviceNotice();
  m_live = new view::LiveWindow(m_vulkan, m_layout, m_store, m_board, m_selection);
  QWidget* container = QWidget::createWindowContainer(m_live);
  container->setObjectName("live");
  return container;
}

void Application::connectLiveView() {
  QObject::connect(m_live, &view::LiveWindow::problem, m_window.get(), [this](const QString& sentence) {
    m_window->showMessage({session::Severity::Problem, sentence.toStdString()});
  });
  QObject::connect(m_live, &view::LiveWindow::keyPressed, m_window.get(), &pages::MainWindow::handleKey);
  // Queued, since widgets are not moved in the middle of a frame.
  QObject::connect(
      m_live, &view::LiveWindow::frameDrawn, m_window.get(),
      [this] {
        const panels::Rect& area = m_layout.messageArea();
        const double ratio = m_live->devicePixelRatio();
        const auto points = [&](float pixels) { return static_cast<int>(std::floor(pixels / ratio)); };
        m_window->setLiveMessageArea(
            {points(area.min.x), points(area.min.y), points(area.width()), points(area.height())});
      },
      Qt::QueuedConnection);
  QObject::connect(m_window.get(), &pages::MainWindow::lanesScrolled, m_live, [this](int views) {
    m_layout.scroll(views);
    m_live->pacer().requestForInput();
  });
  m_window->setClosePopup([this] { return m_live->closePopup(); });
  m_window->exportCommands().setLivePicture([this] { return m_live->picture(); });
  QObject::connect(m_live, &view::LiveWindow::filesDropped, m_window.get(), &pages::MainWindow::openDropped);
  QObject::connect(m_session.get(), &session::SessionHost::stateChanged, m_live,
                   [this](const session::SessionState& state) {
                     m_live->setActivity(!state.playing           ? view::Activity::Idle
                                         : state.pace.unlimited() ? view::Activity::FullSpeed
                                                                  : view::Activity::Paced);
                     m_live->setOpening(m_session->opening().title);
                   });
  QObject::connect(m_session.get(), &session::SessionHost::lanesSettled, m_live,
                   [this] { m_live->setOpening(m_session->opening().title); });
}

void Application::start(const std::vector<std::string>& files) {
  m_window->start(files);
  if (m_live) m_live->setOpening(m_session->opening().title);
  m_window->show();
}

}  // namespace headroom
