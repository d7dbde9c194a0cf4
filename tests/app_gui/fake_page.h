#pragma once

#include "tests/app_gui/gui_fixture.h"
#include "tests/lanes/fake_lanes.h"

namespace headroom::test {

/// The window around fake lanes that decode as fast as they can.
struct FakePage : GuiFixture {
  FakePage() : GuiFixture(std::make_unique<FakeLaneOpener>()) {
    settings.setPrompt("It is a truth");
    settings.setPace({0.0});
  }
  /// Two lanes, measured and paused behind 64 tokens, where their contexts end.
  bool startPaused() {
    start();
    return drawn() && QTest::qWaitFor(
                          [this] {
                            return application->session().state().finished && length(0) == 64 &&
                                   length(1) == 64 && application->board().laneCount() == 2 &&
                                   application->board().measurement(0).measured();
                          },
                          20000);
  }
};

}  // namespace headroom::test
