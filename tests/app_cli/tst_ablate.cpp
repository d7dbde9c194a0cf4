#include <QJsonArray>
#include <QTest>
#include <QtEndian>
#include <cmath>

#include "core/formats/npy.h"
#include "tests/app_cli/command_line.h"
#include "tests/evaluation/softmax_sums.h"

using namespace headroom;
using namespace headroom::tests;

namespace {

QString joined(std::span<const int> ids) {
  QStringList words;
  for (const int id : ids) words << QString::number(id);
  return words.join(',');
}

/// Of a mean of losses by sums of floats.
constexpr double kLimit = 5e-5;

}  // namespace

/// headroom-cli ablate.
class TestAblate : public QObject {
  Q_OBJECT

 private:
  QTemporaryDir m_folder;
  QString file(const char* name) const { return m_folder.filePath(name); }

 private slots:
  /// Against transformers in float64.
  void logitsAreTheirs_data() {
    QTest::addColumn<QString>("backend");
    QTest::newRow("device") << "vulkan";
    QTest::newRow("reference") << "reference";
  }
  void logitsAreTheirs() {
    QFETCH(QString, backend);
    const std::string path = fixturePath("checkpoints2/llama-gqa-GQA");
    const std::vector<int> tokens = readIds(readText(path + "/tokens.txt"));
    const QStringList arguments{"ablate",    QString::fromStdString(path),
                                "--tokens",  joined(std::span(tokens).first(24)),
                                "--backend", backend,
                                "--output",  file("heads.npy")};
    const Outcome outcome = run(QStringList{"--json"} + arguments);
    QVERIFY2(outcome.exitCode == 0, outcome.errors.constData());
    const formats::NpyArray expected = formats::readNpy(path + "/ablation.npy");
    const formats::NpyArray logits = formats::readNpy(file("heads.npy").toStdString());
    QVERIFY(logits.shape == expected.shape);
    const auto vocabSize = static_cast<std::size_t>(expected.shape[2]);
    for (std::size_t start = 0; start < expected.values.size(); start += vocabSize) {
      const auto of = [&](const formats::NpyArray& array) {
        return std::span<const double>(array.values).subspan(start, vocabSize);
      };
      QVERIFY(relativeError(of(logits), of(expected)) <= kF32LogitsLimit);
    }
    QCOMPARE(outcome.json()["unit"].toString(), QString("query_head"));
    for (int axis = 0; axis < 3; ++axis)
      QCOMPARE(outcome.json()["shape"][axis].toInteger(), expected.shape[static_cast<std::size_t>(axis)]);
    // To standard output, beside which the line goes to stderr: byte by byte the same file.
    QStringList piped = arguments;
    piped.back() = "/dev/stdout";
    const Outcome bytes = run(piped);
    QCOMPARE(bytes.exitCode, 0);
    QFile written(file("heads.npy"));
    QVERIFY(written.open(QIODevice::ReadOnly));
    QVERIFY(bytes.output == written.readAll());
    QVERIFY(bytes.errors.contains("float32, computed by"));
  }

  void groupsOfKvHeads() {
    const Outcome outcome =
        run({"ablate", "gqa", "--tokens", "300,301,302", "--kv", "--output", file("kv.npy")});
    QVERIFY2(outcome.exitCode == 0, outcome.errors.constData());
    const auto shape = formats::readNpy(file("kv.npy").toStdString()).shape;
    QVERIFY(shape == (std::vector<std::int64_t>{6, 2, 4096}));
    const QJsonObject losses = run({"--json", "ablate", "gqa", "--tokens", "300,301,302", "--kv"}).json();
    QCOMPARE(losses["unit"].toString(), QString("kv_head"));
    QCOMPARE(losses["heads"].toArray().size(), 12);
    QCOMPARE(losses["heads"][3]["layer"].toInt(), 1);
    QCOMPARE(losses["heads"][3]["kv_head"].toInt(), 1);
    QVERIFY(!losses["heads"][3].toObject().contains("head"));
  }

