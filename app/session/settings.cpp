#include "app/session/settings.h"

#include <QStringList>
#include <utility>

#include "app/session/trace_store.h"
#include "core/model/error.h"

namespace headroom::session {

namespace {

/// A number that an older or damaged file may hold, brought into the range of an enumeration.
template <typename Enum>
Enum enumValue(const QSettings& settings, const char* key, Enum fallback, int count) {
  const int value = settings.value(key, static_cast<int>(fallback)).toInt();
  return value >= 0 && value < count ? static_cast<Enum>(value) : fallback;
}

constexpr const char* kExperimentKey = "experiment";

}  // namespace

const std::vector<std::string>& offeredPrompts() {
  static const std::vector<std::string> prompts{"Once upon a time", "One day, a little bear",
                                                "The old fisherman looked at the grey sea and said"};
  return prompts;
}

lanes::Experiment Settings::experiment() const {
  const QByteArray kept = m_settings.value(kExperimentKey).toString().toUtf8();
  try {
    return lanes::parseKept({kept.constData(), static_cast<std::size_t>(kept.size())});
  } catch (const model::Error&) {
    // Nothing yet, or what another version or somebody else wrote there.
    return firstStart();
  }
}

void Settings::keep(lanes::Experiment experiment) {
  experiment.fill = 0;
  m_settings.setValue(kExperimentKey, QString::fromStdString(lanes::keptText(experiment)));
}

void Settings::setChoices(const lanes::Experiment& experiment) {
  lanes::Experiment kept = experiment;
  kept.lanes = lanes();
  keep(std::move(kept));
}

void Settings::setLanes(const std::vector<LaneRequest>& lanes) {
  keep(&lanes::Experiment::lanes, lanes.empty() ? firstStart().lanes : lanes);
}

lanes::Experiment Settings::firstStart() {
  return {.lanes = {{"mha", 0, {}}, {"mqa", 1, {}}},
          .prompt = offeredPrompts().front(),
          .promptForm = PromptForm::Text,
          .sampling = model::SamplingOptions::forReading(),
          .tokensPerSecond = Pace().tokensPerSecond,
          .feed = TokenFeed::Lockstep,
          .fill = 0,
          .whenTextEnds = WhenTextEnds::GoOn};
}

Appearance Settings::appearance() const {
  return {.theme = enumValue(m_settings, "appearance/theme", Theme::Dark, 2),
          .typeSize = enumValue(m_settings, "appearance/typeSize", TypeSize::Standard, 2),
          .textPercent = Appearance::kTextPercent.nearest(
              m_settings.value("appearance/textPercent", Appearance().textPercent).toInt())};
}

void Settings::setAppearance(const Appearance& appearance) {
  m_settings.setValue("appearance/theme", static_cast<int>(appearance.theme));
  m_settings.setValue("appearance/typeSize", static_cast<int>(appearance.typeSize));
  m_settings.setValue("appearance/textPercent", appearance.textPercent);
}

std::string Settings::device() const {
  return m_settings.value("device").toString().toStdString();
}
void Settings::setDevice(const std::string& label) {
  m_settings.setValue("device", QString::fromStdString(label));
}

std::uint64_t Settings::traceBudget() const {
  const auto usual = static_cast<qulonglong>(TraceStore::kDefaultBudget);
  return kTraceBudgets.nearest(m_settings.value("traces/budget", usual).toULongLong());
}
void Settings::setTraceBudget(std::uint64_t bytes) {
  m_settings.setValue("traces/budget", static_cast<qulonglong>(bytes));
}

ColorMap Settings::colorMap() const {
  return enumValue(m_settings, "maps/colors", analysis::MapLook{}.colors, kColorMapCount);
}
MapScale Settings::mapScale() const {
  return enumValue(m_settings, "maps/scale", analysis::MapLook{}.scale, kMapScaleCount);
}

void Settings::setMapLook(ColorMap map, MapScale scale) {
  m_settings.setValue("maps/colors", static_cast<int>(map));
  m_settings.setValue("maps/scale", static_cast<int>(scale));
}

std::vector<std::string> Settings::recentFiles() const {
  std::vector<std::string> files;
  for (const QString& file : m_settings.value("recentFiles").toStringList())
    files.push_back(file.toStdString());
  return files;
}

void Settings::addRecentFile(const std::string& path) {
  QStringList files = m_settings.value("recentFiles").toStringList();
  const QString file = QString::fromStdString(path);
  files.removeAll(file);
  files.prepend(file);
  while (files.size() > kMaximumRecentFiles) files.removeLast();
  m_settings.setValue("recentFiles", files);
}

void Settings::setWindow(const QByteArray& geometry, const QByteArray& state) {
  m_settings.setValue("window/geometry", geometry);
  m_settings.setValue("window/state", state);
}

}  // namespace headroom::session
