#pragma once

#include <QByteArray>
#include <QSettings>
#include <QString>
#include <cstdint>
#include <string>
#include <vector>

#include "app/session/appearance.h"
#include "app/session/lane.h"
#include "app/session/selection.h"
#include "core/lanes/experiment.h"

namespace headroom::session {

/// Prompts that the bundled models go on from as they were trained to; the first is the default.
const std::vector<std::string>& offeredPrompts();

/// What is remembered between starts.
class Settings {
 public:
  static constexpr int kMaximumRecentFiles = 8;

  Settings() = default;
  /// Keeps them in a file of its own instead of the user's settings.
  explicit Settings(const QString& file) : m_settings(file, QSettings::IniFormat) {}

  /// MHA and MQA on the first start.
  std::vector<LaneRequest> lanes() const;
  void setLanes(const std::vector<LaneRequest>& lanes);
  std::string prompt() const;
  void setPrompt(const std::string& prompt);
  PromptForm promptForm() const;
  void setPromptForm(PromptForm form);
  model::SamplingOptions sampling() const;
  void setSampling(const model::SamplingOptions& sampling);
  Pace pace() const;
  void setPace(Pace pace);
  TokenFeed feed() const;
  void setFeed(TokenFeed feed);
  /// On the first start the next text begins, so that a demonstration does not halt with a story's end.
  WhenTextEnds whenTextEnds() const;
  void setWhenTextEnds(WhenTextEnds when);
  /// All of these; they fill nothing.
  lanes::Experiment experiment() const;
  /// Of it all but lanes and filling.
  void setChoices(const lanes::Experiment& experiment);
  /// What the first start decodes.
  static lanes::Experiment firstStart();
  Appearance appearance() const;
  void setAppearance(const Appearance& appearance);
  /// Label of the device that lanes are to decode on; empty for the best one. Looked at at the start.
  std::string device() const;
  void setDevice(const std::string& label);
  /// Bytes for TraceStore::setBudget.
  std::uint64_t traceBudget() const;
  void setTraceBudget(std::uint64_t bytes);
  static constexpr model::Range<std::uint64_t> kTraceBudgets{64ull << 20, 64ull << 30};
  /// Whether somebody was asked to take the tour.
  bool tourOffered() const { return m_settings.value("tourOffered", false).toBool(); }
  void setTourOffered() { m_settings.setValue("tourOffered", true); }
  ColorMap colorMap() const;
  MapScale mapScale() const;
  void setMapLook(ColorMap map, MapScale scale);

  /// Newest first.
  std::vector<std::string> recentFiles() const;
  void addRecentFile(const std::string& path);

  QByteArray windowGeometry() const { return m_settings.value("window/geometry").toByteArray(); }
  QByteArray windowState() const { return m_settings.value("window/state").toByteArray(); }
  void setWindow(const QByteArray& geometry, const QByteArray& state);

 private:
  QSettings m_settings;
};

}  // namespace headroom::session
