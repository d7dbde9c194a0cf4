#include <QJsonArray>
#include <QRegularExpression>
#include <QTest>
#include <algorithm>
#include <cmath>

#include "core/formats/hugging_face/safetensors_writer.h"
#include "core/formats/npy.h"
#include "tests/app_cli/command_line.h"

using namespace headroom;

using tests::checkpoint;
using tests::cli;
using tests::kTiny;
using tests::Outcome;
using tests::run;
using tests::tokensOf;

class TstCommandLine : public QObject {
  Q_OBJECT

 private:
  QTemporaryDir m_folder;
  QString file(const char* name) const { return m_folder.filePath(name); }

 private slots:
  /// What a probe measured is kept with its date, per device and driver, until it is measured again.
  void probesAreKept() {
    qputenv("XDG_CACHE_HOME", m_folder.path().toUtf8());
    const auto probe = [](const QString& option) {
      return run({"--json", "devices", option})
          .json()["devices"]
          .toArray()
          .at(0)
          .toObject()["probe"]
          .toObject();
    };
    const QJsonObject first = probe("--probe");
    QCOMPARE(first["measured"].toString(), QString("now"));
    QVERIFY(first["copy"].toArray().size() >= 4);
    QVERIFY(first["fma_gflops"].toDouble() > 0.0);
    QVERIFY(QDateTime::fromString(first["date"].toString(), "yyyy-MM-dd HH:mm").isValid());
    QJsonObject kept = probe("--probe");
    QCOMPARE(kept["measured"].toString(), QString("earlier"));
    kept["measured"] = "now";
    QCOMPARE(kept, first);
    QCOMPARE(probe("--probe-again")["measured"].toString(), QString("now"));
  }

