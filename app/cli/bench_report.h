#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "app/cli/bench_run.h"

namespace headroom::cli {

/// Everything a report needs.
struct BenchResult {
  std::string device;
  std::string driver;
  std::string date;
  BenchOptions options;
  model::DeviceCeilings ceilings;
  const std::vector<BenchModel>* models = nullptr;
  std::vector<BenchRow> rows;
  bool isInterrupted = false;  ///< rows and rounds are missing

  const BenchModel& modelOf(const BenchRow& row) const {
    return (*models)[static_cast<std::size_t>(row.setting.model)];
  }
  /// The first row of its group.
  const BenchRow& baselineOf(const BenchRow& row) const;
};

std::string benchText(const BenchResult& result);
std::string benchCsv(const BenchResult& result);
nlohmann::ordered_json benchDocument(const BenchResult& result);

}  // namespace headroom::cli
