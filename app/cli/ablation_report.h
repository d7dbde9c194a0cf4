#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "core/evaluation/ablation_survey.h"
#include "core/model/model.h"

namespace headroom::cli {

/// "query_head" or "kv_head".
const char* unitName(evaluation::AblationUnit unit);
/// What stands in for a head, for people: "its output set to 0 before W_O".
std::string replacementText(const evaluation::HeadReplacement& replacement);
/// The same for a document: {"replaced_by": "mean", "mean_positions": 512} into `document`.
void addReplacement(const evaluation::HeadReplacement& replacement, nlohmann::ordered_json& document);

/// What each head of a model is worth, as `ablate` prints it. Refers to what its maker owns.
struct AblationReport {
  const model::Model& model;
  std::string device;
  std::size_t tokens = 0;  ///< of the text
  const evaluation::AblationSurvey& survey;

  nlohmann::ordered_json document() const;
  void printCsv() const;
  void printTable() const;

 private:
  bool isOfKvHeads() const { return survey.unit == evaluation::AblationUnit::KvHead; }
  /// The KV head that `head` is or reads.
  int kvHeadOf(const evaluation::AblationSurvey::Head& head) const;
  std::string changeMeaning() const;
  void printMeanings() const;
};

}  // namespace headroom::cli
