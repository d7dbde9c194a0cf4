#include "app/session/patch_study.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include "core/lanes/prompt.h"
#include "core/model/error.h"
#include "core/model/host_memory.h"
#include "core/model/quantity.h"
#include "core/model/token_range.h"
#include "core/text/phrases.h"

namespace headroom::session {

namespace {

using model::SentenceId;

/// The lane's model with all its heads.
lanes::LaneEngine openForPatching(lanes::LaneOpener& opener, LaneRequest lane, std::size_t positions) {
  lane.options = {.contextLength = static_cast<int>(positions)};
  lanes::LaneEngine engine = opener.open(lane, [](double) {});
  if (!engine.model) throw model::Error(text::inWords<SentenceId::NoModelToStudy>(engine.title()));
  return engine;
}

/// The question's answers: what was typed, else what is likely behind its texts.
void findAnswers(const PatchStudy& study, const lanes::LaneEngine& engine,
                 evaluation::PatchQuestion& question) {
  model::Decoder& decoder = *engine.decoder;
  question.answer = study.answer.empty() ? likelyAfter(decoder, question.clean).front().token
                                         : oneToken(study.answer, engine);
  if (!study.otherAnswer.empty()) {
    question.otherAnswer = oneToken(study.otherAnswer, engine);
    return;
  }
  // Where both texts go on alike, what is likely beside that.
  const std::vector<model::Candidate> likely = likelyAfter(decoder, question.corrupt);
  const bool isAlike = likely.front().token == question.answer && likely.size() > 1;
  question.otherAnswer = likely[isAlike ? 1 : 0].token;
}

}  // namespace

std::optional<double> PatchReport::effectAt(int row, int column) const {
  const auto index = static_cast<std::size_t>(row * survey.columns + column);
  return index < survey.effects.size() ? std::optional(survey.effects[index]) : std::nullopt;
}

double PatchReport::largest() const {
  double largest = 0.0;
  for (const double effect : survey.effects) largest = std::max(largest, std::abs(effect));
  return largest;
}

int oneToken(const std::string& typed, const lanes::LaneEngine& engine) {
  const model::Tokenizer* tokenizer = engine.tokenizer();
  const std::vector<int> tokens =
      tokenizer ? tokenizer->encode(typed) : lanes::promptTokens({typed, PromptForm::Ids}, engine);
  if (tokens.size() != 1) {
    throw model::Error(
        text::inWords<SentenceId::NotOneToken>(typed, std::to_string(tokens.size()), engine.title()));
  }
  model::checkToken(tokens.front(), engine.decoder->config().vocabSize);
  return tokens.front();
}

std::vector<model::Candidate> likelyAfter(model::Decoder& decoder, std::span<const int> tokens) {
  model::checkText(decoder, tokens);
  decoder.truncate(0);
  std::vector<model::Candidate> likely;
  while (decoder.position() < std::ssize(tokens)) {
    const auto at = static_cast<std::size_t>(decoder.position());
    const std::size_t count = std::min(static_cast<std::size_t>(decoder.blockTokens()), tokens.size() - at);
    for (const model::StepRecord& record :
         decoder.runRows(decoder.rowsOf(tokens.subspan(at, count)), {.logits = model::LogitsRequest::last()}))
      likely = record.candidates;
  }
  decoder.truncate(0);
  return likely;
}

void requirePatchingMemory(const std::string& title, std::uint64_t parameterCount,
                           std::optional<std::uint64_t> there) {
  const std::uint64_t wanted = patchingBytes(parameterCount);
  if (!there || wanted <= *there) return;
  throw model::Error(text::inWords<SentenceId::NoMemoryForPatching>(
      title, model::bytesText(static_cast<double>(wanted)), model::bytesText(static_cast<double>(*there))));
}

PatchReport studyInside(lanes::LaneOpener& opener, const PatchStudy& study, const StudyEvents& events) {
  const auto tell = [&](std::int64_t done, std::int64_t total) {
    events.progress({.underWay = true,
                     .title = laneTitle(study.lane.source),
                     .text = text::inWords<SentenceId::TextsForPatching>(),
                     .share = static_cast<double>(done) / static_cast<double>(total)});
  };
  tell(0, 1);
  // One position to know the model, whose weights the lane has already.
  const lanes::LaneEngine known = openForPatching(opener, study.lane, 1);
  requirePatchingMemory(known.title(), known.model->weights.parameterCount(), model::freeHostMemory());
  PatchReport report{.lane = study.lane, .title = known.title(), .place = study.place};
  report.question.clean = lanes::promptTokens({study.clean, PromptForm::Text}, known);
  report.question.corrupt = lanes::promptTokens({study.corrupt, PromptForm::Text}, known);
  report.attention = known.decoder->config().attention;
  report.layerCount = known.decoder->config().layerCount;
  const std::size_t positions = std::max(report.question.clean.size(), report.question.corrupt.size());
  const lanes::LaneEngine engine = openForPatching(opener, study.lane, positions);
  findAnswers(study, engine, report.question);
  report.survey = evaluation::surveyPatches(*engine.model, report.question, study.place,
                                            static_cast<int>(positions), events.stop, tell);
  report.isWhole = report.survey.isWhole;
  return report;
}

}  // namespace headroom::session