  void exitCodes_data() {
    QTest::addColumn<QStringList>("arguments");
    QTest::addColumn<int>("exitCode");
    QTest::addColumn<QString>("fragment");  // of the one line on stderr; none expected when empty
    const QString tiny = checkpoint(kTiny);
    const auto row = [](const char* name, const QStringList& arguments, int exitCode,
                        const QString& fragment) {
      QTest::newRow(name) << arguments << exitCode << fragment;
    };
    row("help", {"--help"}, 0, "");
    row("help of a command", {"decode", "--help"}, 0, "");
    row("nothing", {}, 2, "subcommand is required");
    row("unknown command", {"fly"}, 2, "");
    row("unknown option", {"info", tiny, "--no-such-option"}, 2, "--no-such-option");
    row("no model", {"info"}, 2, "MODEL is required");
    row("info", {"info", tiny}, 0, "");
    row("missing file", {"info", "/no/such/file.gguf"}, 1, "/no/such/file.gguf does not exist");
    row("folder", {"info", m_folder.path()}, 1, "has no config.json");
    row("other architecture", {"info", checkpoint("gpt2-mha-4x16-f32")}, 0, "");
    formats::writeSafetensors(file("weights.safetensors").toStdString(),
                              std::vector{formats::SafetensorsEntry::of("w", {1}, std::vector<float>{1.0f})});
    row("weights alone", {"info", file("weights.safetensors")}, 1, "holds weights alone; open the folder");
    row("not a model", {"info", cli()}, 1, "not a GGUF file");
    row("tokenize without text", {"tokenize", tiny}, 2, "--text or --ids");
    row("tokenize with both", {"tokenize", tiny, "--text", "a", "--ids", "1"}, 2, "excludes");
    row("tokenize bad ids", {"tokenize", tiny, "--ids", "1,x"}, 2, "\"x\" in a token list: expected ids");
    row("tokenize foreign id", {"tokenize", tiny, "--ids", "384"}, 1, "expected 0 to 383");
    row("logits without output", {"logits", tiny, "--tokens", "1"}, 2, "--output is required");
    row("logits of a foreign token", {"logits", tiny, "--tokens", "999", "--output", file("x.npy")}, 1,
        "Token 999");
    row("logits into no folder",
        {"logits", tiny, "--tokens", "1", "--output", "/no/such/x.npy", "--backend", "reference"}, 1,
        "Cannot write /no/such/x.npy");
    row("logits on another backend",
        {"logits", tiny, "--tokens", "1", "--output", file("x.npy"), "--backend", "cuda"}, 2, "--backend");
    row("device of the reference",
        {"decode", tiny, "--tokens", "1", "--backend", "reference", "--device", "0"}, 1, "--device");
    row("no such device", {"decode", tiny, "--tokens", "1", "--device", "no such device"}, 1,
        "no such device");
    row("attention layer too high",
        {"attention", tiny, "--tokens", "1", "--layer", "3", "--output", file("x.npy")}, 2,
        "there is no layer 3, expected 0 to 2");
    row("attention head too high",
        {"attention", tiny, "--tokens", "1", "--head", "8", "--output", file("x.npy")}, 2,
        "there is no query head 8, expected 0 to 7");
    const QString shape = "layers=1,query_heads=4,kv_heads=4/1,head_dim=8,ffn=32,vocab=64";
    row("bench without a model", {"bench"}, 2, "MODEL or --shape");
    row("bench a shape without layers", {"bench", "--shape", "query_heads=4"}, 2, "--shape lacks layers");
    row("bench heads that do not divide",
        {"bench", "--shape", "layers=1,query_heads=4,kv_heads=3,head_dim=8"}, 2,
        "kv_heads 3 does not divide query_heads 4");
    row("bench an unknown cache type", {"bench", "--shape", shape, "--kv-type", "f64"}, 2, "f64");
    row("bench a negative context", {"bench", "--shape", shape, "--context", "-1"}, 2,
        "whole numbers from 0 on");
    row("bench as two formats", {"--json", "bench", "--shape", shape, "--csv"}, 2, "excludes --json");
    row("bench with no such kernels", {"bench", "--shape", shape, "--kernels", "fast"}, 2, "packed or rows");
    row("bench ahead what is captured", {"bench", "--shape", shape, "--ahead", "--capture", "all"}, 2,
        "excludes --capture");
    row("bench ahead with kernels that cannot", {"bench", "--shape", shape, "--ahead", "--kernels", "packed"},
        1, "expected those of the family \"rows\"");
    row("bench a batch too large", {"bench", "--shape", shape, "--batch", "65"}, 1, "1 to 64 are possible");
    row("decode with no such kernels", {"decode", tiny, "--tokens", "1", "--kernels", "rows,rowBlocks=3"}, 2,
        "rowBlocks=2|4|8");
    row("decode without a head that is not there", {"decode", tiny, "--tokens", "1", "--ablate", "L0H1,L3H0"},
        2, "There is no head L3H0, expected L0H0 to L2H7 or");
    row("decode without input", {"decode", tiny}, 2, "no tokens to feed");
    row("decode with five lanes", {"decode", tiny, tiny, tiny, tiny, tiny, "--tokens", "1"}, 2, "");
    row("decode a negative count", {"decode", tiny, "--tokens", "1", "--max-tokens", "-1"}, 2,
        "--max-tokens");
    row("decode beyond the context",
        {"decode", tiny, "--tokens", "1,2,3", "--context", "2", "--backend", "reference"}, 1,
        "3 tokens, the context holds 2 positions");
    row("version", {"--version"}, 0, "");
    for (const char* number : {"nan", "inf", "-1", "warm"}) {
      row(qPrintable(QString("a temperature of %1").arg(number)),
          {"decode", tiny, "--tokens", "1", "--temperature", number}, 2, "--temperature");
    }
    row("a temperature too high", {"decode", tiny, "--tokens", "1", "--temperature", "101"}, 2,
        "expected a number from 0 to 100");
    row("a negative top-k", {"decode", tiny, "--tokens", "1", "--top-k", "-1"}, 2, "--top-k");
    row("bench weights in blocks that rows do not fill", {"bench", "--shape", shape, "--weights", "q4_k"}, 2,
        "blocks of 256");
    row("bench weights of no kind", {"bench", "--shape", shape, "--weights", "q4"}, 2, "--weights");
    row("a top-p of nan", {"decode", tiny, "--tokens", "1", "--top-p", "nan"}, 2,
        "is nan, expected a number from 0 to 1");
    row("rounds of nan milliseconds", {"bench", "--shape", shape, "--round-ms", "nan"}, 2, "--round-ms");
    row("a learning rate of nan",
        {"train", "--text", "x", "--valid", "y", "--output", file("z.gguf"), "--learning-rate", "nan"}, 2,
        "--learning-rate");
    row("a chat without a prompt", {"decode", tiny, "--tokens", "1", "--chat"}, 2, "requires --prompt");
    row("a prompt twice", {"decode", tiny, "--prompt", "a", "--prompt-file", "b"}, 2, "excludes");
    row("logits without input", {"logits", tiny, "--output", file("x.npy")}, 2, "no tokens to feed");
    row("an attention row behind the last",
        {"attention", tiny, "--tokens", "1,2", "--rows", "2:4", "--output", file("x.npy")}, 2,
        "there is no row 2, expected 0 to 1");
    row("attention rows backwards",
        {"attention", tiny, "--tokens", "1,2", "--rows", "1:1", "--output", file("x.npy")}, 2,
        "holds no row");
    row("attention layers behind the last",
        {"attention", tiny, "--tokens", "1,2", "--layers", "1:4", "--output", file("x.npy")}, 2,
        "there is no layer 3, expected 0 to 2");
    row("attention beyond the context",
        {"attention", tiny, "--tokens", "1,2,3", "--context", "2", "--output", file("x.npy")}, 1,
        "3 tokens, the context holds 2 positions");
    row("trace layers without a trace", {"decode", tiny, "--tokens", "1", "--trace-layers", "0"}, 2,
        "requires --trace");
    row("a trace into no folder", {"decode", tiny, "--tokens", "1", "--trace", "/no/such/t.safetensors"}, 1,
        "Cannot write /no/such/t.safetensors");
    row("reference with no sequence",
        {"decode", tiny, "--tokens", "1", "--backend", "reference", "--batch", "0"}, 2, "--batch");
  }
  void exitCodes() {
    QFETCH(QStringList, arguments);
    QFETCH(int, exitCode);
    QFETCH(QString, fragment);
    const Outcome outcome = run(arguments);
    QVERIFY2(outcome.exitCode == exitCode, outcome.errors.constData());
    if (exitCode == 0) {
      QVERIFY2(outcome.errors.isEmpty(), outcome.errors.constData());
    } else {
      QCOMPARE(outcome.errors.count('\n'), 1);
      QVERIFY2(outcome.errors.contains(fragment.toUtf8()), outcome.errors.constData());
      QVERIFY2(outcome.output.isEmpty(), outcome.output.constData());
    }
  }

