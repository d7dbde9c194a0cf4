#include "core/evaluation/patch_survey.h"

#include <fmt/format.h>

#include "core/model/decoder.h"
#include "core/model/error.h"
#include "core/model/token_range.h"
#include "core/reference/activation_patching.h"

namespace headroom::evaluation {

namespace {
void requireQuestion(const PatchQuestion& question, int vocabSize, int contextLength) {
  if (question.clean.empty() || question.clean.size() != question.corrupt.size()) {
    throw model::Error(fmt::format(
        "The clean text has {} tokens and the corrupt one {}, expected as many in both, and one at least",
        question.clean.size(), question.corrupt.size()));
  }
  if (std::ssize(question.clean) > contextLength) {
    throw model::Error(fmt::format("The texts have {} tokens, the context holds {} positions",
                                   question.clean.size(), contextLength));
  }
  for (const std::vector<int>* text : {&question.clean, &question.corrupt}) {
    for (const int token : *text) model::checkToken(token, vocabSize);
  }
  model::checkToken(question.answer, vocabSize);
  model::checkToken(question.otherAnswer, vocabSize);
}
}  // namespace

PatchSurvey surveyPatches(const model::Model& model, const PatchQuestion& question, PatchPlace place,
                          int contextLength, const StopRequest& stop, const PatchProgress& progress) {
  const int context = model::contextOf(model.config, {.contextLength = contextLength});
  requireQuestion(question, model.config.vocabSize, context);
  const reference::ActivationPatching patching(model, context, question.clean, question.corrupt);
  const auto difference = [&](const std::vector<double>& logits) {
    return logits[static_cast<std::size_t>(question.answer)] -
           logits[static_cast<std::size_t>(question.otherAnswer)];
  };
  const bool isOfHeads = place == PatchPlace::Heads;
  const int rows = model.config.layerCount + (isOfHeads ? 0 : 1);
  PatchSurvey survey{
      .cleanDifference = difference(patching.cleanLogits()),
      .corruptDifference = difference(patching.corruptLogits()),
      .columns = isOfHeads ? model.config.attention.queryHeadCount : static_cast<int>(question.clean.size())};
  const std::int64_t total = static_cast<std::int64_t>(rows) * survey.columns;
  for (int layer = 0; layer < rows; ++layer) {
    for (int column = 0; column < survey.columns; ++column) {
      if (stop()) return survey;
      const double patched =
          difference(isOfHeads ? patching.withHead(layer, column) : patching.withResidual(layer, column));
      survey.effects.push_back(patched - survey.corruptDifference);
      if (progress) progress(std::ssize(survey.effects), total);
    }
  }
  survey.isWhole = true;
  return survey;
}

}  // namespace headroom::evaluation
