#include <cmath>

#include <QJsonArray>
#include <QTest>

#include "core/formats/npy.h"
#include "tests/app_cli/command_line.h"

using namespace headroom;
using namespace headroom::tests;

namespace {

/// Tokens of attention.npy.
constexpr std::size_t kCaptured = 24;
/// Of a mean of weights that are stored as floats.
constexpr double kLimit = 1e-5;

/// The text of a fixture by transformers, or nothing where there are no fixtures.
std::string folderOf(const char* name) {
  try {
    return fixturePath(std::string("checkpoints2/") + name);
  } catch (const std::runtime_error&) {
    return {};
  }
}

QString joined(std::span<const int> ids) {
  QStringList words;
  for (const int id : ids) words << QString::number(id);
  return words.join(',');
}

/// The tokens of a fixture, their maps by transformers, [layers][heads][T][T], and what heads says of them.
struct FixtureSurvey {
  std::vector<int> tokens;
  formats::NpyArray maps;
  Outcome outcome;
};
FixtureSurvey surveyOf(const std::string& path) {
  std::vector<int> tokens = readIds(readText(path + "/tokens.txt"));
  tokens.resize(kCaptured);
  const QStringList command{
      "--json", "heads", QString::fromStdString(path), "--tokens", joined(tokens), "--induction-length", "8"};
  return {tokens, formats::readNpy(path + "/attention.npy"), run(command)};
}

}  // namespace

/// headroom-cli heads.
class TestHeads : public QObject {
  Q_OBJECT

 private:
  static QJsonObject headOf(const QJsonObject& document, int layer, int head) {
    for (const QJsonValue& entry : document["heads"].toArray()) {
      if (entry["layer"].toInt() == layer && entry["head"].toInt() == head) return entry.toObject();
    }
    return {};
  }

 private slots:
  /// Against maps by transformers in float64, summed up here as the formulas say.
  void scoresAreThoseOfOthersMaps_data() {
    QTest::addColumn<QString>("folder");
    for (const char* name : {"gpt2-MHA", "qwen2-GQA", "llama-mqa-hd-MQA", "mistral-window-GQA"})
      QTest::newRow(name) << QString(name);
  }
  void scoresAreThoseOfOthersMaps() {
    QFETCH(QString, folder);
    const std::string path = folderOf(qPrintable(folder));
    if (path.empty())
      QSKIP("The fixtures are not here: put them at ../shared/fixtures or set HEADROOM_FIXTURES.");
    const auto [tokens, maps, outcome] = surveyOf(path);
    const auto heads = static_cast<std::size_t>(maps.shape[1]);
    QVERIFY2(outcome.exitCode == 0, outcome.errors.constData());
    const QJsonObject document = outcome.json();
    QCOMPARE(document["positions"].toInt(), static_cast<int>(kCaptured) - 1);
    QCOMPARE(document["heads"].toArray().size(), maps.shape[0] * maps.shape[1]);
    for (std::size_t map = 0; map < static_cast<std::size_t>(maps.shape[0]) * heads; ++map) {
      double entropy = 0.0, highest = 0.0, distance = 0.0, sink = 0.0, previous = 0.0, duplicate = 0.0;
      for (std::size_t query = 1; query < kCaptured; ++query) {
        double most = 0.0;
        for (std::size_t at = 0; at <= query; ++at) {
          const double a = maps.values[(map * kCaptured + query) * kCaptured + at];
          if (a > 0.0) entropy -= a * std::log(a);
          most = std::max(most, a);
          distance += a * static_cast<double>(query - at);
          if (at == 0) sink += a;
          if (at + 1 == query) previous += a;
          if (at < query && tokens[at] == tokens[query]) duplicate += a;
        }
        highest += most;
      }
      const QJsonObject head = headOf(document, static_cast<int>(map / heads), static_cast<int>(map % heads));
      const auto compare = [&](const char* name, double sum) {
        const double expected = sum / (kCaptured - 1);
        QVERIFY2(std::abs(head[name].toDouble() - expected) <= kLimit * std::max(1.0, expected),
                 qPrintable(QString("map %1, %2: %3, expected %4")
                                .arg(map)
                                .arg(name)
                                .arg(head[name].toDouble())
                                .arg(expected)));
      };
      compare("entropy", entropy);
      compare("max_weight", highest);
      compare("mean_distance", distance);
      compare("sink_mass", sink);
      compare("previous_token", previous);
      compare("duplicate_token", duplicate);
    }
  }

