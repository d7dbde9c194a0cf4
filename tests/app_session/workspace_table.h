#pragma once

#include <QTemporaryDir>
#include <QTest>
#include <memory>
#include <string>
#include <vector>

#include "app/session/workspace.h"
#include "tests/lanes/fake_lanes.h"

namespace headroom::test {

/// A workspace on fake lanes, as the application wires it, without a window.
struct Table {
  QTemporaryDir folder;
  session::Settings settings{folder.filePath("settings.ini")};
  session::TraceStore store;
  session::Selection selection;
  session::SessionHost host{std::make_unique<FakeLaneOpener>()};
  session::Workspace workspace{host, store, selection, settings};
  QStringList messages;

  Table() {
    host.fill(store);
    QObject::connect(&workspace, &session::Workspace::message, &store,
                     [this](const session::Message& message) {
                       messages.append(QString::fromStdString(message.sentence));
                     });
    settings.setPrompt("It is a truth");
    settings.setPace({0.0});
  }
  int length(int lane) { return lane < store.laneCount() ? store.lane(lane).length() : 0; }
  /// Starts and waits until the contexts of 64 are full.
  bool finish(const std::vector<std::string>& files = {}) {
    workspace.start(files);
    return QTest::qWaitFor([&] { return host.state().finished && length(0) == 64; }, 20000);
  }
  std::vector<std::string> sources() const {
    std::vector<std::string> names;
    for (const session::LaneRequest& lane : workspace.lanes()) names.push_back(lane.source);
    return names;
  }
  bool textHas(const char* text) { return messages.join('\n').contains(text); }
  std::vector<int> text(int lane) {
    const auto tokens = store.lane(lane).tokens();
    return {tokens.begin(), tokens.end()};
  }
};

using Names = std::vector<std::string>;

}  // namespace headroom::test
