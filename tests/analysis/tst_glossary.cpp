#include <QTest>
#include <regex>
#include <set>

#include "core/analysis/glossary.h"
#include "core/analysis/step_bound.h"
#include "core/model/config.h"

using namespace headroom;

class TestGlossary : public QObject {
  Q_OBJECT

 private slots:
  /// The words that the window uses.
  void everyWordIsThere_data() {
    QTest::addColumn<QString>("name");
    for (const char* name : {"MHA",
                             "GQA",
                             "MQA",
                             "query head",
                             "KV head",
                             "KV cache",
                             "prefill",
                             "issued",
                             "logical",
                             "implied GB/s",
                             "read ceiling",
                             "capture",
                             "sink",
                             "taken away",
                             "induction head",
                             "loss without a head",
                             "divergence",
                             "effective rank",
                             "copying",
                             "prefix matching",
                             "write share",
                             "write size",
                             "cosine",
                             "CKA",
                             "naive",
                             "shared",
                             "lockstep",
                             "free run",
                             "entropy",
                             "mean distance",
                             "stage",
                             "roofline",
                             "trained context",
                             "median",
                             "\u00b1",
                             "launch-bound",
                             "weight-bound",
                             "KV-bound",
                             "compute-bound",
                             "cache-resident",
                             "too noisy",
                             "instruction-bound"}) {
      QTest::newRow(name) << QString(name);
    }
  }
  void everyWordIsThere() {
    QFETCH(QString, name);
    const auto count = std::ranges::count(analysis::glossary(), name.toStdString(), &analysis::Term::name);
    QCOMPARE(static_cast<int>(count), 1);
  }

  void aTermHasAtMostTwoSentences() {
    const std::regex end("[.?!]( |$)");
    for (const analysis::Term& term : analysis::glossary()) {
      const auto sentences =
          std::distance(std::sregex_iterator(term.meaning.begin(), term.meaning.end(), end), {});
      QVERIFY2(sentences >= 1 && sentences <= 2 && term.meaning.ends_with('.'), term.meaning.c_str());
      QVERIFY2(!term.formula.ends_with('.'), term.formula.c_str());
    }
  }

  void namesAreInOrderAndOnce() {
    std::set<std::string> names;
    QString before;
    for (const analysis::Term& term : analysis::glossary()) {
      QVERIFY2(names.insert(term.name).second, term.name.c_str());
      const QString name = QString::fromStdString(term.name).toLower();
      QVERIFY2(before <= name, term.name.c_str());
      before = name;
    }
  }

  /// The cache's formula, as the program computes it.
  void theCacheFormulaIsTheOneThatIsComputed() {
    QCOMPARE(analysis::term("KV cache").formula,
             std::string("2 \u00d7 layers \u00d7 KV heads \u00d7 positions \u00d7 head dim \u00d7 bytes per "
                         "element \u00d7 sequences"));
    model::ModelConfig config;
    config.layerCount = 3;
    config.attention = {.queryHeadCount = 8, .kvHeadCount = 2, .headDim = 16};
    QCOMPARE(model::kvCacheBytes(config, model::KvType::F16, 100, 4),
             std::uint64_t{2} * 3 * 2 * 100 * 16 * 2 * 4);
  }

  void theClassesAreThoseOfTheVerdict() {
    for (const analysis::Bound bound :
         {analysis::Bound::Launch, analysis::Bound::Weights, analysis::Bound::Kv, analysis::Bound::Compute,
          analysis::Bound::Instructions, analysis::Bound::CacheResident}) {
      QCOMPARE(analysis::term(analysis::boundName(bound)).name, std::string(analysis::boundName(bound)));
    }
  }
};

QTEST_GUILESS_MAIN(TestGlossary)
#include "tst_glossary.moc"