  /// The loss of the whole model and without the head of one layer, from logits by transformers and by this
  /// program's other command.
  void lossesAreThoseOfLogits() {
    const std::string path = fixturePath("checkpoints2/gpt2-MHA");
    const std::vector<int> tokens = readIds(readText(path + "/tokens.txt"));
    const formats::NpyArray logits = formats::readNpy(path + "/logits.npy");
    const MeanByHand expected =
        meanByHand(natsOfRows(std::span<const double>(logits.values), std::span(tokens).subspan(1),
                              static_cast<std::size_t>(logits.shape[1])));
    const QStringList arguments{"ablate", QString::fromStdString(path), "--tokens", joined(tokens)};
    const Outcome outcome = run(QStringList{"--json"} + arguments);
    QVERIFY2(outcome.exitCode == 0, outcome.errors.constData());
    const QJsonObject document = outcome.json();
    const QJsonObject baseline = document["baseline"].toObject();
    QCOMPARE(baseline["predicted_tokens"].toInt(), 47);
    QCOMPARE(baseline["windows"].toInt(), 1);
    QVERIFY(std::abs(baseline["nats_per_token"].toDouble() - expected.mean) <= kLimit);
    QVERIFY(std::abs(baseline["standard_error"].toDouble() - expected.standardError) <= kLimit);
    QVERIFY(!document["interrupted"].toBool());
    const QJsonArray heads = document["heads"].toArray();
    QVERIFY(heads.size() > 4);

    // The token that ablation.npy predicts: its loss without a head, less that with all.
    const std::vector<int> first(tokens.begin(), tokens.begin() + 25);
    const QJsonObject one = run({"--json", "ablate", arguments[1], "--tokens", joined(first)}).json();
    const QJsonObject shorter =
        run({"--json", "ablate", arguments[1], "--tokens", joined(std::span(first).first(24))}).json();
    const formats::NpyArray without = formats::readNpy(path + "/ablation.npy");
    const auto vocabSize = static_cast<std::size_t>(without.shape[2]);
    const double with =
        natsOf(std::span<const double>(logits.values).subspan(23 * vocabSize, vocabSize), first[24]);
    for (int head = 0; head < one["heads"].toArray().size(); ++head) {
      const double theirs = natsOf(std::span<const double>(without.values)
                                       .subspan(static_cast<std::size_t>(head) * vocabSize, vocabSize),
                                   first[24]) -
                            with;
      // Sums over 24 and 23 tokens: their difference is of the last.
      const double ours =
          24 * one["heads"][head]["change"].toDouble() - 23 * shorter["heads"][head]["change"].toDouble();
      QVERIFY2(std::abs(ours - theirs) <= 24 * kLimit,
               qPrintable(QString("%1: %2, expected %3").arg(head).arg(ours).arg(theirs)));
    }
  }

  void tables() {
    const QString text = file("text.txt");
    QFile written(text);
    QVERIFY(written.open(QIODevice::WriteOnly));
    written.write("One day, a little bear went for a walk.\n");
    written.close();
    const Outcome csv = run({"ablate", "gqa", "--text", text, "--csv"});
    QVERIFY2(csv.exitCode == 0, csv.errors.constData());
    const QStringList lines = QString::fromUtf8(csv.output).split('\n', Qt::SkipEmptyParts);
    QCOMPARE(lines.size(), 1 + 6 * 8);
    QCOMPARE(lines.front(), QString("layer,head,kv_head,change,standard_error,within_noise"));
    QVERIFY(lines[1 + 5].startsWith("0,5,1,"));  // four query heads to a KV head
    const QJsonArray heads = run({"--json", "ablate", "gqa", "--text", text}).json()["heads"].toArray();
    for (int head = 0; head < 48; ++head) {
      const QStringList cells = lines[1 + head].split(',');
      QCOMPARE(cells[3].toDouble(), heads[head]["change"].toDouble());
      QCOMPARE(cells[4].toDouble(), heads[head]["standard_error"].toDouble());
      QCOMPARE(cells[5], QString(heads[head]["within_noise"].toBool() ? "true" : "false"));
    }
    const Outcome table = run({"ablate", "gqa", "--text", text, "--kv"});
    QCOMPARE(table.exitCode, 0);
    QVERIFY(table.output.contains("nats per token, standard error"));
    QCOMPARE(QString::fromUtf8(table.output)
                 .split('\n', Qt::SkipEmptyParts)
                 .filter(QRegularExpression("^ +[0-5] +[01] +[-+n]"))
                 .size(),
             12);
  }

