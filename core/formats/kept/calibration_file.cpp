#include "core/formats/kept/calibration_file.h"

#include <fmt/format.h>

#include "core/formats/kept/cache_folder.h"

namespace headroom::formats {

namespace {
using nlohmann::json;
using nlohmann::ordered_json;

/// 2 names the shape that it is of.
constexpr int kCalibrationVersion = 2;
const char* const kKind = "kernels";

ordered_json document(const model::KernelPlan& plan) {
  return {{"family", shortName(plan.family)},
          {"row_blocks", plan.rowBlocks},
          {"invocations", plan.invocations},
          {"attention_workgroups", plan.attentionWorkgroups},
          {"merging", plan.merging == model::AttentionMerging::LastWorkgroup ? "last"
                      : plan.merging == model::AttentionMerging::Apart       ? "apart"
                                                                             : ""},
          {"matrices", plan.matrices == model::MatrixUse::None ? "none" : ""}};
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
  if (const std::string merging = document.at("merging"); !merging.empty()) text += ",merging=" + merging;
  // Of files from before there were any it is not said.
  if (const std::string matrices = document.value("matrices", ""); !matrices.empty())
    text += ",matrices=" + matrices;
  return model::parsePlan(text);
}

std::optional<model::Calibration> parseCalibration(const json& document) {
  if (document.at("format") != "headroom-calibration" || document.at("version") != kCalibrationVersion)
    return {};
  model::Calibration calibration{.device = document.at("device"),
                                 .driver = document.at("driver"),
                                 .shape = document.at("shape"),
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
                                 const std::string& driver, const std::string& shape)
    : m_shape(shape), m_kept(folder, kKind, device, driver, shape) {}

std::optional<model::Calibration> CalibrationFile::load() const {
  std::optional<model::Calibration> kept = m_kept.load(parseCalibration);
  return kept && kept->shape == m_shape ? kept : std::nullopt;
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
               {"shape", calibration.shape},
               {"date", calibration.date},
               {"measured", calibration.measured},
               {"plan", document(calibration.plan)},
               {"candidates", candidates}});
}

std::vector<model::Calibration> keptCalibrations(const std::string& folder, const std::string& device,
                                                 const std::string& driver) {
  std::vector<model::Calibration> all;
  for (const std::string& file : keptFiles(folder, kKind)) {
    const auto kept = readKept(file, parseCalibration);
    if (kept && kept->device == device && kept->driver == driver) all.push_back(*kept);
  }
  return all;
}

}  // namespace headroom::formats
