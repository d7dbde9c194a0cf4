#include "core/evaluation/text_loss.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/evaluation/empty_afterwards.h"
#include "core/model/error.h"
#include "core/model/token_range.h"

namespace headroom::evaluation {

void requireLossText(const model::Decoder& decoder, std::span<const int> text) {
  if (text.size() < 2) {
    throw model::Error(fmt::format("The text has {} {}, expected 2 or more: one to read and one to predict",
                                   text.size(), text.size() == 1 ? "token" : "tokens"));
  }
  for (const int token : text) model::checkToken(token, decoder.config().vocabSize);
}

TextLoss readText(model::Decoder& decoder, std::span<const int> text, int blockTokens,
                  const StopRequest& stop, const SurveyProgress& progress) {
  requireLossText(decoder, text);
  const EmptyAfterwards guard(decoder);
  const int context = decoder.options().contextLength;
  const auto total = text.size() - 1;
  TextLoss loss;
  while (loss.nats.size() < total) {
    if (stop()) return loss;
    if (loss.nats.empty() || decoder.position() == context) {
      decoder.truncate(0);
      ++loss.windows;
    }
    const std::size_t done = loss.nats.size();
    const std::size_t count = std::min({total - done, static_cast<std::size_t>(blockTokens),
                                        static_cast<std::size_t>(context - decoder.position())});
    const std::span<const int> targets = text.subspan(done + 1, count);
    const model::StepRequest request{
        .logits = model::LogitsRequest::logProbabilities({targets.begin(), targets.end()}),
        .timesStages = false};
    for (const model::StepRecord& record :
         decoder.runRows(decoder.rowsOf(text.subspan(done, count)), request)) {
      for (const model::LogitsSummary& row : record.summaries)
        loss.nats.push_back(-row.targetLogProbability.value());
    }
    if (progress) progress(static_cast<std::int64_t>(loss.nats.size()), static_cast<std::int64_t>(total));
  }
  loss.isWhole = true;
  return loss;
}

}  // namespace headroom::evaluation
