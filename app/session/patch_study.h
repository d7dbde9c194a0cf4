#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "app/session/head_study.h"
#include "core/evaluation/patch_survey.h"

namespace headroom::session {

using evaluation::PatchPlace;

/// Asks which parts of a model carry what tells two texts apart (evaluation::surveyPatches). Of models
/// without a tokenizer texts and answers are ids.
struct PatchStudy {
  LaneRequest lane;
  std::string clean;
  std::string corrupt;
  /// One token each; empty: what the model is most likely to say after either text.
  std::string answer;
  std::string otherAnswer;
  PatchPlace place = PatchPlace::Heads;
};

struct PatchReport {
  LaneRequest lane;
  std::string title;  ///< of the lane
  PatchPlace place = PatchPlace::Heads;
  evaluation::PatchQuestion question;
  model::AttentionShape attention;
  int layerCount = 0;
  evaluation::PatchSurvey survey;
  bool isWhole = false;  ///< false when it was stopped: rows behind are missing

  int rows() const { return layerCount + (place == PatchPlace::Heads ? 0 : 1); }
  /// Nothing where it was stopped before.
  std::optional<double> effectAt(int row, int column) const;
  /// Of any effect, without its sign.
  double largest() const;
};
inline bool isEmpty(const PatchReport& report) {
  return report.survey.effects.empty();
}

/// Bytes that a model's parameters take in float64.
constexpr std::uint64_t patchingBytes(std::uint64_t parameterCount) {
  return 8 * parameterCount;
}

/// Throws model::Error, which calls the model `title`, where its parameters in float64 take more than `there`
/// bytes; nothing is known to be too much where these are not known.
void requirePatchingMemory(const std::string& title, std::uint64_t parameterCount,
                           std::optional<std::uint64_t> there);

/// Computes in float64 on the processor, with all heads of the lane's model. Throws model::Error where there
/// is no model or memory, for texts that do not have as many tokens as each other, and for answers that are
/// not one token.
PatchReport studyInside(lanes::LaneOpener& opener, const PatchStudy& study, const StudyEvents& events);

/// The token that somebody typed for a model: its only token, or an id where nobody knows texts. Throws
/// model::Error where it is not one.
int oneToken(const std::string& typed, const lanes::LaneEngine& engine);
/// What comes most likely behind `tokens`, the likeliest first. The decoder is left empty. Throws
/// model::Error for tokens that do not fit it.
std::vector<model::Candidate> likelyAfter(model::Decoder& decoder, std::span<const int> tokens);

}  // namespace headroom::session
