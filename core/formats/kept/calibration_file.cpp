#include "core/formats/kept/calibration_file.h"

#include <fmt/format.h>

#include "core/formats/kept/cache_folder.h"

namespace headroom::formats {

namespace {
using nlohmann::json;
using nlohmann::ordered_json;

constexpr int kCalibrationVersion = 1;

ordered_json document(const model::KernelPlan& plan) {
  return {{"family", shortName(plan.family)},
          {"row_blocks", plan.rowBlocks},
          {"invocations", plan.invocations},
          {"attention_workgroups", plan.attentionWorkgroups}};
}

/// Through the parser of options, which knows what is possible. Throws model::Error and nlohmann's
/// exceptions.
model::KernelPlan planOf(const json& document) {
  std::string text = document.at("family");
  const bool rows = text == "rows";
  if (const int blocks = document.at("row_blocks"); !rows && blocks > 0)
    text += fmt::format(",rowBlocks={}", blocks);
  if (const int count = document.at("invocations"); rows && count > 0)
    text += fmt::format(",invocations={}", count);
  if (const int count = document.at("attention_workgroups"); count > 0) {
    text += fmt::format(",attentionWorkgroups={}", count);
  }
  return model::parsePlan(text);
}

std::optional<model::Calibration> parseCalibration(const json& document) {
  if (document.at("format") != "headroom-calibration" || document.at("version") != kCalibrationVersion)
    return {};
  model::Calibration calibration{.device = document.at("device"),
                                 .driver = document.at("driver"),
                                 .date = document.at("date"),
                                 .measured = document.at("measured"),
                                 .candidates = {},
                                 .plan = planOf(document.at("plan"))};
  for (const json& entry : document.at("candidates")) {
    calibration.candidates.push_back({planOf(entry.at("plan")), entry.at("step_ms")});
  }
  if (!calibration.known()) return {};
  return calibration;
}
}  // namespace

CalibrationFile::CalibrationFile(const std::string& folder, const std::string& device,
                                 const std::string& driver)
    : m_kept(folder, "kernels", device, driver) {}

std::optional<model::Calibration> CalibrationFile::load() const {
  return m_kept.load(parseCalibration);
}

void CalibrationFile::save(const model::Calibration& calibration) const {
  ordered_json candidates = ordered_json::array();
  for (const model::Calibration::Candidate& candidate : calibration.candidates) {
    candidates.push_back({{"plan", document(candidate.plan)}, {"step_ms", candidate.stepMs}});
  }
  m_kept.save({{"format", "headroom-calibration"},
               {"version", kCalibrationVersion},
               {"device", calibration.device},
               {"driver", calibration.driver},
               {"date", calibration.date},
               {"measured", calibration.measured},
               {"plan", document(calibration.plan)},
               {"candidates", candidates}});
}

model::ModelConfig calibrationShape() {
  model::ModelConfig config;
  config.name = "calibration";
  config.layerCount = 2;
  config.modelDim = 512;
  config.ffnDim = 1536;
  config.vocabSize = 512;
  config.contextLength = 1;
  config.attention = {8, 2, 64};
  return config;
}

model::KernelPlan keptPlan(const std::string& device, const std::string& driver) {
  const auto kept = CalibrationFile(cacheFolder(), device, driver).load();
  return kept ? kept->plan : model::KernelPlan{};
}

}  // namespace headroom::formats