  /// Rows of a bench: bytes follow the heads, every byte is audited, both kernels are told apart.
  void benchDocument() {
    qputenv("XDG_CACHE_HOME", m_folder.path().toUtf8());
    const auto outcome = run(
        {"--json", "bench", "--shape", "layers=2,query_heads=4,kv_heads=4/1,head_dim=8,ffn=32,vocab=64",
         "--context", "0,99", "--attention", "shared,naive", "--repeat", "3", "--round-ms", "1", "--audit"});
    QVERIFY2(outcome.exitCode == 0, outcome.errors.constData());
    const QJsonObject document = outcome.json();
    QVERIFY(document["audited"].toBool());
    const QJsonArray rows = document["rows"].toArray();
    QCOMPARE(rows.size(), 8);
    for (const QJsonValue& value : rows) {
      const QJsonObject row = value.toObject();
      const double kvHeads = row["attention"].toObject()["kv_heads"].toDouble();
      const bool naive = row["kernel"].toString() == "naive";
      // 2 (K and V) x layers x kv_heads x positions x head_dim x bytes; the step's own position is one of
      // them.
      const double logicalKv = 2 * 2 * kvHeads * (row["context"].toDouble() + 1) * 8 * 4;
      QCOMPARE(row["logical_bytes"].toObject()["kv_read"].toDouble(), logicalKv);
      QCOMPARE(row["kv_reuse_factor"].toDouble(), naive ? 4 / kvHeads : 1.0);
      QCOMPARE(row["issued_bytes"].toObject()["kv_read"].toDouble(), logicalKv * (naive ? 4 / kvHeads : 1.0));
      QCOMPARE(row["rounds"].toInt(), 3);
      const QJsonObject speed = row["tokens_per_second"].toObject();
      QVERIFY(speed["min"].toDouble() > 0.0);
      QVERIFY(speed["min"].toDouble() <= speed["median"].toDouble());
      QVERIFY(speed["median"].toDouble() <= speed["max"].toDouble());
      QVERIFY(row["logits_error"].toDouble() <= 1e-4);
      QCOMPARE(row["speedup_against"].toString(), QString("kv_heads=4"));
      if (kvHeads == 4) QCOMPARE(row["speedup"].toObject()["median"].toDouble(), 1.0);
      if (kvHeads == 1) continue;  // the widest layout of a group is the one that is judged
      // The sentence is of the row's own step: its bytes at that context, its time where its stages are
      // timed.
      const QJsonObject issued = row["issued_bytes"].toObject();
      const double share =
          issued["kv_read"].toDouble() / (issued["total"].toDouble() - issued["kv_written"].toDouble() -
                                          issued["activations_written"].toDouble());
      const auto isOfRow = [&](const QJsonValue& verdict) {
        return verdict["context"] == row["context"] && verdict["kernel"] == row["kernel"];
      };
      const QJsonArray verdicts = document["verdicts"].toArray();
      const auto verdict = std::find_if(verdicts.begin(), verdicts.end(), isOfRow);
      QVERIFY(verdict != verdicts.end());
      const QString sentence = verdict->toObject()["sentence"].toString();
      const QString percent = QString("KV is %1 % of the issued bytes that a step reads")
                                  .arg(100 * share, 0, 'f', share < 0.0995 ? 1 : 0);
      QVERIFY2(sentence.contains(percent), qPrintable(sentence + " / " + percent));
      const double ms = row["timed_step_ms"].toDouble();
      QVERIFY(ms > 0.0);
      const QRegularExpression ofStep(" of ([0-9.]+) ms");
      const QRegularExpressionMatch found = ofStep.match(sentence);
      if (found.hasMatch())
        QVERIFY2(std::abs(found.captured(1).toDouble() - ms) <= 0.006 * ms + 0.0005, qPrintable(sentence));
    }
  }