  /// What becomes of the distribution behind the 24th token without each head, from logits by transformers;
  /// CSV and table have the document's numbers.
  void effectsAreTheirs() {
    const std::string path = fixturePath("checkpoints2/llama-gqa-GQA");
    const formats::NpyArray logits = formats::readNpy(path + "/logits.npy");
    const formats::NpyArray ablation = formats::readNpy(path + "/ablation.npy");
    const std::vector<int> tokens = readIds(readText(path + "/tokens.txt"));
    const auto vocabSize = static_cast<std::size_t>(ablation.shape[2]);
    const QStringList model{"ablate", QString::fromStdString(path), "--effects", "--tokens"};
    const QString longer = joined(std::span(tokens).first(25)), shorter = joined(std::span(tokens).first(24));
    const QJsonObject document = run(QStringList{"--json"} + model + QStringList{longer}).json();
    const QJsonArray one = document["heads"].toArray();
    const QJsonArray other =
        run(QStringList{"--json"} + model + QStringList{shorter}).json()["heads"].toArray();
    QCOMPARE(document["effects"]["positions"].toInt(), 24);
    QCOMPARE(document["effects"]["stride"].toInt(), 1);
    QVERIFY(document["noise"]["kl_divergence"].toDouble() > 0.0);
    QCOMPARE(one.size(), ablation.shape[0] * ablation.shape[1]);
    const auto before = std::span<const double>(logits.values).subspan(23 * vocabSize, vocabSize);
    for (int head = 0; head < one.size(); ++head) {
      const auto after = std::span<const double>(ablation.values)
                             .subspan(static_cast<std::size_t>(head) * vocabSize, vocabSize);
      double divergence = 0.0;
      for (int token = 0; token < static_cast<int>(vocabSize); ++token) {
        const double nats = natsOf(before, token);
        divergence += std::exp(-nats) * (natsOf(after, token) - nats);
      }
      const auto rank = [&](std::span<const double> row) {
        return std::ranges::count_if(
            row, [&](double logit) { return logit > row[static_cast<std::size_t>(tokens[24])]; });
      };
      const bool changes = std::ranges::max_element(before) - before.begin() !=
                           std::ranges::max_element(after) - after.begin();
      // Sums over 24 and 23 positions: their difference is of the last.
      const auto ours = [&](const char* name) {
        return 24 * one[head][name].toDouble() - 23 * other[head][name].toDouble();
      };
      QVERIFY2(
          std::abs(ours("kl_divergence") - divergence) <= 1e-5,
          qPrintable(QString("%1: %2, expected %3").arg(head).arg(ours("kl_divergence")).arg(divergence)));
      QVERIFY(std::abs(ours("top1_changed") - (changes ? 1 : 0)) <= 1e-9);
      QVERIFY(std::abs(ours("rank_change") - static_cast<double>(std::abs(rank(before) - rank(after)))) <=
              1e-9);
    }
    const QStringList csv =
        QString::fromUtf8(run(model + QStringList{longer, "--csv"}).output).split('\n', Qt::SkipEmptyParts);
    QVERIFY(csv.front().endsWith(",within_noise,kl_divergence,top1_changed,rank_change"));
    const QStringList table = QString::fromUtf8(run(model + QStringList{longer}).output)
                                  .split('\n')
                                  .filter(QRegularExpression("^ +[0-9]+ +[0-9]+ +[0-9]+ "));
    QCOMPARE(table.size(), one.size());
    for (int head = 0; head < one.size(); ++head) {
      const QStringList cells = csv[1 + head].split(',');
      QCOMPARE(cells.size(), 9);
      QCOMPARE(cells[6].toDouble(), one[head]["kl_divergence"].toDouble());
      QCOMPARE(cells[7].isEmpty(), one[head]["top1_changed"].isNull());
      QCOMPARE(cells[7].toDouble(), one[head]["top1_changed"].toDouble());
      QCOMPARE(cells[8].toDouble(), one[head]["rank_change"].toDouble());
      const QStringList words = table[head].simplified().split(' ');
      QCOMPARE(words.size(), 8);
      QVERIFY(std::abs(words[5].toDouble() / cells[6].toDouble() - 1.0) <= 1e-3);
      QCOMPARE(words[7] == "none", cells[8].isEmpty());
    }
  }

