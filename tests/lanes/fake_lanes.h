#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/lanes/device_lanes.h"
#include "core/model/error.h"
#include "core/model/finite.h"
#include "core/model/trace_decoder.h"

namespace headroom::test {

/// Every byte is a token, but some ids stand for words, so that text looks like text, two of them in other
/// scripts that no lane chooses.
class FakeTokenizer final : public model::Tokenizer {
 public:
  static constexpr int kVocabSize = 300;
  static constexpr int kEndToken = 299;  // that no lane chooses but those that end
  static constexpr int kChineseToken = 298;
  static constexpr int kArabicToken = 297;

  std::string kindText() const override { return "fake"; }
  int vocabSize() const override { return kVocabSize; }
  std::vector<int> encode(std::string_view text) const override {
    std::vector<int> ids;
    for (const char byte : text) ids.push_back(static_cast<unsigned char>(byte));
    return ids;
  }
  std::string pieceBytes(int token) const override {
    if (token < 256) return std::string(1, static_cast<char>(token));
    if (token == kChineseToken) return "\u4F60\u597D";
    if (token == kArabicToken) return " \u0633\u0644\u0627\u0645";
    return " word" + std::to_string(token - 256) + ((token % 11) == 0 ? "\n" : "");
  }
  std::string decode(const std::vector<int>& tokens) const override {
    std::string text;
    for (const int token : tokens) text += pieceBytes(token);
    return text;
  }
  int beginToken() const override { return -1; }
  int endToken() const override { return kEndToken; }
};

/// How a fake lane behaves.
struct FakeLane {
  int kvHeadCount = 8;
  int contextLength = 64;
  int endsAt = -1;         ///< position for which it chooses the end token
  int differsAt = -1;      ///< position for which it would choose another token than the other lanes
  int failsAt = -1;        ///< position at which run() throws
  bool failsOnce = false;  ///< and then works
  int tearsAt = -1;        ///< position at which run() throws once when it has fed what is before
  int losesAt = -1;        ///< position at which run() loses the device
  int overflowsAt = -1;    ///< position at which layer 1 gives NaN
  int stepMilliseconds = 0;
  bool captures = true;
  std::string spells;      ///< what its first positions are, byte by byte
  double msPerCell = 0.0;  ///< attention time per position, sequence and KV head
};

/// Counts the positions of a cache as long as it is there.
struct PositionsInUse {
  PositionsInUse(std::shared_ptr<int> total, int positions)
      : m_total(std::move(total)), m_positions(positions) {
    *m_total += m_positions;
  }
  PositionsInUse(const PositionsInUse&) = delete;
  PositionsInUse& operator=(const PositionsInUse&) = delete;
  ~PositionsInUse() { *m_total -= m_positions; }

 private:
  std::shared_ptr<int> m_total;
  int m_positions;
};

/// A decoder without weights: the token after position p is 256 + (p * 7) % 40, head h of every layer gives
/// 0.6 to the position h + 1 before and spreads the rest evenly.
class FakeDecoder final : public model::Decoder {
 public:
  static constexpr int kLayerCount = 3;
  static constexpr int kQueryHeadCount = 8;
  static constexpr int kHeadDim = 16;

  explicit FakeDecoder(const FakeLane& lane, const model::DecoderOptions& options = {},
                       std::shared_ptr<PositionsInUse> cache = nullptr)
      : m_lane(lane), m_options(options), m_cache(std::move(cache)) {
    if (m_options.contextLength == 0) m_options.contextLength = lane.contextLength;
    m_config.name = "fake";
    m_config.architecture = "llama";
    m_config.layerCount = kLayerCount;
    m_config.modelDim = 128;
    m_config.ffnDim = 256;
    m_config.vocabSize = FakeTokenizer::kVocabSize;
    m_config.contextLength = lane.contextLength;
    m_config.attention = {kQueryHeadCount, lane.kvHeadCount, kHeadDim};
    m_logits.resize(FakeTokenizer::kVocabSize);
  }

