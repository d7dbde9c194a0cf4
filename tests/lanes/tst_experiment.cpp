#include <QTemporaryDir>
#include <QTest>
#include <filesystem>
#include <fstream>

#include "core/lanes/experiment.h"
#include "core/model/error.h"

using namespace headroom;
namespace fs = std::filesystem;

namespace {

/// The example of docs/experiment-format.md, without its second lane's absolute path.
const QString kWhole = R"({
  "format": "headroom-experiment", "version": 1,
  "lanes": [
    {"model": "mha"},
    {"model": "/models/tiny.gguf", "relative": "../models/tiny.gguf", "color": 2,
     "kv_type": "f16", "batch": 8, "context": 1024, "attention": "naive",
     "ablated": [{"layer": 4, "head": 2}, {"layer": 0, "head": 7},
                 {"layer": 5, "head": 0, "output": "mean", "mean": [0.1, -2, 0], "positions": 512},
                 {"layer": 4, "head": 3, "output": "uniform"},
                 {"layer": 4, "head": 5, "output": "scaled", "gain": 0.75}]}],
  "prompt": {"form": "chat", "text": "Once upon a time"},
  "sampling": {"temperature": 0.5, "top_k": 40, "top_p": 0.25, "seed": 18446744073709551615},
  "tokens_per_second": 12.5, "feed": "free", "fill": 300, "when_text_ends": "go-on"
})";

lanes::Experiment example() {
  return {.lanes = {{"mha", 0, {}},
                    {"/models/tiny.gguf",
                     2,
                     {.kvType = model::KvType::F16,
                      .batch = 8,
                      .contextLength = 1024,
                      .attention = model::AttentionKernel::Naive,
                      .changes = {{{0, 7}},
                                  {{4, 2}},
                                  {{4, 3}, model::HeadOutput::Uniform},
                                  {{4, 5}, model::HeadOutput::Scaled, 0.75},
                                  {{5, 0}, model::HeadOutput::Mean, 0.0, {0.1f, -2.0f, 0.0f}, 512}}}}},
          .prompt = "Once upon a time",
          .promptForm = lanes::PromptForm::Chat,
          .sampling = {.temperature = 0.5f, .topK = 40, .topP = 0.25f, .seed = ~std::uint64_t{0}},
          .tokensPerSecond = 12.5,
          .feed = lanes::TokenFeed::FreeRun,
          .fill = 300,
          .whenTextEnds = lanes::WhenTextEnds::GoOn};
}

std::string refusal(const std::string& text) {
  try {
    static_cast<void>(lanes::parseExperiment(text, "/x/e.headroom"));
    return {};
  } catch (const model::Error& error) {
    return error.what();
  }
}

}  // namespace

class TestExperiment : public QObject {
  Q_OBJECT

  QTemporaryDir m_folder;

  std::string path(const char* name) { return m_folder.filePath(name).toStdString(); }

 private slots:
  void everyKeyIsRead() {
    QVERIFY(lanes::parseExperiment(kWhole.toStdString(), "/x/e.headroom") == example());
  }

  void whatIsNotSaidHasItsDefault() {
    const lanes::Experiment read = lanes::parseExperiment(
        R"({"format":"headroom-experiment","version":1,"lanes":[{"model":"mqa","color":0},{"model":"mha"}]})",
        "/x/e.headroom");
    QVERIFY((read == lanes::Experiment{.lanes = {{"mqa", 0, {}}, {"mha", 1, {}}}}));
  }

  void whatIsWrittenIsRead() {
    lanes::Experiment experiment = example();
    experiment.prompt = "quote \" back \\ line\nend \u00e9 \U0001F600 \x01";
    experiment.sampling.temperature = 0.8f;
    experiment.sampling.topP = 0.95f;
    lanes::writeExperiment(experiment, path("round.headroom"));
    QVERIFY(lanes::readExperiment(path("round.headroom")) == experiment);
    // For people, too.
    std::ifstream file(path("round.headroom"));
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    QVERIFY2(text.find("\"temperature\": 0.8,") != std::string::npos, text.c_str());
    for (const lanes::PromptForm form :
         {lanes::PromptForm::Text, lanes::PromptForm::Chat, lanes::PromptForm::Ids}) {
      experiment.promptForm = form;
      experiment.tokensPerSecond = 0.0;
      lanes::writeExperiment(experiment, path("round.headroom"));
      QVERIFY(lanes::readExperiment(path("round.headroom")) == experiment);
    }
  }

  /// A folder that moves with its models keeps working, also beside an older model of the same absolute path.
  void modelsBesideTheFileComeFirst() {
    const fs::path old = path("old");
    fs::create_directories(old / "models");
    fs::create_directories(old / "experiments");
    std::ofstream(old / "models" / "a.gguf") << "a";
    const std::string model = (old / "models" / "a.gguf").string();
    lanes::writeExperiment({.lanes = {{model, 0, {}}}}, (old / "experiments" / "e.headroom").string());
    fs::create_directories(path("new"));
    fs::copy(old, path("new"), fs::copy_options::recursive);
    const auto sourceOf = [&](const char* file) { return lanes::readExperiment(path(file)).lanes[0].source; };
    QCOMPARE(sourceOf("new/experiments/e.headroom"), path("new/models/a.gguf"));
    fs::remove(path("new/models/a.gguf"));
    QCOMPARE(sourceOf("new/experiments/e.headroom"), model);
    // Where neither is there, the absolute path is what is missed.
    fs::remove(model);
    QCOMPARE(sourceOf("new/experiments/e.headroom"), model);
  }

