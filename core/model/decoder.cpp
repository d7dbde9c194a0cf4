#include "core/model/decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/model/error.h"
#include "core/model/quantity.h"
#include "core/model/token_order.h"
#include "core/model/token_range.h"

namespace headroom::model {

std::string_view shortName(AttentionKernel kernel) {
  return kernel == AttentionKernel::Shared ? "shared" : "naive";
}

int mostOfferedContext(const ModelConfig& config) {
  return config.traits.positions == Positions::Learned ? std::min(config.contextLength, kMostOfferedContext)
                                                       : kMostOfferedContext;
}

int mostFill(const ModelConfig& config) {
  return mostFilled(mostOfferedContext(config));
}

int contextToFill(const ModelConfig& config, int positions, int chosen) {
  const int least = positions + kRoomToDecode;
  if (least <= chosenContext(config, chosen)) return chosen;
  if (least <= config.contextLength) return 0;
  return std::min((least + 63) / 64 * 64, mostOfferedContext(config));
}

int contextOf(const ModelConfig& config, const DecoderOptions& options) {
  const int wanted = chosenContext(config, options.contextLength);
  if (config.traits.positions == Positions::Learned && wanted > config.contextLength) {
    throw Error(fmt::format("The model has learned {} positions, a context of {} was asked for.",
                            config.contextLength, wanted));
  }
  return wanted;
}

bool Capture::wants(int layer) const {
  return all || std::find(layers.begin(), layers.end(), layer) != layers.end();
}

std::vector<int> Capture::wantedHeads(int queryHeadCount) const {
  std::vector<int> heads = queryHeads;
  if (heads.empty()) {
    heads.resize(static_cast<std::size_t>(queryHeadCount));
    std::iota(heads.begin(), heads.end(), 0);
  }
  return heads;
}

Distribution summarise(std::span<const float> logits, int count) {
  Distribution result;
  const std::vector<int> first = mostLikely(logits, std::max(count, 1));
  if (first.empty()) return result;
  const float highest = logits[static_cast<std::size_t>(first.front())];
  double sum = 0.0;
  double weighted = 0.0;
  for (const float logit : logits) {
    const double weight = softmaxWeight(logit, highest);
    sum += weight;
    // A weight between 0 and 1 is that of a finite difference.
    if (weight > 0.0 && weight < 1.0)
      weighted += weight * (static_cast<double>(logit) - static_cast<double>(highest));
  }
  result.entropy = static_cast<float>(std::log(sum) - weighted / sum);
  for (const int token : std::span(first).first(
           static_cast<std::size_t>(std::min<std::ptrdiff_t>(std::max(count, 0), std::ssize(first))))) {
    const double probability = softmaxWeight(logits[static_cast<std::size_t>(token)], highest) / sum;
    result.candidates.push_back({token, static_cast<float>(probability)});
  }
  return result;
}

void Decoder::fillCache(int, unsigned) {
  throw Error(deviceName() + " has no way to fill a cache without a text");
}

std::vector<int> Decoder::decodeAhead(int, int) {
  throw Error(deviceName() + " has no way to decode without waiting for each step");
}

void Decoder::setInterventions(std::span<const HeadIntervention> interventions) {
  if (interventions.empty()) return;
  throw Error(fmt::format("{} heads were to be changed; \"{}\" only plays what was recorded.",
                          interventions.size(), deviceName()));
}

void Decoder::truncate(int positions) {
  for (int sequence = 0; sequence < options().batch; ++sequence) truncateSequence(sequence, positions);
}

std::vector<StepRecord> Decoder::runTokens(std::span<const int> tokens, const StepRequest& asked) {
  std::vector<StepRow> rows;
  StepRequest request = asked;
  request.logits.targets.clear();
  for (std::size_t index = 0; index < tokens.size(); ++index) {
    for (int sequence = 0; sequence < options().batch; ++sequence) {
      rows.push_back({sequence, tokens[index], positionOf(sequence) + static_cast<int>(index)});
      if (!asked.logits.targets.empty()) request.logits.targets.push_back(asked.logits.targets.at(index));
    }
  }
  return runRows(rows, request);
}

std::vector<StepRow> Decoder::rowsOf(std::span<const int> tokens, int sequence) const {
  std::vector<StepRow> rows;
  for (const int token : tokens)
    rows.push_back({sequence, token, positionOf(sequence) + static_cast<int>(rows.size())});
  return rows;
}

std::vector<float> allLogits(std::span<const StepRecord> records) {
  std::vector<float> all;
  for (const StepRecord& record : records) all.insert(all.end(), record.logits.begin(), record.logits.end());
  return all;
}

template <typename Number>
LogitsSummary summaryOf(std::span<const Number> logits, int row, int target, int topCount) {
  LogitsSummary summary{.row = row};
  const double highest = static_cast<double>(*std::ranges::max_element(logits));
  double sum = 0.0;
  double weighted = 0.0;
  for (const Number logit : logits) {
    const double below = static_cast<double>(logit) - highest;
    sum += std::exp(below);
    weighted += below * std::exp(below);
  }
  summary.logSumExp = static_cast<float>(highest + std::log(sum));
  summary.entropy = static_cast<float>(std::log(sum) - weighted / sum);
  if (target >= 0) {
    summary.targetLogProbability = static_cast<float>(
        static_cast<double>(logits[static_cast<std::size_t>(target)]) - highest - std::log(sum));
  }
  const std::vector<float> floats(logits.begin(), logits.end());
  for (const int token : mostLikely(floats, std::min(topCount, static_cast<int>(floats.size())))) {
    summary.top.push_back({token, floats[static_cast<std::size_t>(token)]});
  }
  return summary;
}

void addCandidates(std::span<const float> logits, StepRecord& record) {
  Distribution next = summarise(logits, kCandidateCount);
  record.candidates = std::move(next.candidates);
  record.nextTokenEntropy = next.entropy;
}

template LogitsSummary summaryOf(std::span<const float>, int, int, int);
template LogitsSummary summaryOf(std::span<const double>, int, int, int);

void requireRows(std::span<const StepRow> rows) {
  if (rows.empty()) throw Error("There is no token to run: the text is empty, expected at least one.");
}

namespace {

void checkActivations(const std::vector<ActivationRequest>& requests, int layerCount) {
  for (const ActivationRequest& request : requests) {
    const int most = request.point == CapturePoint::Residual ? layerCount : layerCount - 1;
    for (const int layer : request.layers) {
      if (layer >= 0 && layer <= most) continue;
      throw Error(fmt::format("Values of layer {} were asked for, expected 0 to {}.", layer, most));
    }
  }
}

void checkRequest(const LogitsRequest& request, std::size_t rowCount, int vocabSize) {
  if (!request.targets.empty() && request.targets.size() != rowCount) {
    throw Error(fmt::format("{} targets were given for {} rows, expected one for each.",
                            request.targets.size(), rowCount));
  }
  for (const int target : request.targets) checkToken(target, vocabSize);
  if (request.topCount >= 0 && request.topCount <= LogitsRequest::kMostTop) return;
  throw Error(fmt::format("The {} most likely tokens were asked for, expected 0 to {}.", request.topCount,
                          LogitsRequest::kMostTop));
}

}  // namespace

void checkText(const Decoder& decoder, std::span<const int> text) {
  if (text.empty()) throw Error("The text has no token, expected one at least.");
  for (const int token : text) checkToken(token, decoder.config().vocabSize);
  const int context = decoder.options().contextLength;
  if (std::ssize(text) <= context) return;
  throw Error(fmt::format("The text has {} tokens, the context holds {} positions.",
                          groupDigits(static_cast<std::uint64_t>(text.size())), groupDigits(context)));
}

void checkRows(const Decoder& decoder, std::span<const StepRow> rows, const StepRequest& request) {
  requireRows(rows);
  const int batch = decoder.options().batch;
  const int context = decoder.options().contextLength;
  std::vector<int> next;
  for (int sequence = 0; sequence < batch; ++sequence) next.push_back(decoder.positionOf(sequence));
  for (const StepRow& row : rows) {
    checkToken(row.token, decoder.config().vocabSize);
    if (row.sequence < 0 || row.sequence >= batch) {
      throw Error(fmt::format("Sequence {} was asked for, expected 0 to {}.", row.sequence, batch - 1));
    }
    int& expected = next[static_cast<std::size_t>(row.sequence)];
    if (row.position != expected) {
      throw Error(fmt::format("Sequence {} goes on at position {}, a token for {} was given.", row.sequence,
                              expected, row.position));
    }
    ++expected;
  }
  for (int sequence = 0; sequence < batch; ++sequence) {
    const int used = decoder.positionOf(sequence);
    const int more = next[static_cast<std::size_t>(sequence)] - used;
    if (used + more <= context) continue;
    throw Error(
        fmt::format("The context is full: it holds {} positions, {} are used and {} more were asked for.",
                    context, used, more));
  }
  checkRequest(request.logits, rows.size(), decoder.config().vocabSize);
  checkActivations(request.capture.activations, decoder.config().layerCount);
}

std::size_t stepLength(std::span<const StepRow> rows, std::size_t most) {
  if (rows.size() <= most) return rows.size();
  std::size_t length = most;
  while (length > 0 && rows[length - 1].position == rows[length].position) --length;
  return length > 0 ? length : most;
}

std::vector<int> wantedRows(std::span<const StepRow> rows, LogitsRequest::Rows wanted) {
  std::vector<int> indices;
  for (std::size_t index = 0; index < rows.size() && wanted != LogitsRequest::Rows::None; ++index) {
    const bool isLast = std::ranges::none_of(rows.subspan(index + 1), [&](const StepRow& later) {
      return later.sequence == rows[index].sequence;
    });
    if (isLast || wanted == LogitsRequest::Rows::All) indices.push_back(static_cast<int>(index));
  }
  return indices;
}

StepRecord recordOf(std::span<const StepRow> rows) {
  StepRecord record;
  record.rows.assign(rows.begin(), rows.end());
  record.position = rows.front().position;
  for (const StepRow& row : rows) {
    if (row.sequence == rows.front().sequence) record.tokens.push_back(row.token);
  }
  return record;
}

void checkReplay(int firstPosition, std::span<const int> tokens, int cached) {
  if (firstPosition >= 0 && !tokens.empty() && std::ssize(tokens) <= cached - firstPosition) return;
  throw Error(fmt::format("Positions {} to {} cannot be looked at again: {} are in the cache.", firstPosition,
                          firstPosition + std::ssize(tokens) - 1, cached));
}

}  // namespace headroom::model
