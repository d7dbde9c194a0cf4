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
      double entropy = 0.0, highest = 0.0, distance = 0.0, sink = 0.0, previous = 0.0, duplicate = 0.0,
             prefix = 0.0;
      int prefixPositions = 0;
      for (std::size_t query = 1; query < kCaptured; ++query) {
        double most = 0.0;
        bool hasCopy = false;
        for (std::size_t at = 0; at <= query; ++at) {
          const double a = maps.values[(map * kCaptured + query) * kCaptured + at];
          if (a > 0.0) entropy -= a * std::log(a);
          most = std::max(most, a);
          distance += a * static_cast<double>(query - at);
          if (at == 0) sink += a;
          if (at + 1 == query) previous += a;
          if (at < query && tokens[at] == tokens[query]) {
            duplicate += a;
            prefix += maps.values[(map * kCaptured + query) * kCaptured + at + 1];
            hasCopy = true;
          }
        }
        prefixPositions += hasCopy ? 1 : 0;
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
      QCOMPARE(document["prefix_matching_positions"].toInt(), prefixPositions);
      if (prefixPositions > 0) {
        compare("prefix_matching", prefix * (kCaptured - 1) / prefixPositions);
      } else {
        QVERIFY(head["prefix_matching"].isNull());
      }
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

  /// Of each layer shares add up to 1, and matrices and summaries are of the pairs that there are.
  void writesAndPairs_data() {
    QTest::addColumn<QString>("model");
    QTest::addColumn<int>("kvHeads");
    QTest::newRow("MHA") << "mha" << 8;
    QTest::newRow("GQA") << "gqa" << 2;
    QTest::newRow("MQA") << "mqa" << 1;
  }
  void writesAndPairs() {
    QFETCH(QString, model);
    QFETCH(int, kvHeads);
    const auto outcome =
        run({"--json", "heads", model, "--prompt",
             "The little bear saw the little bird, and the little bird saw the bear.", "--sort", "copying"});
    QVERIFY2(outcome.exitCode == 0, outcome.errors.constData());
    const QJsonObject document = outcome.json();
    const int positions = document["positions"].toInt();
    double last = 1.0;
    std::vector<double> shares(6);
    for (const QJsonValue& head : document["heads"].toArray()) {
      shares[static_cast<std::size_t>(head["layer"].toInt())] += head["write_share"].toDouble();
      QVERIFY(head["write_size"].toDouble() > 0.0);
      QVERIFY(head["copying"].isDouble() && head["copying"].toDouble() <= last);
      last = head["copying"].toDouble();
    }
    QVERIFY(last >= -1.0);
    for (const double share : shares) QVERIFY(std::abs(share - 1.0) < 1e-9);

    const QJsonObject cosine = document["output_cosine"].toObject();
    QCOMPARE(cosine["positions"].toInt(), positions);
    const int within = 6 * kvHeads * (8 / kvHeads) * (8 / kvHeads - 1) / 2;
    const auto pairsOf = [](const QJsonObject& of, const char* part) {
      return of[part].toObject()["pairs"].toInt();
    };
    QCOMPARE(pairsOf(cosine, "within_kv_heads"), within);
    QCOMPARE(pairsOf(cosine, "across_kv_heads"), 6 * 28 - within);
    QCOMPARE(cosine["within_kv_heads"].toObject()["mean"].isNull(), within == 0);
    QCOMPARE(cosine["layers"].toArray().size(), 6);
    for (const QJsonValue& layer : cosine["layers"].toArray()) {
      QCOMPARE(layer.toArray().size(), 64);
      for (int head = 0; head < 8; ++head) QCOMPARE(layer[head * 9].toDouble(), 1.0);
    }
    for (const char* name : {"key_cka", "value_cka"}) {
      const QJsonObject cka = document[name].toObject();
      QCOMPARE(pairsOf(cka, "between_kv_heads"), 6 * kvHeads * (kvHeads - 1) / 2);
      QCOMPARE(cka["layers"].toArray().size(), kvHeads == 1 ? 0 : 6);
      QCOMPARE(document["left_out"].toObject().contains(name), kvHeads == 1);
      if (kvHeads == 1) {
        QVERIFY(document["left_out"].toObject()[name].toString().contains("one KV head"));
        continue;
      }
      QCOMPARE(cka["positions"].toInt(), positions + 1);
      const double mean = cka["between_kv_heads"].toObject()["mean"].toDouble();
      QVERIFY(mean > 0.0 && mean < 1.0);
    }
  }

  /// Null in the document, empty in the table of commas, a dash for people, each with the reason.
  void whatIsNotKnown() {
    const QStringList command{"heads", "mqa", "--tokens", "10,11,12,13", "--induction-draws", "1"};
    const auto json = run(QStringList{"--json"} + command);
    QVERIFY2(json.exitCode == 0, json.errors.constData());
    QCOMPARE(json.json()["prefix_matching_positions"].toInt(), 0);
    QVERIFY(headOf(json.json(), 0, 0)["prefix_matching"].isNull());
    QVERIFY(json.json()["left_out"].toObject()["prefix_matching"].toString().contains("No token"));
    const auto csv = run(command + QStringList{"--csv"});
    QVERIFY2(csv.errors.startsWith("prefix_matching is empty: No token"), csv.errors.constData());
    const QStringList lines = QString::fromUtf8(csv.output).split('\n');
    const auto column = lines[0].split(',').indexOf("prefix_matching");
    QCOMPARE(lines[1].split(',')[column], QString());
    QVERIFY(!lines[1].split(',')[column + 1].isEmpty());
    const auto table = run(command);
    QVERIFY(table.output.contains("Without prefix_matching: No token"));
    QVERIFY(!table.output.contains("nan"));
    // Known before not known.
    QCOMPARE(run(command + QStringList{"--sort", "prefix_matching"}).exitCode, 0);
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