  /// The token that a lane chooses for `position`.
  static int tokenFor(int position, const FakeLane& lane) {
    if (position < static_cast<int>(lane.spells.size())) {
      return static_cast<unsigned char>(lane.spells[static_cast<std::size_t>(position)]);
    }
    if (position == lane.endsAt) return FakeTokenizer::kEndToken;
    const int token = 256 + (position * 7) % 40;
    return position == lane.differsAt ? token + 1 : token;
  }
  static float attentionFor(int queryHead, int query, int attended) {
    if (query == 0) return 1.0f;
    const int favourite = std::max(query - queryHead - 1, 0);
    const float rest = 0.4f / static_cast<float>(query + 1);
    return attended == favourite ? 0.6f + rest : rest;
  }

  const model::ModelConfig& config() const override { return m_config; }
  const model::DecoderOptions& options() const override { return m_options; }
  std::string deviceName() const override { return "fake device"; }
  bool isOnDevice() const override { return true; }
  int positionOf(int) const override { return m_position; }
  void truncateSequence(int, int positions) override { m_position = std::min(m_position, positions); }
  std::span<const float> logitsOf(int) const override { return m_logits; }

  void fillCache(int positions, unsigned) override { m_position = positions; }

  std::vector<model::AttentionRows> replay(int firstPosition, std::span<const int> tokens,
                                           const model::Capture&) override {
    model::checkReplay(firstPosition, tokens, m_position);
    std::vector<model::AttentionRows> rows(1);
    addAttention(rows.front(), firstPosition, static_cast<int>(tokens.size()));
    return rows;
  }

  std::vector<model::StepRecord> runRows(std::span<const model::StepRow> rows,
                                         const model::StepRequest& request) override {
    const model::Capture& capture = request.capture;
    const auto count = static_cast<int>(std::ranges::count(rows, 0, &model::StepRow::sequence));
    if (m_position + count > m_options.contextLength) throw model::Error("the context is full");
    if (m_lane.failsAt >= 0 && m_position + count > m_lane.failsAt) {
      if (m_lane.failsOnce) m_lane.failsAt = -1;
      throw model::Error("the file is gone");
    }
    if (m_lane.tearsAt >= 0 && m_position + count > m_lane.tearsAt) {
      m_position = std::exchange(m_lane.tearsAt, -1);
      throw model::Error("the file is gone");
    }
    if (m_lane.overflowsAt >= 0 && m_position + count > m_lane.overflowsAt) {
      throw model::Error(
          model::nonFiniteSentence(model::Stage::FfnDown, 1, m_lane.overflowsAt, std::nan("")));
    }
    if (m_lane.losesAt >= 0 && m_position + count > m_lane.losesAt)
      throw model::DeviceLost("The device was lost.");
    if (m_lane.stepMilliseconds > 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(m_lane.stepMilliseconds));
    model::StepRecord record = model::recordOf(rows);
    m_position += count;
    const auto sequences = static_cast<std::uint64_t>(m_options.batch);
    record.cacheBytesUsed = model::kvCacheBytes(m_config, m_options.kvType, m_position, sequences);
    record.cacheBytesAllocated =
        model::kvCacheBytes(m_config, m_options.kvType, m_options.contextLength, sequences);
    const bool naive = m_options.attention == model::AttentionKernel::Naive;
    const auto reuse = static_cast<std::uint64_t>(naive ? m_config.attention.groupSize() : 1);
    const double kvMs =
        m_lane.msPerCell * m_position * m_options.batch * m_lane.kvHeadCount * static_cast<double>(reuse);
    record.stages.push_back({.stage = model::Stage::AttentionDecode,
                             .layer = 0,
                             .gpuTimeMs = 0.4 + kvMs,
                             .issued = {.kvRead = record.cacheBytesUsed * reuse},
                             .logical = {.kvRead = record.cacheBytesUsed}});
    record.stages.push_back({.stage = model::Stage::FfnDown,
                             .layer = 0,
                             .gpuTimeMs = 0.6,
                             .issued = {.weightsRead = 1'000'000},
                             .logical = {.weightsRead = 1'000'000}});
    record.overhead = {.prepareMs = 0.2, .submitMs = 0.5, .readBackMs = 0.3};
    if (!request.timesStages) {
      record.overhead.submitMs += record.gpuTimeMs();
      for (model::StageRecord& stage : record.stages) stage.gpuTimeMs = 0.0;
    }
    record.wallTimeMs = 2.0 + kvMs;
    if (capture.all && m_lane.captures) addAttention(record.attention, record.position, count);
    std::fill(m_logits.begin(), m_logits.end(), 0.0f);
    m_logits[static_cast<std::size_t>(tokenFor(m_position, m_lane))] = 8.0f;
    m_logits[40] = 4.0f;
    model::addCandidates(m_logits, record);
    return {record};
  }