  /// Lanes are called as in the window, and told apart.
  void lanesHaveTheirNames() {
    const auto decoded =
        run({"decode", "mha", "mha", "--tokens", "1", "--max-tokens", "2", "--context", "8"});
    QVERIFY2(decoded.exitCode == 0, decoded.errors.constData());
    const QString text = QString::fromUtf8(decoded.output + decoded.errors);
    QVERIFY2(text.contains("[MHA]") && text.contains("[MHA (2)]"), qPrintable(text));
    QVERIFY2(text.contains("MHA (2) (MHA 8/8)"), qPrintable(text));
    const auto measured =
        run({"--json", "bench", "mha", "mha", "--context", "0", "--repeat", "1", "--round-ms", "1"});
    QVERIFY2(measured.exitCode == 0, measured.errors.constData());
    const QJsonArray rows = measured.json()["rows"].toArray();
    QCOMPARE(rows[0]["model"].toString(), QString("MHA"));
    QCOMPARE(rows[1]["model"].toString(), QString("MHA (2)"));
  }

  void benchTableHasARowForEachCase() {
    const auto outcome =
        run({"bench", "--shape", "layers=1,query_heads=2,kv_heads=2/1,head_dim=8,ffn=32,vocab=64", "--batch",
             "1,3", "--repeat", "1", "--round-ms", "1", "--csv"});
    QCOMPARE(outcome.exitCode, 0);
    const QStringList lines = QString::fromUtf8(outcome.output).split('\n', Qt::SkipEmptyParts);
    QCOMPARE(lines.size(), 5);
    for (const QString& line : lines) QCOMPARE(line.count(','), lines.front().count(','));
    QVERIFY(!lines.front().contains("counted"));
  }

  void benchOfStepsAhead() {
    const QJsonObject bench =
        run({"--json", "bench", "--shape", "layers=1,query_heads=2,kv_heads=2/1,head_dim=8,ffn=32,vocab=64",
             "--repeat", "2", "--round-ms", "1", "--kernels", "rows", "--ahead"})
            .json();
    QVERIFY(bench["a_step_hands_back"].toString().startsWith("nothing"));
    QCOMPARE(bench["rows"].toArray().size(), 2);
    for (const QJsonValue& row : bench["rows"].toArray())
      QVERIFY(row["tokens_per_second"]["min"].toDouble() > 0.0);
  }

