#include "app/session/settings.h"

#include <QStringList>
#include <algorithm>
#include <cmath>

#include "app/session/trace_store.h"

namespace headroom::session {

namespace {

/// A number that an older or damaged file may hold, brought into the range of an enumeration.
template <typename Enum>
Enum enumValue(const QSettings& settings, const char* key, Enum fallback, int count) {
  const int value = settings.value(key, static_cast<int>(fallback)).toInt();
  return value >= 0 && value < count ? static_cast<Enum>(value) : fallback;
}

/// "f32 1 0 shared": KV type, batch, context, kernel.
QString textOf(const LaneOptions& options) {
  const auto text = [](std::string_view name) {
    return QString::fromUtf8(name.data(), static_cast<qsizetype>(name.size()));
  };
  return QString("%1 %2 %3 %4")
      .arg(text(model::shortName(options.kvType)))
      .arg(options.batch)
      .arg(options.contextLength)
      .arg(text(model::shortName(options.attention)));
}

/// What a damaged text does not say stays at its default.
LaneOptions optionsFrom(const QString& text) {
  const QStringList parts = text.split(' ');
  LaneOptions options;
  if (parts.size() != 4) return options;
  if (model::kvTypeOf(parts[0].toStdString()) == model::KvType::F16) options.kvType = model::KvType::F16;
  options.batch = std::clamp(parts[1].toInt(), 1, model::kMostSequences);
  options.contextLength = std::clamp(parts[2].toInt(), 0, model::kMostContext);
  options.attention = model::attentionKernelOf(parts[3].toStdString());
  return options;
}

}  // namespace

const std::vector<std::string>& offeredPrompts() {
  static const std::vector<std::string> prompts{"Once upon a time", "One day, a little bear",
                                                "The old fisherman looked at the grey sea and said"};
  return prompts;
}

std::vector<LaneRequest> Settings::lanes() const {
  std::vector<LaneRequest> lanes;
  const QStringList sources = m_settings.value("lanes/sources").toStringList();
  const QStringList colors = m_settings.value("lanes/colors").toStringList();
  const QStringList options = m_settings.value("lanes/options").toStringList();
  for (qsizetype index = 0; index < std::min<qsizetype>(sources.size(), kMaximumLanes); ++index) {
    const int color = index < colors.size() ? colors[index].toInt() : static_cast<int>(index);
    lanes.push_back({sources[index].toStdString(), std::clamp(color, 0, kMaximumLanes - 1),
                     index < options.size() ? optionsFrom(options[index]) : LaneOptions{}});
  }
  return lanes.empty() ? firstStart().lanes : lanes;
}

void Settings::setLanes(const std::vector<LaneRequest>& lanes) {
  QStringList sources;
  QStringList colors;
  QStringList options;
  for (const LaneRequest& lane : lanes) {
    sources.append(QString::fromStdString(lane.source));
    colors.append(QString::number(lane.colorIndex));
    options.append(textOf(lane.options));
  }
  m_settings.setValue("lanes/sources", sources);
  m_settings.setValue("lanes/colors", colors);
  m_settings.setValue("lanes/options", options);
}

std::string Settings::prompt() const {
  return m_settings.value("prompt", QString::fromStdString(firstStart().prompt)).toString().toStdString();
}
PromptForm Settings::promptForm() const {
  const QString form = m_settings.value("promptForm").toString();
  if (form == "chat") return PromptForm::Chat;
  return form == "ids" ? PromptForm::Ids : PromptForm::Text;
}
void Settings::setPromptForm(PromptForm form) {
  m_settings.setValue("promptForm", form == PromptForm::Chat  ? "chat"
                                    : form == PromptForm::Ids ? "ids"
                                                              : "text");
}
void Settings::setPrompt(const std::string& prompt) {
  m_settings.setValue("prompt", QString::fromStdString(prompt));
}

model::SamplingOptions Settings::sampling() const {
  const auto usual = firstStart().sampling;
  const auto kept = [this](const char* key, QVariant otherwise) { return m_settings.value(key, otherwise); };
  const model::SamplingOptions sampling{
      .temperature = kept("sampling/temperature", usual.temperature).toFloat(),
      .topK = kept("sampling/topK", usual.topK).toInt(),
      .topP = kept("sampling/topP", usual.topP).toFloat(),
      .seed = kept("sampling/seed", static_cast<qulonglong>(usual.seed)).toULongLong()};
  return sampling.nearest();
}

void Settings::setSampling(const model::SamplingOptions& sampling) {
  m_settings.setValue("sampling/temperature", sampling.temperature);
  m_settings.setValue("sampling/topK", sampling.topK);
  m_settings.setValue("sampling/topP", sampling.topP);
  m_settings.setValue("sampling/seed", static_cast<qulonglong>(sampling.seed));
}

Pace Settings::pace() const {
  bool isNumber = false;
  const double pace = m_settings.value("pace", firstStart().tokensPerSecond).toDouble(&isNumber);
  return {isNumber && std::isfinite(pace) ? pace : firstStart().tokensPerSecond};
}
void Settings::setPace(Pace pace) {
  m_settings.setValue("pace", pace.tokensPerSecond);
}

TokenFeed Settings::feed() const {
  return enumValue(m_settings, "feed", firstStart().feed, 2);
}
void Settings::setFeed(TokenFeed feed) {
  m_settings.setValue("feed", static_cast<int>(feed));
}

WhenTextEnds Settings::whenTextEnds() const {
  return enumValue(m_settings, "whenTextEnds", firstStart().whenTextEnds, 2);
}
void Settings::setWhenTextEnds(WhenTextEnds when) {
  m_settings.setValue("whenTextEnds", static_cast<int>(when));
}

lanes::Experiment Settings::experiment() const {
  return {.lanes = lanes(),
          .prompt = prompt(),
          .promptForm = promptForm(),
          .sampling = sampling(),
          .tokensPerSecond = pace().tokensPerSecond,
          .feed = feed(),
          .fill = 0,
          .whenTextEnds = whenTextEnds()};
}

void Settings::setChoices(const lanes::Experiment& experiment) {
  setPrompt(experiment.prompt);
  setPromptForm(experiment.promptForm);
  setSampling(experiment.sampling);
  setPace({experiment.tokensPerSecond});
  setFeed(experiment.feed);
  setWhenTextEnds(experiment.whenTextEnds);
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
