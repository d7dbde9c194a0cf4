#include "core/evaluation/head_means.h"

#include <algorithm>
#include <functional>
#include <set>

#include "core/evaluation/empty_afterwards.h"
#include "core/model/error.h"

namespace headroom::evaluation {

namespace {
model::StepRequest outputsOf(std::span<const model::HeadPlace> heads) {
  std::set<int> layers;
  for (const model::HeadPlace& head : heads) layers.insert(head.layer);
  model::StepRequest request{.capture = {}, .logits = model::LogitsRequest::none(), .timesStages = false};
  request.capture.activations.push_back(
      {model::CapturePoint::HeadOutputs, std::vector<int>(layers.begin(), layers.end())});
  return request;
}
}  // namespace

std::vector<HeadMean> headMeans(model::Decoder& decoder, std::span<const int> text,
                                std::span<const model::HeadPlace> heads, const StopRequest& stop,
                                const SurveyProgress& progress) {
  if (text.empty())
    throw model::Error("The mean of a head was asked for, but there is no text to measure it on");
  const EmptyAfterwards afterwards(decoder);
  const model::StepRequest request = outputsOf(heads);
  const auto headDim = static_cast<std::size_t>(decoder.config().attention.headDim);
  const auto context = static_cast<std::size_t>(decoder.options().contextLength);
  std::vector<std::vector<double>> sums(heads.size(), std::vector<double>(headDim));
  for (std::size_t read = 0; read < text.size();) {
    if (stop && stop()) return {};
    const std::size_t inWindow = read % context;
    if (inWindow == 0) decoder.truncate(0);
    const std::size_t count =
        std::min({text.size() - read, context - inWindow, static_cast<std::size_t>(decoder.blockTokens())});
    for (const model::StepRecord& record : decoder.runTokens(text.subspan(read, count), request)) {
      for (std::size_t index = 0; index < heads.size(); ++index) {
        const auto* outputs = record.find(model::CapturePoint::HeadOutputs, heads[index].layer);
        const auto from = static_cast<std::size_t>(heads[index].queryHead) * headDim;
        for (int row = 0; row < outputs->rowCount; ++row) {
          const std::span<const float> head = outputs->row(row).subspan(from, headDim);
          std::ranges::transform(sums[index], head, sums[index].begin(), std::plus<>());
        }
      }
    }
    read += count;
    if (progress) progress(static_cast<std::int64_t>(read), std::ssize(text));
  }
  std::vector<HeadMean> means;
  for (std::size_t index = 0; index < heads.size(); ++index) {
    HeadMean mean{.head = heads[index], .mean = {}, .positions = std::ssize(text)};
    for (const double sum : sums[index])
      mean.mean.push_back(static_cast<float>(sum / static_cast<double>(text.size())));
    means.push_back(std::move(mean));
  }
  return means;
}

bool measureMeans(model::Decoder& decoder, std::span<const int> text, std::vector<model::HeadChange>& changes,
                  const StopRequest& stop, const SurveyProgress& progress) {
  std::vector<model::HeadPlace> missing;
  for (const model::HeadChange& change : changes) {
    if (!isMeasured(change)) missing.push_back(change.head);
  }
  if (missing.empty()) return true;
  const std::vector<HeadMean> means = headMeans(decoder, text, missing, stop, progress);
  for (const HeadMean& measured : means) {
    const auto change = std::ranges::find(changes, measured.head, &model::HeadChange::head);
    change->mean = measured.mean;
    change->meanPositions = measured.positions;
  }
  return !means.empty();
}

}  // namespace headroom::evaluation