  void auditedTableHoldsWhatWasCounted() {
    const auto outcome =
        run({"bench", "--shape", "layers=1,query_heads=4,kv_heads=4/2,head_dim=8,ffn=32,vocab=64",
             "--context", "10", "--repeat", "1", "--round-ms", "1", "--csv", "--audit"});
    QVERIFY2(outcome.exitCode == 0, outcome.errors.constData());
    const QStringList lines = QString::fromUtf8(outcome.output).split('\n', Qt::SkipEmptyParts);
    const QStringList names = lines[0].split(',');
    QCOMPARE(lines.size(), 3);
    for (int kvHeads : {4, 2}) {
      const QStringList cells = lines[kvHeads == 4 ? 1 : 2].split(',');
      QCOMPARE(cells.size(), names.size());
      const auto cell = [&](const char* name) { return cells[names.indexOf(name)].toLongLong(); };
      // 2 (K and V) x kv_heads x 11 positions x 8 elements x 4 bytes, read once by the shared kernel.
      QCOMPARE(cell("counted_kv_read_bytes"), 2 * kvHeads * 11 * 8 * 4);
      QCOMPARE(cell("counted_kv_written_bytes"), 2 * kvHeads * 8 * 4);
      QCOMPARE(cell("counted_total_bytes"), cell("issued_bytes"));
    }
  }

  void infoDocument() {
    const QJsonObject info = run({"info", checkpoint("llama-gqa2-8x32-q8_0"), "--json"}).json();
    QCOMPARE(info["architecture"].toString(), "llama");
    QCOMPARE(info["layers"].toInt(), 2);
    QCOMPARE(info["query_heads"].toInt(), 8);
    QCOMPARE(info["kv_heads"].toInt(), 2);
    QCOMPARE(info["head_dim"].toInt(), 32);
    QCOMPARE(info["attention"].toObject()["kind"].toString(), "GQA");
    QCOMPARE(info["storage"].toString(), "Q8_0");
    // 2 (K and V) x 2 layers x 2 KV heads x 32 elements of 4 and 2 bytes.
    QCOMPARE(info["kv_bytes_per_token"].toObject()["f32"].toInt(), 1024);
    QCOMPARE(info["kv_bytes_per_token"].toObject()["f16"].toInt(), 512);
    // Counted from the shapes: embedding and output 384 x 128 each, and so on.
    const int perLayer = 2 * 128 + 2 * 256 * 128 + 2 * 64 * 128 + 3 * 352 * 128;
    QCOMPARE(info["parameters"].toInt(), 2 * 384 * 128 + 128 + 2 * perLayer);
    QVERIFY(info["contradictions"].toArray().isEmpty());
  }

  void tokenizeDocument() {
    const QString vocabulary = QString::fromStdString(tests::fixturePath("tokenizers/ggml-vocab-gpt-2.gguf"));
    const QJsonObject there = run({"tokenize", vocabulary, "--text", "Hello world", "--json"}).json();
    QCOMPARE(there["ids"].toArray(), (QJsonArray{15496, 995}));  // as in the fixture's answers
    QCOMPARE(there["pieces"].toArray(), (QJsonArray{"Hello", " world"}));
    const QJsonObject back = run({"--json", "tokenize", vocabulary, "--ids", "15496,995"}).json();
    QCOMPARE(back["text"].toString(), "Hello world");
  }

  void logitsAgreeWithFixtures_data() {
    QTest::addColumn<QString>("name");
    QTest::addColumn<double>("limit");
    QTest::newRow("MHA f32") << "llama-mha-8x8-f32" << tests::kF32LogitsLimit;
    QTest::newRow("GQA f32") << "llama-gqa2-8x8-f32" << tests::kF32LogitsLimit;
    QTest::newRow("MQA f32") << "llama-mqa-8x8-f32" << tests::kF32LogitsLimit;
    QTest::newRow("MQA f16") << "llama-mqa-4x32-f16" << tests::kF16LogitsLimit;
    QTest::newRow("GQA q8_0") << "llama-gqa2-8x32-q8_0" << tests::kQ8LogitsLimit;
  }
  void logitsAgreeWithFixtures() {
    QFETCH(QString, name);
    QFETCH(double, limit);
    const auto expected =
        formats::readNpy(tests::fixturePath("checkpoints/" + name.toStdString() + ".logits.npy"));
    const auto logits = [&](const QStringList& more) {
      const QString output = file("logits.npy");
      QFile::remove(output);
      const Outcome outcome =
          run(QStringList{"logits", checkpoint(name), "--tokens", tokensOf(name), "--output", output} + more);
      if (outcome.exitCode != 0) qWarning("%s", outcome.errors.constData());
      return formats::readNpy(output.toStdString());
    };
    const auto truth = logits({"--backend", "reference"});
    QVERIFY(truth.shape == expected.shape);
    const auto error = [](const formats::NpyArray& a, const formats::NpyArray& b) {
      return tests::relativeError<double, double>(a.values, b.values);
    };
    QVERIFY(error(truth, expected) <= limit);
    for (const QStringList& feeding : {QStringList{}, QStringList{"--prefill"}}) {
      const auto full = logits(feeding);
      QVERIFY(full.shape == expected.shape);
      QVERIFY(error(full, expected) <= limit);
      QVERIFY(error(full, truth) <= tests::kReferenceF32CacheLimit);
      QVERIFY(error(logits(feeding + QStringList{"--kv-type", "f16"}), truth) <=
              tests::kReferenceF16CacheLimit);
    }
  }