  /// Jensen-Shannon divergence of the same maps, by the definition with Kullback-Leibler divergences.
  void divergencesAreThoseOfOthersMaps_data() { scoresAreThoseOfOthersMaps_data(); }
  void divergencesAreThoseOfOthersMaps() {
    QFETCH(QString, folder);
    const std::string path = folderOf(qPrintable(folder));
    if (path.empty())
      QSKIP("The fixtures are not here: put them at ../shared/fixtures or set HEADROOM_FIXTURES.");
    const auto [tokens, maps, outcome] = surveyOf(path);
    const auto heads = static_cast<std::size_t>(maps.shape[1]);
    QVERIFY2(outcome.exitCode == 0, outcome.errors.constData());
    const QJsonObject divergence = outcome.json()["divergence"].toObject();
    const auto kvHeads = static_cast<std::size_t>(outcome.json()["attention"].toObject()["kv_heads"].toInt());
    double within = 0.0, across = 0.0;
    int withinPairs = 0, acrossPairs = 0;
    for (std::size_t layer = 0; layer < static_cast<std::size_t>(maps.shape[0]); ++layer) {
      for (std::size_t head = 0; head < heads; ++head) {
        for (std::size_t other = head + 1; other < heads; ++other) {
          double sum = 0.0;
          for (std::size_t query = 1; query < kCaptured; ++query) {
            for (std::size_t at = 0; at <= query; ++at) {
              const double p = maps.values[((layer * heads + head) * kCaptured + query) * kCaptured + at];
              const double q = maps.values[((layer * heads + other) * kCaptured + query) * kCaptured + at];
              const double middle = 0.5 * (p + q);
              if (p > 0.0) sum += 0.5 * p * std::log(p / middle);
              if (q > 0.0) sum += 0.5 * q * std::log(q / middle);
            }
          }
          sum /= kCaptured - 1;
          const bool isShared = head * kvHeads / heads == other * kvHeads / heads;
          (isShared ? within : across) += sum;
          ++(isShared ? withinPairs : acrossPairs);
          const double said = divergence["layers"]
                                  .toArray()[static_cast<int>(layer)]
                                  .toArray()[static_cast<int>(head * heads + other)]
                                  .toDouble();
          QVERIFY2(std::abs(said - sum) <= kLimit, qPrintable(QString("%1, expected %2").arg(said).arg(sum)));
        }
      }
    }
    QCOMPARE(divergence["within_kv_heads"].toObject()["pairs"].toInt(), withinPairs);
    QCOMPARE(divergence["across_kv_heads"].toObject()["pairs"].toInt(), acrossPairs);
    if (withinPairs > 0)
      QVERIFY(std::abs(divergence["within_kv_heads"].toObject()["mean"].toDouble() - within / withinPairs) <=
              kLimit);
    if (acrossPairs > 0)
      QVERIFY(std::abs(divergence["across_kv_heads"].toObject()["mean"].toDouble() - across / acrossPairs) <=
              kLimit);
  }

