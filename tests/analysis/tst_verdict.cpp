#include <QTest>
#include <cmath>
#include <random>

#include "core/analysis/model_difference.h"
#include "core/analysis/verdict.h"
#include "core/model/quantity.h"
#include "core/text/phrases.h"
#include "tests/analysis/synthetic_lanes.h"

using namespace headroom;
using namespace headroom::analysis;
using test::Costs;

namespace {

/// A lane that decoded the positions from `first` to `last`.
struct Recorded {
  std::string title;
  int kvHeads = 8;
  Costs costs;
  int first = 20;
  int last = 400;
  double noise = 0.0;
  unsigned seed = 1;
  model::DecoderOptions options = {};
};

/// Steps whose wall time is off by a factor of that relative deviation, and by `drift` of their position.
template <typename Drift>
JudgedLane judged(const Recorded& lane, const Drift& drift) {
  std::mt19937 random(lane.seed);
  std::lognormal_distribution<double> factor(0.0, lane.noise);
  std::vector<model::StepRecord> steps = test::steps(lane.costs, lane.first, lane.last);
  for (model::StepRecord& step : steps) step.wallTimeMs *= factor(random) * drift(step.position);
  return {.title = lane.title,
          .source = lane.title,
          .measurement = measureLane(test::config(lane.kvHeads), lane.options, steps),
          .steps = timedSteps(steps)};
}

JudgedLane judged(const Recorded& lane) {
  return judged(lane, [](int) { return 1.0; });
}

/// 8 KV heads at 64 kB a position against 1 at 8 kB: 2 ms + 8 us against 1.2 ms + 1 us a position.
Recorded mha() {
  return {
      .title = "MHA",
      .kvHeads = 8,
      .costs = {
          .fixed = 0.2, .weights = 1.8, .attention = 0.0, .perPosition = 0.008, .kvBytesPerPosition = 65536}};
}
Recorded mqa() {
  return {.title = "MQA",
          .kvHeads = 1,
          .costs = {.fixed = 0.2,
                    .weights = 1.8,
                    .attention = 0.0,
                    .perPosition = 0.001,
                    .kvBytesPerPosition = 8192},
          .seed = 2};
}
Recorded gqa() {
  return {.title = "GQA",
          .kvHeads = 2,
          .costs = {.fixed = 0.2,
                    .weights = 1.8,
                    .attention = 0.0,
                    .perPosition = 0.002,
                    .kvBytesPerPosition = 16384},
          .seed = 3};
}

Verdict verdictOf(const std::vector<JudgedLane>& lanes, const SpeedMap* map = nullptr,
                  const Verdict* before = nullptr) {
  return judge(lanes, map, before);
}

std::string sentence(const Verdict& verdict) {
  return text::phrases(verdict.sentences);
}

bool near(double a, double b, double relative) {
  return std::abs(a - b) <= relative * std::max(std::abs(a), std::abs(b));
}

/// Letters as a person counts them.
std::size_t length(const std::string& utf8) {
  return static_cast<std::size_t>(QString::fromStdString(utf8).size());
}

}  // namespace

class TestVerdict : public QObject {
  Q_OBJECT

 private slots:
  void quiet() {
    const std::vector<JudgedLane> lanes{judged(mha()), judged(mqa())};
    const Verdict verdict = verdictOf(lanes);
    QCOMPARE(verdict.answer, Answer::Faster);
    QCOMPARE(verdict.reference, 0);
    // Behind 385 positions, the lower middle of the last 32: 2 + 3.08 against 2 + 0.385.
    const double expected = (2.0 + 0.008 * 385.0) / (2.0 + 0.001 * 385.0);
    QVERIFY(near(verdict.others.back().speedup->value, expected, 1e-6));
    // The very quotient of the two times that figures show.
    QVERIFY(near(verdict.others.back().speedup->value,
                 lanes[0].measurement.stepMs / lanes[1].measurement.stepMs, 1e-9));
    QVERIFY(verdict.promise && !verdict.promise->isMeasured);
    // It is 2.1 now. 2 + 0.008 T = 2.5 (2 + 0.001 T) at T = 3 / 0.0055 = 545, with two digits that count:
    // 550.
    QCOMPARE(verdict.promise->goal, 2.5);
    QCOMPARE(verdict.promise->at.positions, 550);
    QVERIFY2(QString::fromStdString(sentence(verdict)).contains("2.5\u00d7 expected at 550 positions"),
             sentence(verdict).c_str());
  }