  void aPathWrittenByHandIsRelativeToTheFile() {
    const std::string text =
        R"({"format":"headroom-experiment","version":1,"lanes":[{"model":"models/a.gguf"}]})";
    QCOMPARE(lanes::parseExperiment(text, "/x/e.headroom").lanes[0].source, std::string("/x/models/a.gguf"));
  }

  /// Settings lie nowhere: what they name is found from any folder.
  void whatIsKeptIsReadAgain() {
    lanes::Experiment experiment = example();
    QVERIFY(lanes::parseKept(lanes::keptText(experiment)) == experiment);
    QVERIFY(QString::fromStdString(lanes::keptText(experiment)).contains("\"model\": \"/models/tiny.gguf\""));
    std::ofstream(m_folder.filePath("here.gguf").toStdString()) << "a";
    const QString before = QDir::currentPath();
    QVERIFY(QDir::setCurrent(m_folder.path()));
    experiment.lanes[0].source = "here.gguf";
    experiment.lanes[1].source = "/m/\xff.gguf";
    const lanes::Experiment kept = lanes::parseKept(lanes::keptText(experiment));
    QVERIFY(QDir::setCurrent(before));
    QCOMPARE(QString::fromStdString(kept.lanes[0].source),
             QFileInfo(m_folder.filePath("here.gguf")).canonicalFilePath());
    QCOMPARE(kept.lanes[1].source, std::string("/m/\xef\xbf\xbd.gguf"));
    QVERIFY_EXCEPTION_THROWN(lanes::parseKept(""), model::Error);
  }