  /// Texts of which it is plain what a pattern, or the mean, does.
  void replacements() {
    const auto heads = [](const QString& tokens, const QString& with) {
      const Outcome outcome = run({"--json", "ablate", "gqa", "--tokens", tokens, "--with", with});
      return outcome.json()["heads"].toArray();
    };
    const auto largest = [](const QJsonArray& of) {
      double most = 0.0;
      for (const QJsonValue& head : of) most = std::max(most, std::abs(head["change"].toDouble()));
      return of.size() == 48 ? most : std::nan("");
    };
    // The first token sees itself alone, by whatever pattern.
    QVERIFY(largest(heads("300,1000", "zero")) > 0.1);
    for (const char* with : {"previous-token", "uniform", "first-token"})
      QVERIFY2(largest(heads("300,1000", with)) <= kLimit, with);
    // Before the second token is the first, and equal weights are others.
    const QJsonArray previous = heads("300,1000,2000", "previous-token"),
                     first = heads("300,1000,2000", "first-token"),
                     uniform = heads("300,1000,2000", "uniform");
    QVERIFY(largest(previous) > 0.01);
    double apart = 0.0;
    for (int head = 0; head < 48; ++head) {
      const double change = first[head]["change"].toDouble();
      QVERIFY(std::abs(previous[head]["change"].toDouble() - change) <= kLimit);
      apart = std::max(apart, std::abs(uniform[head]["change"].toDouble() - change));
    }
    QVERIFY(apart > 0.01);
    // Of a token said again and again every value is the same, and so is their mean.
    const QString again = "300,300,300,300,300";
    QVERIFY(largest(heads(again, "zero")) > 0.01);
    QVERIFY(largest(heads(again, "mean")) <= kLimit);
    const QJsonObject document = run({"--json", "ablate", "gqa", "--tokens", again, "--with", "mean"}).json();
    QCOMPARE(document["replaced_by"].toString(), QString("mean"));
    QCOMPARE(document["mean_positions"].toInt(), 5);
    QVERIFY(document["meanings"]["change"].toString().contains("its mean over all 5 tokens of the text"));
    const Outcome table = run({"ablate", "gqa", "--tokens", again, "--with", "mean", "--kv"});
    QVERIFY(table.output.contains("its mean over all 5 tokens of the text"));
    // Logits too are then those of the whole model.
    QCOMPARE(run({"logits", "gqa", "--tokens", again, "--output", file("whole.npy")}).exitCode, 0);
    const Outcome written = run({"--json", "ablate", "gqa", "--tokens", again, "--with", "mean", "--kv",
                                 "--output", file("mean.npy")});
    QVERIFY2(written.exitCode == 0, written.errors.constData());
    QCOMPARE(written.json()["replaced_by"].toString(), QString("mean"));
    const formats::NpyArray whole = formats::readNpy(file("whole.npy").toStdString());
    const formats::NpyArray without = formats::readNpy(file("mean.npy").toStdString());
    for (std::size_t group = 0; group < 12; ++group) {
      QVERIFY(relativeError(std::span<const double>(without.values).subspan(group * 4096, 4096),
                            std::span<const double>(whole.values).subspan(4 * 4096, 4096)) <=
              kF32LogitsLimit);
    }
  }