  /// Where nothing worth 1.1 is in reach: what twice the context brings, and why it is so little; nothing
  /// where the range there would have "slower" in it.
  void littleIsSaidToo() {
    Recorded a = mha(), b = mqa();
    a.costs.perPosition = 0.0002;
    b.costs.perPosition = 0.000025;
    const std::vector<JudgedLane> lanes{judged(a), judged(b)};
    // 2 + 0.0002 T = 1.1 (2 + 0.000025 T) only at T = 1,159.
    const Verdict verdict = judge(lanes, nullptr, nullptr, {.maximumPositions = 1000});
    QVERIFY(verdict.promise && !verdict.promise->isMeasured);
    QCOMPARE(verdict.promise->goal, 0.0);
    const int place = verdict.promise->at.positions;
    // Twice 401, with two digits that count.
    QCOMPARE(place, 810);
    QVERIFY(near(verdict.promise->speedup.value, (2.0 + 0.0002 * place) / (2.0 + 0.000025 * place), 1e-6));
    QVERIFY2(QString::fromStdString(sentence(verdict)).contains("1.07\u00d7 expected at 810 positions"),
             sentence(verdict).c_str());
    a.costs.perPosition = 0.00005;
    b.costs.perPosition = 0.00000625;
    const Verdict less = verdictOf({judged(a), judged(b)});
    QCOMPARE(less.answer, Answer::Alike);
    QVERIFY(!less.promise);
    QVERIFY2(QString::fromStdString(sentence(less)).contains("; KV is "), sentence(less).c_str());
  }

  void noisy() {
    Recorded a = mha(), b = mqa();
    a.noise = b.noise = 1.0;
    const Verdict verdict = verdictOf({judged(a), judged(b)});
    QCOMPARE(verdict.answer, Answer::TooNoisy);
    QVERIFY(!verdict.promise);
    QVERIFY2(sentence(verdict).starts_with("Too noisy here to tell"), sentence(verdict).c_str());
  }

  /// A range of which all says "faster" says so, with its ends; one that does not tell the direction, or of
  /// which one end is more than twice the other, is too noisy.
  void aWideRangeMayTellTheDirection() {
    int clear = 0, noisy = 0;
    for (unsigned seed = 1; seed <= 40; ++seed) {
      Recorded a = mha(), b = mqa();
      // 2 + 0.020 x 385 against 2 + 0.001 x 385: 4.07 times as fast.
      a.costs.perPosition = seed % 2 == 0 ? 0.020 : 0.002;
      a.noise = b.noise = 0.6;
      a.seed = seed;
      b.seed = seed + 1000;
      const Verdict verdict = verdictOf({judged(a), judged(b)});
      const Estimate& speedup = *verdict.others.back().speedup;
      const std::string said = sentence(verdict);
      const bool isFaster = speedup.low > 1.05 && speedup.high < 1.9 * speedup.low;
      const bool isUnknown = (speedup.low < 1.0 && speedup.high > 1.25) || speedup.high > 2.1 * speedup.low;
      if (isFaster && speedup.relativeSpread() > 0.21) {
        ++clear;
        QCOMPARE(verdict.answer, Answer::Faster);
        const std::string ends = "(" + model::timesText(speedup.low) + " to " +
                                 model::timesText(speedup.high) + ") as fast as MHA";
        QVERIFY2(said.find(ends) != std::string::npos, said.c_str());
      }
      if (isUnknown) {
        ++noisy;
        QCOMPARE(verdict.answer, Answer::TooNoisy);
        QVERIFY2(said.starts_with("Too noisy here to tell"), said.c_str());
      }
    }
    QVERIFY2(clear >= 5 && noisy >= 5, qPrintable(QString("%1 clear, %2 noisy").arg(clear).arg(noisy)));
  }

  /// Where only the last lane is too noisy, what is known of the others is still said, and of whom it is not.
  void oneNoisyLaneDoesNotSilenceTheOthers() {
    Recorded b = mqa();
    b.noise = 1.5;
    const Verdict verdict = verdictOf({judged(mha()), judged(gqa()), judged(b)});
    QCOMPARE(verdict.answer, Answer::TooNoisy);
    QVERIFY(!verdict.find(1)->isTooNoisy && verdict.find(2)->isTooNoisy);
    const Estimate& range = *verdict.find(2)->speedup;
    const std::string said = sentence(verdict);
    QCOMPARE(said, "GQA is " + verdict.find(1)->speedup->text() +
                       " as fast as MHA here; MQA too noisy to tell, " + model::timesText(range.low) +
                       " to " + model::timesText(range.high) + "\u00d7.");
  }