 private:
  void addAttention(model::AttentionRows& rows, int first, int count) const {
    for (int layer = 0; layer < kLayerCount; ++layer) rows.layers.push_back(layer);
    for (int head = 0; head < kQueryHeadCount; ++head) rows.queryHeads.push_back(head);
    rows.rowCount = count;
    rows.firstPosition = first;
    rows.rowStride = m_options.contextLength;
    rows.values.resize(static_cast<std::size_t>(kLayerCount * kQueryHeadCount * count * rows.rowStride));
    std::size_t start = 0;
    for (int layer = 0; layer < kLayerCount; ++layer) {
      for (int head = 0; head < kQueryHeadCount; ++head) {
        for (int row = 0; row < count; ++row, start += static_cast<std::size_t>(rows.rowStride)) {
          for (int attended = 0; attended <= first + row; ++attended) {
            rows.values[start + static_cast<std::size_t>(attended)] =
                attentionFor(head, first + row, attended);
          }
        }
      }
    }
  }

  FakeLane m_lane;
  model::ModelConfig m_config;
  model::DecoderOptions m_options;
  std::shared_ptr<PositionsInUse> m_cache;
  int m_position = 0;
  std::vector<float> m_logits;
};

/// What the lane "trace" recorded; the first three were its prompt.
inline const std::vector<int> kScript{5, 6, 7, 9, 8, 7, 6, 5};

/// What "chat" has: a message becomes "[INST] Hello [/INST]".
inline const std::string kChatTemplate =
    "{{ '[INST] ' + message['content'] + ' [/INST]' }}{{ message['content'] + eos_token}}";

/// "mha", "gqa", "mqa" with a context of 64; the others say in their names what is special: "mqa-slow" has a
/// kernel that takes as long for one KV head as MHA's for 24.
class FakeLaneOpener final : public lanes::LaneOpener {
 public:
  lanes::LaneEngine open(const lanes::LaneRequest& request,
                         const std::function<void(double)>& progress) override {
    if (whileOpening) whileOpening();
    progress(0.5);
    if (request.source == "trace") return openTrace(request);
    FakeLane lane;
    if (request.source == "gqa") lane.kvHeadCount = 2;
    if (request.source == "mqa") lane.kvHeadCount = 1;
    if (request.source == "differs-at-20") lane.differsAt = 20;
    if (request.source == "differs-at-40") lane.differsAt = 40;
    if (request.source == "ends-at-30" || request.source == "chat") lane.endsAt = 30;
    if (request.source == "fails-at-20") lane.failsAt = 20;
    if (request.source == "fails-at-40") lane.failsAt = 40;
    if (request.source == "fails-once-at-20") {
      lane.failsAt = 20;
      lane.failsOnce = true;
    }
    if (request.source == "tears-at-20") {
      lane.tearsAt = 20;
      lane.contextLength = 128;
    }
    if (request.source == "overflows-at-20") lane.overflowsAt = 20;
    if (request.source == "long") lane.contextLength = 2048;
    if (request.source.starts_with("spells ")) lane.spells = request.source.substr(7);
    if (request.source == "slow") lane.stepMilliseconds = 200;
    if (request.source.find("missing") != std::string::npos) {
      throw model::Error(request.source + ": no such file, expected a GGUF model.");
    }
    lanes::LaneEngine engine;
    engine.name = lanes::laneTitle(request.source);
    engine.model = m_models.use(request.source, [&] {
      model::Model model;
      if (request.source != "no-tokenizer") model.tokenizer = std::make_unique<FakeTokenizer>();
      if (request.source == "chat") model.chatTemplate = kChatTemplate;
      return std::make_unique<lanes::LoadedModel>(std::move(model));
    });
    lane.msPerCell = msPerCell;
    if (request.source == "mqa-slow") {
      lane.kvHeadCount = 1;
      lane.msPerCell *= 24;
    }
    lane.losesAt = losesAt;
    const int positions =
        request.options.contextLength > 0 ? request.options.contextLength : lane.contextLength;
    if (*m_positionsInUse + positions > room) throw model::OutOfMemory("The cache does not fit.");
    engine.decoder =
        std::make_unique<FakeDecoder>(lane,
                                      model::DecoderOptions{.kvType = request.options.kvType,
                                                            .contextLength = request.options.contextLength,
                                                            .batch = request.options.batch,
                                                            .attention = request.options.attention},
                                      std::make_shared<PositionsInUse>(m_positionsInUse, positions));
    return engine;
  }