  /// shared/models/README.md, measured by the training program: the head, and its score on other random
  /// tokens.
  void strongestInductionHeads_data() {
    QTest::addColumn<QString>("model");
    QTest::addColumn<int>("layer");
    QTest::addColumn<int>("head");
    QTest::addColumn<double>("score");
    QTest::newRow("MHA") << "mha" << 4 << 4 << 0.22;
    QTest::newRow("GQA") << "gqa" << 4 << 7 << 0.15;
    QTest::newRow("MQA") << "mqa" << 3 << 2 << 0.11;
  }
  void strongestInductionHeads() {
    QFETCH(QString, model);
    QFETCH(int, layer);
    QFETCH(int, head);
    QFETCH(double, score);
    const auto outcome = run({"--json", "heads", model, "--prompt", "Once upon a time", "--induction-ids",
                              "260:4086", "--sort", "induction"});
    QVERIFY2(outcome.exitCode == 0, outcome.errors.constData());
    const QJsonArray heads = outcome.json()["heads"].toArray();
    const auto isIt = [&](const QJsonValue& entry) {
      return entry["layer"].toInt() == layer && entry["head"].toInt() == head;
    };
    const QJsonValue strong = isIt(heads[0]) ? heads[0] : heads[1];
    QVERIFY2(isIt(strong),
             qPrintable(QString("L%1H%2").arg(heads[0]["layer"].toInt()).arg(heads[0]["head"].toInt())));
    const double measured = strong["induction"].toDouble();
    QVERIFY2(measured >= 0.5 * score && measured <= 1.5 * score, qPrintable(QString::number(measured)));
    // Of heads that induce nothing there are many.
    QVERIFY(heads[heads.size() / 2]["induction"].toDouble() < 0.1 * score);
  }

  /// A text longer than the context is read by windows, each from an empty cache.
  void longTextsComeByWindows() {
    const QStringList command{"--json",
                              "heads",
                              "mqa",
                              "--tokens",
                              "10,11,12,13,14,10,11,12,13,14,15",
                              "--context",
                              "5",
                              "--induction-length",
                              "2"};
    const auto outcome = run(command);
    QVERIFY2(outcome.exitCode == 0, outcome.errors.constData());
    QCOMPARE(outcome.json()["windows"].toInt(), 3);
    QCOMPARE(outcome.json()["positions"].toInt(), 8);  // 4 and 4, and none of one token
    // The second window says what the first did, so the means are those of one.
    QStringList once = command;
    once[4] = "10,11,12,13,14";
    const auto shorter = run(once);
    QCOMPARE(shorter.json()["positions"].toInt(), 4);
    for (int head = 0; head < 8; ++head) {
      const double one = headOf(shorter.json(), 3, head)["entropy"].toDouble();
      QVERIFY(one > 0.0);
      QVERIFY(std::abs(headOf(outcome.json(), 3, head)["entropy"].toDouble() - one) <= kLimit);
    }
  }

  void tables() {
    const auto csv = run({"heads", "gqa", "--prompt", "One day, a little bear", "--csv"});
    QVERIFY2(csv.exitCode == 0, csv.errors.constData());
    const QStringList lines = QString::fromUtf8(csv.output).split('\n', Qt::SkipEmptyParts);
    QCOMPARE(lines.size(), 1 + 6 * 8);
    for (const QString& line : lines) QCOMPARE(line.count(','), lines.front().count(','));
    QVERIFY(lines[1 + 5].startsWith("0,5,1,"));  // four query heads to a KV head
    const auto table = run({"heads", "gqa", "--prompt", "One day, a little bear", "--sort", "sink_mass"});
    QCOMPARE(table.exitCode, 0);
    QVERIFY(table.output.contains("a of position 0"));
  }

  void wrongUse_data() {
    addRefusalColumns();
    const auto row = [](const char* what, const QStringList& arguments, int code, const char* sentence) {
      QTest::newRow(what) << QStringList{"heads", "mqa"} + arguments << code << QString(sentence);
    };
    row("without a text", {}, 2, "no tokens to feed");
    row("as two formats", {"--json", "--csv", "--prompt", "a"}, 2, "excludes --json");
    row("an unknown column", {"--prompt", "a", "--sort", "loudness"}, 2, "loudness");
    row("no such ids", {"--prompt", "a", "--induction-ids", "5000:6000"}, 2, "--induction-ids");
    row("one copy", {"--prompt", "a", "--induction-copies", "1"}, 2, "--induction-copies");
    row("copies that do not fit", {"--prompt", "a", "--induction-length", "2000"}, 1,
        "the context holds 2048");
    row("a file that is not there", {"--text", "/nowhere.txt"}, 1, "/nowhere.txt");
  }
  void wrongUse() { checkRefusal(); }
};

QTEST_GUILESS_MAIN(TestHeads)
#include "tst_heads.moc"