  void whatDriftsWithBothLanesIsNoNoise() {
    const auto drift = [](int position) { return 1.0 + 2.0 * position / 400.0; };
    Recorded a = mha(), b = mqa();
    a.noise = b.noise = 0.03;
    const Verdict verdict = verdictOf({judged(a, drift), judged(b, drift)});
    QCOMPARE(verdict.answer, Answer::Faster);
    const double expected = (2.0 + 0.008 * 385.0) / (2.0 + 0.001 * 385.0);
    QVERIFY(near(verdict.others.back().speedup->value, expected, 0.05));
  }

  /// As on a GPU whose kernel for one KV head is slow: MQA's attention takes longer for an eighth of the
  /// bytes.
  void aSlowKernelIsNotSoldAsAPropertyOfMqa() {
    Recorded b = mqa();
    b.costs.perPosition = 0.016;
    const Verdict verdict = verdictOf({judged(mha()), judged(b)});
    QCOMPARE(verdict.answer, Answer::Slower);
    QVERIFY(verdict.kernelLimits);
    QVERIFY(!verdict.promise);
    const std::string said = sentence(verdict);
    // Bytes of the newest step, behind 401 positions, in the time of the median one, behind 385: 401 x 65,536
    // B in 385 x 0.008 ms are 8.5 GB/s, 401 x 8,192 B in 385 x 0.016 ms 0.5 GB/s.
    QVERIFY2(said.ends_with("Our kernel is the limit, not the memory: attention of MQA reads KV at 0.5 GB/s, "
                            "of MHA at 8.5."),
             said.c_str());
    QVERIFY2(length(said) <= 140, said.c_str());
    QVERIFY(said.find("cannot") == std::string::npos);
    // With another lane there is less room; what is left says whose rates they are, or names none.
    const std::string three = sentence(verdictOf({judged(mha()), judged(gqa()), judged(b)}));
    QVERIFY2(three.find("reads KV at 0.5 GB/s in MQA, 8.5 in MHA.") != std::string::npos, three.c_str());
    Recorded a = mha(), g = gqa();
    for (Recorded* lane : {&a, &g, &b}) lane->title = "A-Very-Long-Model-Name-" + lane->title;
    const std::string longest = sentence(verdictOf({judged(a), judged(g), judged(b)}));
    QVERIFY2(longest.ends_with(". Our kernel is the limit, not the memory."), longest.c_str());
  }

  void shortContextsAreAlike() {
    Recorded a = mha(), b = mqa();
    for (Recorded* lane : {&a, &b}) {
      lane->first = 1;
      lane->last = 33;
      lane->costs.weightBytes = 100'000'000;
    }
    a.costs.perPosition = 0.0011;
    a.noise = b.noise = 0.005;
    const Verdict verdict = verdictOf({judged(a), judged(b)});
    QCOMPARE(verdict.answer, Answer::Alike);
    QVERIFY2(sentence(verdict).find("KV is less than 10 % of the issued bytes that MHA reads") !=
                 std::string::npos,
             sentence(verdict).c_str());
  }

  void allLanesAreInIt() {
    const Verdict verdict = verdictOf({judged(mqa()), judged(mha()), judged(gqa())});
    QCOMPARE(verdict.reference, 1);
    QCOMPARE(verdict.others.size(), 2u);
    QCOMPARE(verdict.others[0].lane, 2);
    QCOMPARE(verdict.others[1].lane, 0);
    const std::string said = sentence(verdict);
    QVERIFY2(said.starts_with("GQA is ") && said.find(", MQA is ") != std::string::npos, said.c_str());
  }