  /// A change that rounding makes as well is none: of a single predicted token, weights of 0 keep heads from
  /// mattering.
  void withinNoiseIsShownAsNone() {
    const std::string path = fixturePath("checkpoints2/gpt2-MHA");
    QVERIFY(QDir().mkpath(file("silent")));
    for (const char* name : {"config.json", "model.safetensors"})
      QVERIFY(QFile::copy(QString::fromStdString(path) + "/" + name, file("silent") + "/" + name));
    QFile weights(file("silent") + "/model.safetensors");
    QVERIFY(weights.open(QIODevice::ReadWrite));
    const qint64 headerBytes = qFromLittleEndian<qint64>(weights.read(8).constData());
    const QJsonObject header = QJsonDocument::fromJson(weights.read(headerBytes)).object();
    const QStringList names = header.keys().filter(QRegularExpression("h\\.0\\.attn\\.c_proj\\.weight$"));
    QCOMPARE(names.size(), 1);
    const QJsonArray offsets = header[names.front()]["data_offsets"].toArray();
    QVERIFY(weights.seek(8 + headerBytes + offsets[0].toInt()));
    weights.write(QByteArray(offsets[1].toInt() - offsets[0].toInt(), '\0'));  // W_O of layer 0
    weights.close();
    const QStringList arguments{"ablate", file("silent"), "--effects", "--tokens", "1,2,3,4,5,6"};
    const Outcome table = run(arguments);
    QVERIFY2(table.exitCode == 0, table.errors.constData());
    const QJsonArray heads = run(QStringList{"--json"} + arguments).json()["heads"].toArray();
    const QString csv = QString::fromUtf8(run(arguments + QStringList{"--csv"}).output);
    for (const QJsonValue& head : heads) {
      QCOMPARE(head["within_noise"].toBool(), head["layer"].toInt() == 0);
      if (head["layer"].toInt() > 0) continue;
      QCOMPARE(head["change"].toDouble(), 0.0);
      const int index = head["head"].toInt();
      QVERIFY(QString::fromUtf8(table.output)
                  .contains(QRegularExpression(
                      QString("\\n +0 +%1 +%1 +none +[0-9.]+ +none +none +none\\n").arg(index))));
      QVERIFY(csv.contains(QRegularExpression(QString("\\n0,%1,%1,0,[^,]*,true,,,\\n").arg(index))));
      for (const char* name : {"kl_divergence", "top1_changed", "rank_change"})
        QVERIFY(head[name].isNull() && head.toObject().contains(name));
    }
  }

  void wrongUse_data() {
    addRefusalColumns();
    const auto row = [](const char* what, const QStringList& arguments, int code, const char* sentence) {
      QTest::newRow(what) << QStringList{"ablate", "mqa"} + arguments << code << QString(sentence);
    };
    row("without a text", {}, 2, "no tokens to feed");
    row("as two formats", {"--json", "--csv", "--prompt", "a"}, 2, "excludes --json");
    row("a table of logits", {"--csv", "--prompt", "a", "--output", file("x.npy")}, 2,
        "--output excludes --csv");
    row("effects of logits", {"--effects", "--prompt", "a", "--output", file("x.npy")}, 2,
        "--output excludes --effects");
    row("by what nobody knows", {"--with", "half", "--prompt", "a"}, 2, "half");
    row("an unknown option", {"--prompt", "a", "--heads", "1"}, 2, "--heads");
    row("a text of one token", {"--tokens", "300"}, 1, "The text has 1 token, expected 2 or more");
    row("a foreign token", {"--tokens", "300,4096"}, 1, "4096");
    row("a foreign token, logits", {"--tokens", "4096", "--output", file("x.npy")}, 1, "4096");
    row("beyond the context", {"--tokens", "1,2,3", "--context", "2", "--output", file("x.npy")}, 1,
        "The text has 3 tokens, the context holds 2 positions");
    row("into no folder", {"--tokens", "1,2", "--output", "/no/such/x.npy"}, 1,
        "Cannot write /no/such/x.npy");
    row("a document over an array", {"--json", "--tokens", "1,2", "--output", "/dev/stdout"}, 2,
        "leads to standard output");
    row("a file that is not there", {"--text", "/nowhere.txt"}, 1, "/nowhere.txt");
    row("a text twice", {"--text", "a", "--tokens", "1,2"}, 2, "excludes");
  }
  void wrongUse() {
    checkRefusal();
    QVERIFY(!QFile::exists(file("x.npy")));
  }
};

QTEST_GUILESS_MAIN(TestAblate)
#include "tst_ablate.moc"
