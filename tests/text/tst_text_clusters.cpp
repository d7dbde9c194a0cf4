#include <QTest>
#include <random>
#include <string>
#include <vector>

#include "core/text/text_clusters.h"

using namespace headroom;
using text::TextCluster;

namespace {

/// Of each cluster its bytes, and whether it is right-to-left as a '<' behind them.
QStringList shown(const std::string& bytes, bool followsRightToLeft = false) {
  QStringList list;
  for (const TextCluster& cluster : text::textClusters(bytes, followsRightToLeft)) {
    const std::string part = bytes.substr(cluster.first, cluster.end - cluster.first);
    const bool isByte = cluster.kind == TextCluster::Kind::Byte;
    const QString text =
        isByte ? QString::fromLatin1(QByteArray::fromStdString(part).toHex()) : QString::fromStdString(part);
    list.append(text + (cluster.rightToLeft ? "<" : ""));
  }
  return list;
}

bool operator==(const TextCluster& a, const TextCluster& b) {
  return a.first == b.first && a.end == b.end && a.kind == b.kind && a.rightToLeft == b.rightToLeft;
}

}  // namespace

/// What is shown as one, and on which side of a run it stands.
class TestTextClusters : public QObject {
  Q_OBJECT

 private slots:
  void characters_data() {
    QTest::addColumn<QByteArray>("bytes");
    QTest::addColumn<QStringList>("clusters");
    const auto row = [](const char* name, const char* bytes, const QStringList& clusters) {
      QTest::newRow(name) << QByteArray(bytes) << clusters;
    };
    row("letters", "ab", {"a", "b"});
    row("a mark belongs to its letter", "xe\u0301y", {"x", "e\u0301", "y"});
    row("an astronaut is one", "\U0001F469\u200D\U0001F680\U0001F389",
        {"\U0001F469\u200D\U0001F680", "\U0001F389"});
    row("flags are pairs", "\U0001F1E9\U0001F1EA\U0001F1EB\U0001F1F7",
        {"\U0001F1E9\U0001F1EA", "\U0001F1EB\U0001F1F7"});
    row("a lone first byte", "a\xC3", {"a", "c3"});
    row("bytes of no character", "\xE4\xBDz", {"e4", "bd", "z"});
    row("a mark joins no byte", "\xC3\u0301", {"c3", "\u0301"});
    row("control characters stand alone", "a\r\n\x07", {"a", "0d", "\n", "07"});
    row("Hebrew in Latin", "a \u05D0\u05D1 b", {"a", " ", "\u05D0<", "\u05D1<", " ", "b"});
    row("words of Arabic", "\u0633 \u0645.", {"\u0633<", " <", "\u0645<", "."});
    row("numbers after Hebrew", "\u05D0 12 b", {"\u05D0<", " <", "1<", "2<", " ", "b"});
    row("numbers before Hebrew", "12 \u05D0", {"1", "2", " ", "\u05D0<"});
    row("brackets around both", "\u05D0 (\u05D1 1) b",
        {"\u05D0<", " <", "(<", "\u05D1<", " <", "1<", ")<", " ", "b"});
    row("a bracket that was opened before", "(\u05D0) b", {"(", "\u05D0<", ")", " ", "b"});
    row("a line feed ends the paragraph", "\u05D0\n.\u05D1", {"\u05D0<", "\n", ".", "\u05D1<"});
  }
  void characters() {
    QFETCH(QByteArray, bytes);
    QFETCH(QStringList, clusters);
    QCOMPARE(shown(bytes.toStdString()), clusters);
  }

  void whatStandsBeforeCounts() {
    QCOMPARE(shown(".\u05D0"), QStringList({".", "\u05D0<"}));
    QCOMPARE(shown(".\u05D0", true), QStringList({".<", "\u05D0<"}));
  }

  void wideAreThoseThatLinesBreakBeside() {
    const std::vector<TextCluster> clusters = text::textClusters("a\u4F60\U0001F389\u0645");
    const std::vector<bool> wide{false, true, true, false};
    QCOMPARE(clusters.size(), wide.size());
    for (std::size_t at = 0; at < wide.size(); ++at) QCOMPARE(clusters[at].wide, wide[at]);
  }

  /// Any bytes, and bytes of any characters: nothing is lost, and what is settled stays as it was when more
  /// comes.
  void moreTextChangesNothingThatIsSettled() {
    std::mt19937 random(7);
    const std::vector<std::string> parts{
        "a",      " ",    "e\u0301", "\u05D0", "\u0645", "1",          "(",          ")", "\n",
        "\u4F60", "\xC3", "\x9F",    "\u0301", "\u200D", "\U0001F469", "\U0001F1E9", ".", "\xE4\xBD"};
    std::size_t settledCount = 0;
    for (int round = 0; round < 400; ++round) {
      std::string bytes;
      std::vector<std::size_t> ends;
      for (int part = 0; part < 24; ++part) {
        bytes += parts[random() % parts.size()];
        ends.push_back(bytes.size());
      }
      const std::vector<TextCluster> whole = text::textClusters(bytes);
      std::size_t covered = 0;
      for (const TextCluster& cluster : whole) {
        QCOMPARE(cluster.first, covered);
        covered = cluster.end;
      }
      QCOMPARE(covered, bytes.size());
      for (const std::size_t end : ends) {
        const std::vector<TextCluster> before = text::textClusters(bytes.substr(0, end));
        const std::size_t unsettled = text::firstUnsettled(before);
        QVERIFY(unsettled < before.size());
        for (std::size_t at = 0; at < unsettled; ++at) {
          QVERIFY2(before[at] == whole[at], qPrintable(QString("round %1, cluster %2").arg(round).arg(at)));
        }
        settledCount += unsettled;
      }
    }
    QVERIFY(settledCount > 400u * 24 * 5);
  }
};

QTEST_APPLESS_MAIN(TestTextClusters)
#include "tst_text_clusters.moc"