  void nothingToSayIsSaid() {
    QCOMPARE(verdictOf({}).answer, Answer::OneLane);
    QVERIFY(sentence(verdictOf({judged(mha())})).starts_with("Open a GQA or MQA lane beside MHA"));
    QVERIFY(sentence(verdictOf({judged(mqa())})).starts_with("Open MQA as MHA"));
    Recorded few = mqa();
    few.last = few.first + 3;
    const Verdict early = verdictOf({judged(mha()), judged(few)});
    QCOMPARE(early.answer, Answer::NotMeasured);
    // Each lane's speed is measured and shown beside it; what is missing is the comparison.
    QVERIFY(judged(few).measurement.measured());
    QVERIFY2(sentence(early).starts_with("Too few steps to compare yet: "), sentence(early).c_str());
    // The same where none of its steps was taken in turns yet, and then no lane is compared: sentence and
    // headlines say the same.
    JudgedLane readAgain = judged(gqa());
    readAgain.steps.clear();
    const Verdict joined = verdictOf({judged(mha()), judged(mqa()), readAgain});
    QVERIFY2(sentence(joined).starts_with("Too few steps to compare yet: 0 of"), sentence(joined).c_str());
    for (const AgainstReference& other : joined.others) QVERIFY(!other.speedup);
    Recorded later = mqa();
    later.first = 1000;
    later.last = 1400;
    QCOMPARE(verdictOf({judged(mha()), judged(later)}).answer, Answer::OtherPositions);
    // With positions in common behind it, but further along: a figure of 400 positions against one of 500.
    Recorded ahead = mqa();
    ahead.last = 500;
    const Verdict apart = verdictOf({judged(mha()), judged(ahead)});
    QCOMPARE(apart.answer, Answer::OtherPositions);
    QVERIFY(!apart.others.back().speedup);
    // A lane that has just been opened is still one of the two.
    Recorded none = mqa();
    none.first = none.last + 1;
    QCOMPARE(verdictOf({judged(mha()), judged(none)}).answer, Answer::NotMeasured);
    QVERIFY(
        sentence(verdictOf({judged(mha()), judged(none)})).starts_with("Too few steps to compare yet: 0 "));
    Recorded empty = mha();
    empty.first = empty.last + 1;
    QVERIFY(sentence(verdictOf({judged(empty), judged(none)})).starts_with("Not measured yet: "));
    // Another batch is another step.
    Recorded batch = mqa();
    batch.options.batch = 4;
    QCOMPARE(verdictOf({judged(mha()), judged(batch)}).answer, Answer::OneLane);
  }

  void kernelsOfOneModelAreComparedWithEachOther() {
    Recorded shared = mqa(), naive = mqa();
    naive.costs.perPosition = 0.004;
    naive.costs.reuse = 8;
    naive.options.attention = model::AttentionKernel::Naive;
    const Verdict verdict = verdictOf({judged(shared), judged(naive)});
    QVERIFY(verdict.ofKernels);
    QCOMPARE(verdict.reference, 1);
    QVERIFY2(sentence(verdict).starts_with("The shared kernel is "), sentence(verdict).c_str());
  }

  /// Around the edge between two answers, what stands stays.
  void answersDoNotFlip() {
    int flips = 0, flipsWithoutMemory = 0;
    std::optional<Verdict> before;
    Answer last{}, lastFresh{};
    for (unsigned seed = 1; seed <= 60; ++seed) {
      Recorded a = mha(), b = mqa();
      a.costs.perPosition = 0.0011;
      a.costs.fixed = 0.3;
      a.last = b.last = 60;
      a.noise = b.noise = 0.03;
      a.seed = seed;
      b.seed = seed + 1000;
      const std::vector<JudgedLane> lanes{judged(a), judged(b)};
      const Verdict fresh = verdictOf(lanes);
      const Verdict kept = verdictOf(lanes, nullptr, before ? &*before : nullptr);
      if (seed > 1) {
        flips += kept.answer != last ? 1 : 0;
        flipsWithoutMemory += fresh.answer != lastFresh ? 1 : 0;
      }
      last = kept.answer;
      lastFresh = fresh.answer;
      before = kept;
    }
    QVERIFY2(flipsWithoutMemory >= 6, qPrintable(QString::number(flipsWithoutMemory)));
    QVERIFY2(flips * 3 <= flipsWithoutMemory, qPrintable(QString::number(flips)));
  }