  void attentionRows_data() {
    QTest::addColumn<QStringList>("slice");
    QTest::addColumn<QList<qint64>>("shape");
    QTest::newRow("all") << QStringList{} << QList<qint64>{3, 8, 5, 5};
    QTest::newRow("a layer") << QStringList{"--layer", "1"} << QList<qint64>{8, 5, 5};
    QTest::newRow("a head") << QStringList{"--head", "7"} << QList<qint64>{3, 5, 5};
    QTest::newRow("one map") << QStringList{"--layer", "2", "--head", "0"} << QList<qint64>{5, 5};
    QTest::newRow("two layers") << QStringList{"--layers", "0,2"} << QList<qint64>{2, 8, 5, 5};
  }
  void attentionRows() {
    QFETCH(QStringList, slice);
    QFETCH(QList<qint64>, shape);
    for (const char* backend : {"vulkan", "reference"}) {
      const QString output = file("attention.npy");
      const Outcome outcome = run(QStringList{"attention", checkpoint(kTiny), "--tokens", "5,9,200,31,7",
                                              "--output", output, "--backend", backend} +
                                  slice);
      QVERIFY2(outcome.exitCode == 0, outcome.errors.constData());
      const auto maps = formats::readNpy(output.toStdString());
      QVERIFY(maps.shape == std::vector<std::int64_t>(shape.begin(), shape.end()));
      for (std::size_t row = 0; row * 5 < maps.values.size(); ++row) {
        double sum = 0.0;
        for (std::size_t column = 0; column < 5; ++column) {
          const double value = maps.values[row * 5 + column];
          QVERIFY(column <= row % 5 || value == 0.0);  // nothing looks ahead
          sum += value;
        }
        QVERIFY(std::abs(sum - 1.0) <= tests::kRowSumLimit);
      }
    }
  }

  void decodeDocument_data() {
    QTest::addColumn<QString>("backend");
    QTest::newRow("vulkan") << "vulkan";
    QTest::newRow("reference") << "reference";
  }
  void decodeDocument() {
    QFETCH(QString, backend);
    const Outcome outcome = run({"decode", checkpoint("llama-mha-8x8-f32"), checkpoint(kTiny), "--tokens",
                                 "1,2,3", "--max-tokens", "4", "--lockstep", "--json", "--backend", backend});
    QVERIFY2(outcome.exitCode == 0, outcome.errors.constData());
    const QJsonArray lanes = outcome.json()["lanes"].toArray();
    QCOMPARE(lanes.size(), 2);
    for (const QJsonValue& value : lanes) {
      const QJsonObject lane = value.toObject();
      QVERIFY(lane["model"].isString() && lane["text"].isString());
      QCOMPARE(lane["prompt_tokens"].toArray(), (QJsonArray{1, 2, 3}));
      QCOMPARE(lane["tokens"].toArray(), lanes[0].toObject()["tokens"].toArray());
      QCOMPARE(lane["tokens"].toArray().size(), 4);
      const QJsonObject cache = lane["kv_cache"].toObject();
      QCOMPARE(cache["bytes_used"].toInt(), 7 * cache["bytes_per_token"].toInt());
      QVERIFY(cache["bytes_allocated"].toInt() >= cache["bytes_used"].toInt());
      const QJsonObject traffic = lane["traffic"].toObject();
      double total = 0.0;
      for (const char* key : {"weights_read", "kv_read", "kv_written", "activations_read",
                              "activations_written", "capture_written"}) {
        QVERIFY2(traffic.contains(key), key);
        total += traffic[key].toDouble();
      }
      double bytes = 0.0;
      const QJsonArray steps = lane["steps"].toArray();
      QCOMPARE(steps.size(), 4);
      for (int step = 0; step < 4; ++step) {
        QCOMPARE(steps[step]["token"].toInt(), lane["tokens"].toArray()[step].toInt());
        QCOMPARE(steps[step]["position"].toInt(), 3 + step);
        QVERIFY(steps[step]["ms"].toDouble() > 0.0);
        const QJsonArray stages = steps[step]["stages"].toArray();
        QCOMPARE(stages.size(), 7);
        QCOMPARE(stages[2]["name"].toString(), "attention_decode");
        for (const QJsonValue& stage : stages) bytes += stage["bytes"].toDouble();
      }
      QCOMPARE(bytes, total);
      const QJsonObject timing = lane["timing"].toObject();
      QVERIFY(timing["prefill_ms"].toDouble() > 0.0 && timing["decode_ms"].toDouble() > 0.0);
      QVERIFY(timing["setup_ms"].toDouble() > 0.0);
      // The first step pays for what happens once and is left out.
      const double first = steps[0]["ms"].toDouble();
      QCOMPARE(timing["first_step_ms"].toDouble(), first);
      QCOMPARE(timing["tokens_per_second"].toDouble(), 3000.0 / (timing["decode_ms"].toDouble() - first));
    }
    // 8 KV heads against 1: the ratio of KV bytes is the ratio of heads.
    const auto perToken = [&](int lane) { return lanes[lane]["kv_cache"]["bytes_per_token"].toInt(); };
    QCOMPARE(perToken(0), 8 * perToken(1));
    const auto kvRead = [&](int lane) { return lanes[lane]["traffic"]["kv_read"].toDouble(); };
    QCOMPARE(kvRead(0), 8 * kvRead(1));
  }

