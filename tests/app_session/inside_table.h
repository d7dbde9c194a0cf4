#pragma once

#include <QTemporaryDir>
#include <QTest>

#include "app/session/inside_board.h"
#include "app/session/workspace.h"
#include "core/lanes/device_lanes.h"
#include "tests/app_session/session_fixture.h"
#include "tests/support/small_model_file.h"

namespace headroom::test {

/// Small models on the real device, read as ids, and what is asked about their inside.
struct InsideTable {
  /// A machine that compiles beside, and kernels that Mesa compiles first.
  static constexpr int kPatienceMs = 30000;

  QTemporaryDir folder;
  SessionFixture fixture{lanes::deviceLanes()};
  session::Selection selection;
  session::InsideBoard board{fixture.host, fixture.store, selection};

  /// Two layers of four query heads.
  std::string write(const char* name, int kvHeads) {
    return tests::writeSmallModel(folder.filePath(name).toStdString(), kvHeads);
  }
  /// Reads eight tokens, and chooses what follows them.
  void decode(const std::vector<session::LaneRequest>& lanes) {
    fixture.host.setPrompt("1, 2, 3, 4, 5, 6, 7, 8", session::PromptForm::Ids);
    fixture.host.setLanes(lanes);
    QTRY_COMPARE_WITH_TIMEOUT(fixture.store.laneCount(), static_cast<int>(lanes.size()), kPatienceMs);
    QTRY_COMPARE_WITH_TIMEOUT(fixture.length(static_cast<int>(lanes.size()) - 1), 8, kPatienceMs);
  }
  const session::LaneTrace& lane(int index) { return fixture.store.lane(index); }
};

}  // namespace headroom::test