  void aSweepIsQuoted() {
    const auto curve = [](const char* name, int kvHeads, double perPosition) {
      SpeedCurve result{.name = name, .source = name, .attention = {8, kvHeads, 32}};
      for (const int positions : {256, 1024, 4096}) {
        const double ms = 2.0 + perPosition * positions;
        result.points.push_back({{1, positions}, {ms, ms * 1.01, ms * 0.99}});
      }
      return result;
    };
    SpeedMap map{.device = "synthetic", .curves = {curve("MHA", 8, 0.001), curve("MQA", 1, 0.0001)}};
    Recorded a = mha(), b = mqa();
    a.costs.perPosition = 0.001;
    b.costs.perPosition = 0.0001;
    const Verdict verdict = verdictOf({judged(a), judged(b)}, &map);
    QVERIFY(verdict.promise && verdict.promise->isMeasured);
    // (2 + 4.096) / (2 + 0.4096) = 2.53 at 4,096 positions, where 1.5 is first measured.
    QCOMPARE(verdict.promise->at, (OperatingPoint{1, 4096}));
    QVERIFY2(QString::fromStdString(sentence(verdict))
                 .contains("2.53\u00d7 \u00b1 0.00 measured at 4,096 positions"),
             sentence(verdict).c_str());
    // Where no heads share, both kernels are one, and one of them was measured.
    Recorded aNaive = a, bNaive = b;
    aNaive.options.attention = bNaive.options.attention = model::AttentionKernel::Naive;
    SpeedMap ofNaive = map;
    ofNaive.curves[1].kernel = model::AttentionKernel::Naive;
    const Verdict naive = verdictOf({judged(aNaive), judged(bNaive)}, &ofNaive);
    QVERIFY(naive.promise && naive.promise->isMeasured);
    QVERIFY(!verdictOf({judged(aNaive), judged(bNaive)}, &map).promise.value_or(Promise{}).isMeasured);
    // Where steps here tell nothing, the sweep does; at more than it found there is nothing to say.
    a.noise = b.noise = 1.0;
    const Verdict noisy = verdictOf({judged(a), judged(b)}, &map);
    QCOMPARE(noisy.answer, Answer::TooNoisy);
    QVERIFY(noisy.promise && noisy.promise->at == (OperatingPoint{1, 4096}));
    QVERIFY(!noisy.quoted);
    const std::string said = sentence(noisy);
    QVERIFY2(said.starts_with("Too noisy here to tell: MQA is "), said.c_str());
    QVERIFY2(said.ends_with("; 2.53\u00d7 \u00b1 0.00 measured at 4,096 positions."), said.c_str());
    // Where rounds lie as far apart, it tells nothing either.
    SpeedMap wide = map;
    for (SpeedPoint& point : wide.curves[1].points) point.roundMs[1] *= 3.0;
    const std::string twice = sentence(verdictOf({judged(a), judged(b)}, &wide));
    QVERIFY2(twice.ends_with("; nor could Measure tell."), twice.c_str());
    // Behind all that it measured there is nowhere to go: the nearest that it measured is said.
    a.first = b.first = 5000;
    a.last = b.last = 5400;
    const Verdict behind = verdictOf({judged(a), judged(b)}, &map);
    QCOMPARE(behind.answer, Answer::TooNoisy);
    QVERIFY(!behind.promise);
    QVERIFY(behind.quoted && behind.quoted->at == (OperatingPoint{1, 4096}));
    QVERIFY2(sentence(behind).ends_with("; 2.53\u00d7 \u00b1 0.00 measured at 4,096 positions."),
             sentence(behind).c_str());
  }

  /// Models of like parameter counts have a wider FFN where they share keys and values: that is said beside
  /// what is compared.
  void otherSizesAreSaid() {
    const ModelSize mha{"MHA", 1024, 8'151'040}, mqa{"MQA", 1472, 8'150'016};
    const auto differs = sizeDifference(mha, mqa);
    QVERIFY(differs);
    QCOMPARE(*differs,
             std::string("MQA has an FFN 1,472 wide and 8,150,016 parameters, MHA an FFN 1,024 wide and "
                         "8,151,040: that is compared too, not KV heads alone."));
    QVERIFY(sizeDifference(mha, {"MQA", 1024, 8'150'016}));
    QVERIFY(sizeDifference(mha, {"MQA", 1472, 8'151'040}));
    QVERIFY(!sizeDifference(mha, {"MQA", 1024, 8'151'040}));
  }

  /// Whatever the lanes: one sentence of at most 140 letters that promises nothing impossible.
  void everySentenceIsShort() {
    std::mt19937 random(7);
    const auto pick = [&](std::initializer_list<double> values) {
      return std::data(values)[random() % values.size()];
    };
    for (int trial = 0; trial < 300; ++trial) {
      Recorded a = mha(), g = gqa(), b = mqa();
      for (Recorded* lane : {&a, &g, &b}) {
        lane->title = trial % 2 == 0 ? lane->title : "A-Very-Long-Model-Name-7B-Instruct-" + lane->title;
        lane->costs.fixed = pick({0.01, 1.0, 100.0});
        lane->costs.perPosition = pick({0.0001, 0.01, 1.0});
        lane->last = static_cast<int>(pick({24, 60, 400}));
        lane->noise = pick({0.0, 0.1, 0.8});
        lane->seed = static_cast<unsigned>(trial);
      }
      std::vector<JudgedLane> lanes{judged(a), judged(b)};
      if (trial % 3 == 0) lanes.push_back(judged(g));
      const std::string said = sentence(verdictOf(lanes));
      QVERIFY2(length(said) <= 140 && length(said) > 10, said.c_str());
      QVERIFY2(said.find("cannot") == std::string::npos, said.c_str());
      QVERIFY2(said.ends_with("."), said.c_str());
    }
  }
};

QTEST_GUILESS_MAIN(TestVerdict)
#include "tst_verdict.moc"
