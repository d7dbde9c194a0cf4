#pragma once

#include <nlohmann/json.hpp>

#include "core/analysis/head_survey.h"
#include "core/model/model.h"

/// What `heads` prints of a survey.
namespace headroom::cli {

/// Of each column its formula, by name.
nlohmann::ordered_json headMeanings();
/// An entry of each head, in their order; null what is not known.
nlohmann::ordered_json headsDocument(const analysis::HeadSurvey& survey);
/// "divergence", "output_cosine", "key_cka" and "value_cka": matrices of each layer with their summary.
nlohmann::ordered_json headPairsDocuments(const analysis::HeadSurvey& survey,
                                          const model::AttentionShape& attention);
/// Directions of keys and values, in the weights and in the cache, an entry of each layer.
nlohmann::ordered_json subspacesDocument(const analysis::HeadSurvey& survey, const model::Model& model);
/// What was left out, by name, and why.
nlohmann::ordered_json omissionsDocument(const analysis::HeadSurvey& survey);

void printHeadsCsv(const analysis::HeadSurvey& survey);
/// On stderr, why columns are empty.
void printEmptyColumns(const analysis::HeadSurvey& survey);
/// A line of each head under its columns' names, with the formulas before it.
void printHeadsTable(const analysis::HeadSurvey& survey);
/// How heads of a layer compare, how many directions keys and values use, and what was left out.
void printSharedHeads(const analysis::HeadSurvey& survey, const model::Model& model);

}  // namespace headroom::cli
