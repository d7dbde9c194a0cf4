// Drives the real window for a number of minutes as a restless user would, and prints resident memory: does
// it grow? `soak [minutes] [seed]`, 60 and 1 when left out. Exit 1 when memory grew after the warm-up.
#include <QRandomGenerator>
#include <cstdio>
#include <vector>

#include "core/lanes/device_lanes.h"
#include "core/model/statistics.h"
#include "tests/app_gui/gui_fixture.h"

using namespace headroom;

namespace {

constexpr int kActionMs = 700;
constexpr int kReports = 30;
/// The first part of the run fills caches: fonts, maps of every lane, the trace's own budget.
constexpr double kWarmUpShare = 0.25;
/// Growth from the end of the warm-up to the end that is still noise of the allocator.
constexpr double kMostGrowth = 0.10;

double residentMegabytes() {
  QFile file("/proc/self/statm");
  if (!file.open(QIODevice::ReadOnly)) return 0.0;
  constexpr double kPageMegabytes = 4096e-6;
  return file.readAll().split(' ').value(1).toDouble() * kPageMegabytes;
}

/// The application and what a user does to it.
class Soak : public test::GuiFixture {
 public:
  explicit Soak(quint32 seed) : GuiFixture(lanes::deviceLanes()), m_random(seed) { start({}); }

  void act() {
    session::SessionHost& session = application->session();
    const int dice = m_random.bounded(100);
    ++actions;
    if (dice < 25) {
      session.play();
    } else if (dice < 35) {
      session.pause();
    } else if (dice < 55) {
      scrub();
    } else if (dice < 65) {
      session.setPace({kPaces[static_cast<std::size_t>(m_random.bounded(3))]});
    } else if (dice < 75) {
      switchLanes();
    } else if (dice < 80) {
      session.setFeed(m_random.bounded(2) == 0 ? session::TokenFeed::Lockstep : session::TokenFeed::FreeRun);
    } else if (dice < 85) {
      session.restart();
    } else if (dice < 90) {
      session.setPrompt("Once upon a time, " + std::to_string(m_random.bounded(1000)));
    } else if (dice < 95) {
      window().resize(1000 + m_random.bounded(500), 650 + m_random.bounded(300));
    } else {
      for (int step = 0; step < 5; ++step) session.stepOne();
    }
    session.play();
  }

  int actions = 0;
  int switches = 0;

 private:
  static constexpr double kPaces[] = {0.0, 20.0, 60.0};

  void scrub() {
    const QSize size = live().size();
    for (int move = 0; move < 8; ++move)
      QTest::mouseMove(&live(), {m_random.bounded(size.width()), m_random.bounded(size.height())}, 10);
    QTest::mouseClick(&live(), Qt::LeftButton, {},
                      {m_random.bounded(size.width()), m_random.bounded(size.height())});
  }

  void switchLanes() {
    ++switches;
    std::vector<session::LaneRequest> lanes;
    const int count = 1 + m_random.bounded(session::kMaximumLanes);
    for (int lane = 0; lane < count; ++lane) {
      session::LaneRequest request{.source = session::bundledModels()[m_random.bounded(3)],
                                   .colorIndex = lane};
      if (m_random.bounded(2) == 0) request.options.kvType = model::KvType::F16;
      if (m_random.bounded(3) == 0) request.options.attention = model::AttentionKernel::Naive;
      lanes.push_back(request);
    }
    application->session().setLanes(lanes);
  }

  QRandomGenerator m_random;
};

}  // namespace

int main(int argc, char** argv) {
  QApplication app(argc, argv);
  QApplication::setStyle(QStyleFactory::create("Fusion"));
  const double minutes = argc > 1 ? std::atof(argv[1]) : 60.0;
  const auto seed = static_cast<quint32>(argc > 2 ? std::atoi(argv[2]) : 1);
  const auto totalMs = static_cast<qint64>(minutes * 60000.0);

  Soak soak(seed);
  if (!soak.drawn()) {
    std::fprintf(stderr, "soak: the window did not draw within 10 s\n");
    return 1;
  }
  QElapsedTimer clock;
  clock.start();
  std::uint64_t tokens = 0;
  QObject::connect(&soak.application->session(), &session::SessionHost::stepsArrived, &app,
                   [&](int count) { tokens += static_cast<std::uint64_t>(count); });
  std::vector<double> afterWarmUp;
  std::printf("minutes  resident MB  steps  frames  actions  lane switches\n");
  for (int report = 1; report <= kReports; ++report) {
    const qint64 until = totalMs * report / kReports;
    while (clock.elapsed() < until) {
      soak.act();
      QTest::qWait(kActionMs);
    }
    const double resident = residentMegabytes();
    if (report > kReports * kWarmUpShare) afterWarmUp.push_back(resident);
    std::printf("%7.1f  %11.1f  %5llu  %6llu  %7d  %13d\n", static_cast<double>(clock.elapsed()) / 60000.0,
                resident, static_cast<unsigned long long>(tokens),
                static_cast<unsigned long long>(soak.live().frameCount()), soak.actions, soak.switches);
    std::fflush(stdout);
  }
  // Lanes come and go, so single readings jump: thirds are compared by their medians.
  const auto third = static_cast<std::ptrdiff_t>(afterWarmUp.size() / 3);
  const double early = model::median({afterWarmUp.begin(), afterWarmUp.begin() + third});
  const double late = model::median({afterWarmUp.end() - third, afterWarmUp.end()});
  const bool grew = late > early * (1.0 + kMostGrowth);
  std::printf("%s: median of the first third after the warm-up %.1f MB, of the last %.1f MB (%+.1f %%)\n",
              grew ? "GREW" : "steady", early, late, 100.0 * (late / early - 1.0));
  return grew ? 1 : 0;
}
