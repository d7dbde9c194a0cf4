#include "core/evaluation/text_loss.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/evaluation/empty_afterwards.h"
#include "core/model/error.h"
#include "core/model/token_range.h"

namespace headroom::evaluation {

namespace {

double logSumExp(std::span<const float> logits) {
  const double highest = static_cast<double>(*std::ranges::max_element(logits));
  double sum = 0.0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - highest);
  return highest + std::log(sum);
}

/// Adds the losses of the rows of `record`, which predict `targets`.
void addWhole(const model::StepRecord& record, std::span<const int> targets, const KeepPrediction& keep,
              std::vector<float>& nats) {
  const std::size_t vocabSize = record.logits.size() / targets.size();
  for (std::size_t row = 0; row < targets.size(); ++row) {
    const auto logits = std::span(record.logits).subspan(row * vocabSize, vocabSize);
    const double sum = logSumExp(logits);
    keep({.index = std::ssize(nats), .target = targets[row], .logits = logits, .logSumExp = sum});
    nats.push_back(
        static_cast<float>(sum - static_cast<double>(logits[static_cast<std::size_t>(targets[row])])));
  }
}

}  // namespace

void requireLossText(const model::Decoder& decoder, std::span<const int> text) {
  if (text.size() < 2) {
    throw model::Error(fmt::format("The text has {} {}, expected 2 or more: one to read and one to predict",
                                   text.size(), text.size() == 1 ? "token" : "tokens"));
  }
  for (const int token : text) model::checkToken(token, decoder.config().vocabSize);
}

TextLoss readText(model::Decoder& decoder, std::span<const int> text, int blockTokens,
                  const StopRequest& stop, const SurveyProgress& progress, const KeepPrediction& keep) {
  requireLossText(decoder, text);
  const EmptyAfterwards guard(decoder);
  const int context = decoder.options().contextLength;
  if (keep) blockTokens = std::min(blockTokens, kMostWholeRows);
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
    std::span<const int> targets = text.subspan(done + 1, count);
    const model::StepRequest request{
        .logits = keep ? model::LogitsRequest::all()
                       : model::LogitsRequest::logProbabilities({targets.begin(), targets.end()}),
        .timesStages = false};
    for (const model::StepRecord& record :
         decoder.runRows(decoder.rowsOf(text.subspan(done, count)), request)) {
      if (keep) addWhole(record, targets.first(record.rows.size()), keep, loss.nats);
      targets = targets.subspan(record.rows.size());
      for (const model::LogitsSummary& row : record.summaries)
        loss.nats.push_back(-row.targetLogProbability.value());
    }
    if (progress) progress(static_cast<std::int64_t>(loss.nats.size()), static_cast<std::int64_t>(total));
  }
  loss.isWhole = true;
  return loss;
}

}  // namespace headroom::evaluation
