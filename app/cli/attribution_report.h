#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "core/evaluation/logit_attribution.h"
#include "core/model/model.h"

namespace headroom::cli {

/// A token of `model` as a table shows it: its piece, or "#17" where nobody knows pieces.
std::string pieceLabel(const model::Model& model, int token);
/// Its piece for a document; null where nobody knows pieces.
nlohmann::ordered_json pieceDocument(const model::Model& model, int token);

/// What parts of a model add to a logit, as `lens --attribute` prints it. Refers to what its maker owns.
struct AttributionReport {
  const model::Model& model;
  std::string device;  ///< what the residual stream was computed by
  std::span<const int> tokens;
  int position = 0;
  evaluation::LogitQuestion question;
  evaluation::LogitAttribution attribution;

  nlohmann::ordered_json document() const;
  /// A line for each part, as the model adds them.
  void printCsv() const;
  /// For people: the largest first, without biases that the model does not have.
  void printTable() const;
};

}  // namespace headroom::cli