  void refusals_data() {
    QTest::addColumn<QString>("from");
    QTest::addColumn<QString>("to");
    QTest::addColumn<QString>("sentence");
    const auto row = [](const char* name, const char* from, const char* to, const char* sentence) {
      QTest::newRow(name) << from << to << sentence;
    };
    row("of another program", "headroom-experiment", "headroom-trace",
        "not an experiment of Headroom: its format is \"headroom-trace\", expected headroom-experiment");
    row("no format", "\"format\"", "\"fmt\"",
        "not an experiment of Headroom: its format is \"\", expected headroom-experiment");
    row("newer", "\"version\": 1", "\"version\": 2",
        "its version is 2, this program reads up to version 1: a newer one is needed");
    row("version 0", "\"version\": 1", "\"version\": 0", "version is 0, expected an integer from 1");
    row("version in words", "\"version\": 1", "\"version\": \"1\"", "version is \"1\", expected an integer");
    row("no version", "\"version\": 1,", "", "version is missing");
    row("no lanes", "\"lanes\"", "\"lane\"", "lanes is missing");
    row("lanes in words", "\"lanes\": [", "\"lanes\": 3, \"x\": [", "lanes is 3, expected a list of 1 to 4");
    row("no lane", "\"lanes\": [", "\"lanes\": [], \"x\": [",
        "lanes has 0 entries, expected a list of 1 to 4");
    row("five lanes", "{\"model\": \"mha\"}",
        "{\"model\":\"mha\"},{\"model\":\"mha\"},{\"model\":\"mha\"},{\"model\":\"mha\"}",
        "lanes has 5 entries, expected a list of 1 to 4 objects");
    row("a lane that is none", "{\"model\": \"mha\"}", "\"mha\"", "lanes[0] is \"mha\", expected an object");
    row("no model", "{\"model\": \"mha\"}", "{}", "lanes[0].model is missing or empty");
    row("a model that is a number", "\"model\": \"mha\"", "\"model\": 7",
        "lanes[0].model is 7, expected text");
    row("a colour twice", "\"color\": 2", "\"color\": 0, \"x\": 0", "");
    row("two of one colour", "{\"model\": \"mha\"}", "{\"model\": \"mha\", \"color\": 2}",
        "lanes[0].color is 2, which another lane has");
    row("a fifth colour", "\"color\": 2", "\"color\": 4",
        "lanes[1].color is 4, expected an integer from 0 to 3");
    row("another cache", "\"f16\"", "\"f8\"", "lanes[1].kv_type is \"f8\", expected one of f32, f16");
    row("no sequence", "\"batch\": 8", "\"batch\": 0",
        "lanes[1].batch is 0, expected an integer from 1 to 64");
    row("half a sequence", "\"batch\": 8", "\"batch\": 1.5", "lanes[1].batch is 1.5, expected an integer");
    row("a negative context", "\"context\": 1024", "\"context\": -1", "lanes[1].context is -1, expected");
    row("a context beyond all numbers", "\"context\": 1024", "\"context\": 18446744073709551615",
        "lanes[1].context is 18446744073709551615, expected");
    row("another kernel", "\"naive\"", "true", "lanes[1].attention is true, expected one of shared, naive");
    row("no head that is taken away", "\"ablated\": [", "\"ablated\": [], \"x\": [",
        "lanes[1].ablated has 0 entries, expected a list of 1 to");
    row("a head without a layer", "{\"layer\": 0, \"head\": 7}", "{\"head\": 7}",
        "lanes[1].ablated[1].layer is missing");
    row("a head that becomes something else", "\"uniform\"", "\"random\"",
        "lanes[1].ablated[3].output is \"random\", expected one of zero, mean, previous-token, uniform, "
        "first-token, scaled");
    row("no mean", "\"mean\": [0.1, -2, 0]", "\"mean\": []", "lanes[1].ablated[2].mean is missing or empty");
    row("a mean that no float32 holds", "[0.1, -2, 0]", "[1e39]", "lanes[1].ablated[2].mean holds 1e+39");
    row("a mean over nothing", "\"positions\": 512", "\"positions\": 0",
        "lanes[1].ablated[2].positions is 0, expected");
    row("a gain in words", "0.75}", "\"half\"}", "lanes[1].ablated[4].gain is \"half\", expected a number");
    row("a head below zero", "\"head\": 7", "\"head\": -1", "lanes[1].ablated[1].head is -1, expected");
    row("a prompt that is text", "\"prompt\": {", "\"prompt\": \"x\", \"y\": {",
        "prompt is \"x\", expected an object");
    row("another form", "\"chat\"", "\"essay\"", "prompt.form is \"essay\", expected one of text, chat, ids");
    row("a temperature below zero", "0.5", "-0.5",
        "sampling.temperature is -0.5, expected a number from 0 to 100");
    row("a temperature in words", "0.5", "\"hot\"", "sampling.temperature is \"hot\", expected a number");
    row("a share above one", "0.25", "1.25", "sampling.top_p is 1.25, expected a number from 0 to 1");
    row("a negative seed", "18446744073709551615", "-1",
        "sampling.seed is -1, expected a whole number from 0");
    row("a pace below zero", "12.5", "-1", "tokens_per_second is -1, expected a number from 0");
    row("a number beyond float64", "12.5", "1e999", "has a number that no float64 holds");
    row("another feed", "\"free\"", "\"none\"", "feed is \"none\", expected one of lockstep, free");
    row("a filling without end", "\"fill\": 300", "\"fill\": 1e9",
        "fill is 1000000000.0, expected an integer");
    row("another end", "\"go-on\"", "null", "");
  }
  void refusals() {
    QFETCH(QString, from);
    QFETCH(QString, to);
    QFETCH(QString, sentence);
    QVERIFY(kWhole.contains(from));
    QString broken = kWhole;
    broken.replace(broken.indexOf(from), from.size(), to);
    const QString said = QString::fromStdString(refusal(broken.toStdString()));
    if (sentence.isEmpty()) {
      QCOMPARE(said, QString());  // as good as not said
      return;
    }
    QVERIFY2(said.startsWith("/x/e.headroom") && said.contains(sentence) && !said.contains('\n'),
             qPrintable(said));
  }

  void everyTruncationIsRefused() {
    const std::string whole = kWhole.toStdString();
    for (std::size_t length = 0; length < whole.size(); ++length)
      QVERIFY2(!refusal(whole.substr(0, length)).empty(), std::to_string(length).c_str());
  }

  void whatIsNoObjectIsRefused() {
    QCOMPARE(refusal("[]"), std::string("/x/e.headroom is an array, expected an object"));
    QVERIFY(refusal(std::string(1000, '[')).find("nests 1000 levels deep") != std::string::npos);
    QVERIFY(refusal(std::string((1 << 24) + 1, ' ')).find("expected at most 16777216") != std::string::npos);
    QVERIFY(refusal("{\"format\": \"\xff\"}").find("is not JSON") != std::string::npos);
  }

  void filesThatCannotBeReadOrWritten() {
    QVERIFY_EXCEPTION_THROWN(lanes::readExperiment(path("none.headroom")), model::Error);
    QVERIFY_EXCEPTION_THROWN(lanes::readExperiment(m_folder.path().toStdString()), model::Error);
    QVERIFY_EXCEPTION_THROWN(lanes::writeExperiment(example(), path("no/folder/e.headroom")), model::Error);
    lanes::Experiment experiment = example();
    experiment.lanes[1].source = "/m/\xff.gguf";
    QVERIFY_EXCEPTION_THROWN(lanes::writeExperiment(experiment, path("utf8.headroom")), model::Error);
    QVERIFY(!fs::exists(path("utf8.headroom")));
  }

  void theEndingTells() {
    QVERIFY(lanes::isExperiment("/x/a b.headroom"));
    QVERIFY(!lanes::isExperiment("/x/headroom"));
    QVERIFY(!lanes::isExperiment("/x/a.headroom/model.gguf"));
  }
};

QTEST_GUILESS_MAIN(TestExperiment)
#include "tst_experiment.moc"