  /// A step of a batch decodes a token of every sequence, and the rate is of all of them.
  void aBatchHasTheRateOfAllItsSequences() {
    const QStringList arguments{"decode", checkpoint(kTiny), "--tokens", "1,2",   "--max-tokens",
                                "4",      "--batch",         "3",        "--json"};
    const QJsonObject lane = run(arguments).json()["lanes"][0].toObject();
    const QJsonObject timing = lane["timing"].toObject();
    const double ms =
        timing["decode_ms"].toDouble() - lane["steps"].toArray().first().toObject()["ms"].toDouble();
    QCOMPARE(timing["tokens_per_second"].toDouble(), 3 * 3000.0 / ms);
  }

  void oneStepHasNoRate() {
    const QStringList arguments{"decode", checkpoint(kTiny), "--tokens", "5", "--max-tokens", "1"};
    const QJsonObject lane = run(arguments + QStringList{"--json"}).json()["lanes"][0].toObject();
    QCOMPARE(lane["tokens"].toArray().size(), 1);
    QVERIFY(lane["timing"].toObject()["tokens_per_second"].isNull());
    QVERIFY(run(arguments).output.contains("– tokens/s"));
  }

  /// The number stands once, in the project's CMakeLists.txt.
  void versionIsTheProjects() {
    const QString project = QString::fromStdString(tests::readText(HEADROOM_SOURCE_DIR "/CMakeLists.txt"));
    const auto version =
        QRegularExpression("project\\(headroom VERSION ([0-9.]+)").match(project).captured(1);
    QCOMPARE(QString::fromUtf8(run({"--version"}).output), "headroom-cli " + version + "\n");
  }

  void sampledTextRepeats() {
    const auto text = [&](const char* seed) {
      return run({"decode", checkpoint(kTiny), "--prompt", "hello", "--max-tokens", "12", "--temperature",
                  "1.5", "--seed", seed, "--json", "--backend", "reference"})
          .json()["lanes"][0]["tokens"]
          .toArray();
    };
    QCOMPARE(text("3").size(), 12);
    QCOMPARE(text("3"), text("3"));
    QVERIFY(text("3") != text("4"));
  }

  void stopsWhenTheContextIsFull() {
    const QJsonObject lane = run({"decode", checkpoint(kTiny), "--tokens", "1,2", "--context", "5", "--json"})
                                 .json()["lanes"][0]
                                 .toObject();
    QCOMPARE(lane["tokens"].toArray().size(), 3);
    QCOMPARE(lane["stop_reason"].toString(), "context_full");
  }
};

QTEST_GUILESS_MAIN(TstCommandLine)
#include "tst_command_line.moc"
