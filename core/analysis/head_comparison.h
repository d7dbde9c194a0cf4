#pragma once

#include <span>
#include <string>

#include "core/analysis/color_map.h"
#include "core/analysis/head_pairs.h"
#include "core/analysis/head_survey.h"

namespace headroom::analysis {

/// By what two heads of a layer are compared: one kind of matrices of a survey, and how it is shown.
struct HeadComparison {
  const char* name;     ///< on the command line and in names of files
  const char* column;   ///< of its values in a table; of the survey's omissions
  const char* title;    ///< for people
  const char* measure;  ///< at a scale, with its unit
  const char* meaning;  ///< what it is, with its source
  const char* basis;    ///< what it is computed from and a mean over
  double low;           ///< what a value is at least
  double high;          ///< what it is at most
  ColorMap colors;      ///< from low to high
  bool isOfQueryHeads;  ///< else of KV heads
  HeadPairs HeadSurvey::*pairs;
};
/// Attention, outputs, keys and values.
std::span<const HeadComparison> headComparisons();

/// How many heads of a layer are compared.
int headCountOf(const HeadComparison& comparison, const model::AttentionShape& attention);
/// Whether the survey has its matrices.
bool hasComparison(const HeadSurvey& survey, const HeadComparison& comparison);
/// A sentence, without its stop, why it has not; of a survey that has them, nothing.
std::string whyLeftOut(const HeadSurvey& survey, const HeadComparison& comparison);
/// Of a value between low and high, which is one.
Color colorOf(const HeadComparison& comparison, double value);

}  // namespace headroom::analysis
