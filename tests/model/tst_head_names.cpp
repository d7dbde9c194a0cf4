#include <QTest>

#include "core/model/error.h"
#include "core/model/head_change.h"

using namespace headroom;
using model::HeadChange;
using model::HeadOutput;

/// What heads are called, and which ones, with what becomes of them, a name means.
class TestHeadNames : public QObject {
  Q_OBJECT

  using Changes = std::vector<HeadChange>;

  /// Three layers of eight query heads in two groups.
  static model::ModelConfig config() {
    model::ModelConfig config;
    config.layerCount = 3;
    config.attention = {8, 2, 4};
    return config;
  }
  static QString refusalOf(const char* names) {
    try {
      static_cast<void>(model::headChangesNamed(names, config()));
    } catch (const model::Error& error) {
      return error.what();
    }
    return "nothing was refused";
  }

 private slots:
  void namesMeanHeads() {
    QCOMPARE(model::headChangesNamed("L2H7", config()), (Changes{{{2, 7}}}));
    // Ascending, each once, whatever the order.
    QCOMPARE(model::headChangesNamed("L2H1,L0H3,L2H1", config()), (Changes{{{0, 3}}, {{2, 1}}}));
    // A KV head is all that read it.
    QCOMPARE(model::headChangesNamed("L1KV1,L1H5,L1H0", config()),
             (Changes{{{1, 0}}, {{1, 4}}, {{1, 5}}, {{1, 6}}, {{1, 7}}}));
  }

  void namesSayWhatBecomesOfThem() {
    QCOMPARE(model::headChangesNamed("L2H7=zero,L0H1=mean,L0H2=previous-token,L1H0=uniform,L1H1=first-token,"
                                     "L1H2=-0.5",
                                     config()),
             (Changes{{{0, 1}, HeadOutput::Mean},
                      {{0, 2}, HeadOutput::PreviousToken},
                      {{1, 0}, HeadOutput::Uniform},
                      {{1, 1}, HeadOutput::FirstToken},
                      {{1, 2}, HeadOutput::Scaled, -0.5},
                      {{2, 7}}}));
    const Changes group = model::headChangesNamed("L0KV1=uniform", config());
    QCOMPARE(group.size(), std::size_t{4});
    for (const HeadChange& change : group) QCOMPARE(change.output, HeadOutput::Uniform);
    // Said twice alike is said once.
    QCOMPARE(model::headChangesNamed("L0H4=uniform,L0KV1=uniform", config()), group);
  }

  void namesAreReadAsTheyAreWritten() {
    for (const char* name : {"L2H7", "L0H1=mean", "L0H2=previous-token", "L1H0=uniform", "L1H1=first-token",
                             "L1H2=-0.5", "L1H2=1e-05"})
      QCOMPARE(model::nameOf(model::headChangesNamed(name, config()).at(0)), std::string(name));
  }

  void refusals_data() {
    QTest::addColumn<QString>("names");
    for (const char* names : {"", ",", "L0H1,", "L3H0", "L0H8", "L0KV2", "L-1H0", "L0H-1", "H1L0", "L0",
                              "0.1", "l0h1", "L0H1 L0H2", "L0HV1", "L99999999999H0", "=mean", "L3H0=mean"})
      QTest::newRow(qPrintable(QString("'%1'").arg(names))) << QString(names);
  }
  void refusals() {
    QFETCH(QString, names);
    const QString refusal = refusalOf(names.toUtf8().constData());
    QVERIFY2(refusal.contains("expected L0H0 to L2H7 or, with all that read it, L0KV0 to L2KV1"),
             qPrintable(refusal));
  }

  void whatHeadsCannotBecome() {
    for (const char* what : {"L0H1=", "L0H1=nothing", "L0H1=scaled", "L0H1=nan", "L0H1=inf", "L0H1=0.5x",
                             "L0H1=mean=mean", "L0H1=1e999"})
      QVERIFY2(
          refusalOf(what).contains("expected zero, mean, previous-token, uniform, first-token or a factor"),
          qPrintable(QString(what) + ": " + refusalOf(what)));
    QCOMPARE(refusalOf("L1KV1,L1H5=mean"), "L1H5 was to become two things, L1H5 and L1H5=mean, expected one");
  }

  void lanesSayWhatTheyChange() {
    QCOMPARE(model::nameWith("MHA", {}), std::string("MHA"));
    QCOMPARE(model::nameWith("MHA", Changes{{{4, 2}}}), std::string("MHA \u2212L4H2"));
    QCOMPARE(model::nameWith("MHA", Changes{{{0, 1}}, {{4, 2}, HeadOutput::Scaled, 0.5}}),
             std::string("MHA \u2212L0H1 L4H2=0.5"));
    QCOMPARE(model::nameWith("MHA", Changes(3)), std::string("MHA \u22123 heads"));
    QCOMPARE(model::nameWith("MHA", Changes{{{0, 1}}, {{0, 2}}, {{4, 2}, HeadOutput::Uniform}}),
             std::string("MHA, 3 heads changed"));
  }

  void changesAreInterventions() {
    const Changes changes{{{0, 1}},
                          {{0, 2}, HeadOutput::Mean, 0.0, {1, 2, 3, 4}, 9},
                          {{1, 0}, HeadOutput::PreviousToken},
                          {{1, 1}, HeadOutput::Uniform},
                          {{1, 2}, HeadOutput::FirstToken},
                          {{1, 3}, HeadOutput::Scaled, 0.5}};
    const auto made = model::interventionsOf(changes, config());
    model::checkInterventions(made, config());
    using Vector = std::vector<float>;
    using model::AttentionPattern;
    QCOMPARE(made[0].gain, (Vector{0, 0, 0, 0}));
    QCOMPARE(made[0].offset, Vector());
    QCOMPARE(made[1].gain, (Vector{0, 0, 0, 0}));
    QCOMPARE(made[1].offset, (Vector{1, 2, 3, 4}));
    QCOMPARE(made[2].pattern, AttentionPattern::PreviousToken);
    QCOMPARE(made[3].pattern, AttentionPattern::Uniform);
    QCOMPARE(made[4].pattern, AttentionPattern::FirstToken);
    for (const std::size_t frozen : {2, 3, 4}) QCOMPARE(made[frozen].gain, Vector());
    QCOMPARE(made[5].pattern, AttentionPattern::Computed);
    QCOMPARE(made[5].gain, (Vector{0.5f, 0.5f, 0.5f, 0.5f}));
    QVERIFY_THROWS_EXCEPTION(model::Error,
                             model::interventionsOf(Changes{{{0, 2}, HeadOutput::Mean}}, config()));
  }
};

QTEST_APPLESS_MAIN(TestHeadNames)
#include "tst_head_names.moc"
