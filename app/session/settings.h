#pragma once

#include <QByteArray>
#include <QSettings>
#include <QString>
#include <cstdint>
#include <string>
#include <utility>
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

  /// What was decoded, without a filling; that of the first start where nothing is kept that can be read.
  lanes::Experiment experiment() const;
  /// Of it all but lanes and filling.
  void setChoices(const lanes::Experiment& experiment);
  std::vector<LaneRequest> lanes() const { return experiment().lanes; }
  /// Without a lane the next start has the first one's again.
  void setLanes(const std::vector<LaneRequest>& lanes);
  std::string prompt() const { return experiment().prompt; }
  void setPrompt(const std::string& prompt) { keep(&lanes::Experiment::prompt, prompt); }
  PromptForm promptForm() const { return experiment().promptForm; }
  void setPromptForm(PromptForm form) { keep(&lanes::Experiment::promptForm, form); }
  model::SamplingOptions sampling() const { return experiment().sampling; }
  void setSampling(const model::SamplingOptions& sampling) { keep(&lanes::Experiment::sampling, sampling); }
  Pace pace() const { return {experiment().tokensPerSecond}; }
  void setPace(Pace pace) { keep(&lanes::Experiment::tokensPerSecond, pace.tokensPerSecond); }
  void setFeed(TokenFeed feed) { keep(&lanes::Experiment::feed, feed); }
  WhenTextEnds whenTextEnds() const { return experiment().whenTextEnds; }
  void setWhenTextEnds(WhenTextEnds when) { keep(&lanes::Experiment::whenTextEnds, when); }
  /// What the first start decodes: MHA and MQA; behind a text's end the next begins, so that a demonstration
  /// does not halt with a story's end.
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
  void keep(lanes::Experiment experiment);
  /// Of what is kept another choice.
  template <typename Value>
  void keep(Value lanes::Experiment::*choice, const Value& value) {
    lanes::Experiment experiment = this->experiment();
    experiment.*choice = value;
    keep(std::move(experiment));
  }

  QSettings m_settings;
};

}  // namespace headroom::session
