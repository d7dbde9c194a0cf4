#pragma once

#include <QStringList>
#include <memory>
#include <string>
#include <vector>

#include "app/session/session_host.h"
#include "app/session/trace_store.h"
#include "tests/lanes/fake_lanes.h"

namespace headroom::test {

/// A session with its store, as the application wires them.
struct SessionFixture {
  session::TraceStore store;
  session::SessionHost host;
  QStringList messages;

  explicit SessionFixture(std::unique_ptr<lanes::LaneOpener> factory = std::make_unique<FakeLaneOpener>())
      : host(std::move(factory)) {
    host.fill(store);
    QObject::connect(&host, &session::SessionHost::message, &store, [this](const session::Message& message) {
      messages.append(QString::fromStdString(message.sentence));
    });
    host.setPrompt("It is a truth");
  }
  void open(const std::vector<std::string>& sources) {
    std::vector<session::LaneRequest> lanes;
    for (const std::string& source : sources) lanes.push_back({source, static_cast<int>(lanes.size()), {}});
    host.setLanes(lanes);
  }
  int length(int lane) { return lane < store.laneCount() ? store.lane(lane).length() : 0; }
  bool textHas(const std::string& text) { return messages.join('\n').contains(QString::fromStdString(text)); }
};

/// Of what the fixture decodes.
inline constexpr int kPromptLength = 13;
inline constexpr int kContext = 64;

}  // namespace headroom::test