  lanes::LaneEngine openTrace(const lanes::LaneRequest& request) {
    const auto count = static_cast<std::int64_t>(kScript.size());
    model::Trace trace{.name = "trace", .writer = "a test", .tokens = kScript, .promptTokens = 3};
    trace.config.layerCount = 1;
    trace.config.vocabSize = FakeTokenizer().vocabSize();
    trace.config.contextLength = static_cast<int>(count);
    trace.config.attention = {.queryHeadCount = 2, .kvHeadCount = 1, .headDim = 8};
    m_attention.assign(static_cast<std::size_t>(2 * count * count), 0.5f);
    trace.recorded =
        recorded.value_or(model::RecordedPart{.layers = {0}, .firstRow = 0, .rowCount = int(count)});
    trace.attention.push_back({model::Storage::F32, 2 * count, count, std::as_bytes(std::span(m_attention))});
    lanes::LaneEngine engine;
    engine.name = request.source;
    engine.script = kScript;
    engine.scriptPrompt = trace.promptTokens;
    engine.recorded = trace.recorded;
    engine.decoder = std::make_unique<model::TraceDecoder>(std::move(trace));
    return engine;
  }

  model::DeviceCeilings ceilings(model::Freshness freshness) override {
    if (freshness == model::Freshness::Kept && !keepsCeilings) return {};
    return {.device = "fake device",
            .driver = "fake 1",
            .date = freshness == model::Freshness::Kept ? "2026-01-01 10:00" : "2026-02-02 11:00",
            .copy = {{1 << 20, 40.0}, {256 << 20, 20.0}},
            .read = {{1 << 20, 40.0}, {256 << 20, 20.0}},
            .fmaGflops = 100.0,
            .emptyDispatchUs = 50.0};
  }

  void calibrate(const lanes::LaneEngine& lane, const lanes::CalibrationWatch& watch) override {
    if (!calibrates) return;
    watch.begins();
    ++calibrations;
    while (calibrationWaits && !watch.stop()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    calibrationWaits = false;
    static_cast<void>(lane);
  }

  bool calibrates = false;                     ///< whether there are kernels to choose
  std::atomic<bool> calibrationWaits = false;  ///< the next one goes on until it is stopped
  std::atomic<int> calibrations = 0;           ///< how many were begun

  /// Called on the session's thread in the middle of opening a lane.
  std::function<void()> whileOpening;
  bool keepsCeilings = true;
  void forgetDevice() override {
    ++forgotten;
    losesAt = -1;
  }

  lanes::ModelStore m_models;
  std::vector<float> m_attention;
  std::shared_ptr<int> m_positionsInUse = std::make_shared<int>(0);
  int room = std::numeric_limits<int>::max();   ///< for the positions of all caches together
  std::optional<model::RecordedPart> recorded;  // all of it when not set
  double msPerCell = 0.0;
  int losesAt = -1;              ///< position at which every lane loses the device, until that is forgotten
  std::atomic<int> forgotten{};  ///< how often a lost device was dropped
};

}  // namespace headroom::test
