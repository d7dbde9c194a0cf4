// What the window costs, with the bundled models: frames per second while two lanes decode at 20 tokens/s,
// and how much of the headless speed is left at full speed. Rounds alternate; medians count. Not a test: run
// it by hand on an idle machine.
#include <QApplication>
#include <QElapsedTimer>
#include <QStyleFactory>
#include <QTemporaryDir>
#include <QTest>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

#include "app/application.h"
#include "core/model/statistics.h"

using namespace headroom;

namespace {

/// Rounds unless the command line says another number.
constexpr int kRounds = 5;
const char* const kModels = HEADROOM_SOURCE_DIR "/assets/models";
const std::vector<session::LaneRequest> kLanes{{"mha", 0}, {"mqa", 1}};

/// Tokens per second and lane, from the prompt to the context limit.
double fullSpeed(session::SessionHost& host, const std::function<int()>& length) {
  host.pause();
  host.setPace({0.0});
  host.restart();
  if (!QTest::qWaitFor([&] { return length() > 0 && length() < 20 && !host.state().playing; }, 20000))
    return 0.0;
  const int before = length();
  QElapsedTimer timer;
  timer.start();
  host.play();
  if (!QTest::qWaitFor([&] { return host.state().finished; }, 120000)) return 0.0;
  return (length() - before) / (timer.nsecsElapsed() * 1e-9);
}

/// The session without a window.
struct Headless {
  session::TraceStore store;
  session::SessionHost host{lanes::deviceLanes()};

  Headless() {
    host.fill(store);
    host.setPrompt("Once upon a time");
    host.setLanes(kLanes);
  }
  int length() const { return store.laneCount() > 0 ? store.lane(0).length() : 0; }
};

}  // namespace

int main(int argc, char** argv) {
  QApplication app(argc, argv);
  QApplication::setStyle(QStyleFactory::create("Fusion"));
  QTemporaryDir folder;
  session::Settings settings(folder.filePath("settings.ini"));
  Application application(lanes::deviceLanes(), settings);
  QElapsedTimer timer;
  timer.start();
  application.start({});
  const auto length = [&] { return application.store().length(); };
  if (!QTest::qWaitFor([&] { return length() > 10 && application.liveWindow()->frameCount() > 2; }, 60000))
    return 1;
  std::printf("first text and picture   %lld ms\n", static_cast<long long>(timer.elapsed()));

  QTest::qWait(1000);
  const std::uint64_t framesBefore = application.liveWindow()->frameCount();
  const int lengthBefore = length();
  const std::clock_t cpuBefore = std::clock();
  timer.restart();
  QTest::qWait(6000);
  const double seconds = timer.nsecsElapsed() * 1e-9;
  std::printf("paced at 20 tokens/s     %.1f frames/s, %.1f tokens/s, %.0f %% of one core\n",
              static_cast<double>(application.liveWindow()->frameCount() - framesBefore) / seconds,
              (length() - lengthBefore) / seconds,
              100.0 * static_cast<double>(std::clock() - cpuBefore) / CLOCKS_PER_SEC / seconds);

  application.session().pause();
  QTest::qWait(500);
  const std::uint64_t firstFrame = application.liveWindow()->frameCount();
  const std::clock_t cpuFirst = std::clock();
  timer.restart();
  while (timer.elapsed() < 3000) {
    application.liveWindow()->requestUpdate();
    QTest::qWait(1);
  }
  const double drawn = static_cast<double>(application.liveWindow()->frameCount() - firstFrame);
  std::printf("drawing alone            %.1f frames/s, %.1f ms of processor time per frame\n",
              1e3 * drawn / static_cast<double>(timer.elapsed()),
              1e3 * static_cast<double>(std::clock() - cpuFirst) / CLOCKS_PER_SEC / drawn);

  Headless headless;
  std::vector<double> ratios;
  const int rounds = argc > 1 ? std::atoi(argv[1]) : kRounds;
  for (int round = 0; round < rounds; ++round) {
    const double alone = fullSpeed(headless.host, [&] { return headless.length(); });
    const std::uint64_t frames = application.liveWindow()->frameCount();
    timer.restart();
    const double withWindow = fullSpeed(application.session(), length);
    const double rate =
        static_cast<double>(application.liveWindow()->frameCount() - frames) / (timer.nsecsElapsed() * 1e-9);
    ratios.push_back(withWindow / alone);
    std::printf(
        "full speed               headless %.0f, window %.0f tokens/s per lane at %.1f frames/s: %.0f %%\n",
        alone, withWindow, rate, 100.0 * ratios.back());
  }
  if (!ratios.empty())
    std::printf("window / headless        median %.0f %%\n", 100.0 * model::median(ratios));
  return 0;
}
