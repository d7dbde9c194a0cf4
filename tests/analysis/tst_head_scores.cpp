#include <cmath>
#include <functional>

#include <QTest>

#include "core/analysis/head_scores.h"
#include "core/analysis/head_survey.h"

using namespace headroom;
using analysis::HeadScores;
using analysis::HeadScoreSums;
using analysis::InductionSums;

namespace {

/// a[i][j] of one head.
using Attention = std::function<double(int query, int position)>;

/// Rows `first` to `end` of heads that look as told, in two layers of as many heads each.
model::AttentionRows rowsOf(const std::vector<Attention>& heads, int first, int end) {
  model::AttentionRows rows{
      .layers = {0, 1}, .rowCount = end - first, .firstPosition = first, .rowStride = end};
  const int perLayer = static_cast<int>(heads.size()) / 2;
  for (int head = 0; head < perLayer; ++head) rows.queryHeads.push_back(head);
  for (const Attention& attention : heads) {
    for (int query = first; query < end; ++query) {
      for (int position = 0; position < end; ++position)
        rows.values.push_back(position <= query ? static_cast<float>(attention(query, position)) : 0.0f);
    }
  }
  return rows;
}

double uniform(int query, int) {
  return 1.0 / (query + 1);
}
double previous(int query, int position) {
  return position == std::max(0, query - 1) ? 1.0 : 0.0;
}
double sink(int, int position) {
  return position == 0 ? 1.0 : 0.0;
}
/// Half at itself, half at the first.
double split(int query, int position) {
  return query == 0 ? 1.0 : (position == 0 || position == query ? 0.5 : 0.0);
}

constexpr double kLimit = 1e-6;  // of floats near 1

}  // namespace

/// Scores of heads whose attention is known, with the value that follows from it.
class TestHeadScores : public QObject {
  Q_OBJECT

 private:
  static void compare(double actual, double expected) {
    QVERIFY2(std::abs(actual - expected) <= kLimit * std::max(1.0, std::abs(expected)),
             qPrintable(QString("%1, expected %2").arg(actual, 0, 'g', 12).arg(expected, 0, 'g', 12)));
  }

 private slots:
  /// In one portion or several: the sums do not know.
  void knownHeads_data() {
    QTest::addColumn<std::vector<int>>("ends");
    QTest::newRow("at once") << std::vector<int>{12};
    QTest::newRow("in portions") << std::vector<int>{1, 5, 6, 12};
  }
  void knownHeads() {
    QFETCH(std::vector<int>, ends);
    const int length = 12;
    std::vector<int> text(length, 7);  // every earlier token is the same
    HeadScoreSums sums(2, 2);
    int first = 0;
    for (const int end : ends) {
      sums.add(rowsOf({uniform, previous, sink, split}, first, end), text);
      first = end;
    }
    QCOMPARE(sums.rowCount(), length - 1);
    double entropy = 0.0, weight = 0.0, distance = 0.0;
    for (int query = 1; query < length; ++query) {
      entropy += std::log(query + 1.0) / (length - 1);
      weight += 1.0 / (query + 1.0) / (length - 1);
      distance += query / 2.0 / (length - 1);
    }
    const HeadScores alike = sums.mean(0, 0);
    compare(alike.entropy, entropy);
    compare(alike.maxWeight, weight);
    compare(alike.meanDistance, distance);
    compare(alike.sinkMass, weight);
    compare(alike.previousToken, weight);
    compare(alike.duplicateToken, 1.0 - weight);  // all but itself
    const HeadScores one = sums.mean(0, 1);
    compare(one.entropy, 0.0);
    compare(one.maxWeight, 1.0);
    compare(one.meanDistance, 1.0);
    compare(one.sinkMass, 1.0 / (length - 1));  // of position 1
    compare(one.previousToken, 1.0);
    const HeadScores first0 = sums.mean(1, 0);
    compare(first0.sinkMass, 1.0);
    compare(first0.meanDistance, length / 2.0);  // the mean of 1 to length - 1
    compare(first0.previousToken, 1.0 / (length - 1));
    const HeadScores half = sums.mean(1, 1);
    compare(half.entropy, std::log(2.0));
    compare(half.maxWeight, 0.5);
    compare(half.sinkMass, 0.5);
    compare(half.duplicateToken, 0.5);
  }

  /// Only earlier positions with the same token count.
  void duplicates() {
    const std::vector<int> text{1, 2, 1, 3, 2, 1};
    HeadScoreSums sums(2, 1);
    sums.add(rowsOf({uniform, sink}, 0, 6), text);
    // Of positions 1 to 5: none, {0}, none, {1}, {0, 2}.
    compare(sums.mean(0, 0).duplicateToken, (1.0 / 3.0 + 1.0 / 5.0 + 2.0 / 6.0) / 5.0);
    compare(sums.mean(1, 0).duplicateToken, 2.0 / 5.0);
  }

  /// What followed earlier copies counts, over the positions that have one: 2, 4, 5 and 6.
  void prefixMatching_data() { knownHeads_data(); }
  void prefixMatching() {
    QFETCH(std::vector<int>, ends);
    const std::vector<int> text{1, 2, 1, 3, 2, 1, 1, 4, 5, 6, 7, 8};
    // Looks behind the earliest copy, or at itself.
    const Attention behindFirst = [&](int query, int position) {
      const auto copy = std::ranges::find(text, text[static_cast<std::size_t>(query)]) - text.begin();
      return position == (copy < query ? copy + 1 : query) ? 1.0 : 0.0;
    };
    HeadScoreSums sums(2, 2);
    int first = 0;
    for (const int end : ends) {
      sums.add(rowsOf({uniform, previous, behindFirst, split}, first, end), text);
      first = end;
    }
    QCOMPARE(sums.rowCount(), 11);
    QCOMPARE(sums.prefixRowCount(), 4);
    // Followers of copies: of 2 {1}, of 4 {2}, of 5 {1, 3}, of 6 {1, 3, 6}.
    compare(sums.mean(0, 0).prefixMatching, (1.0 / 3 + 1.0 / 5 + 2.0 / 6 + 3.0 / 7) / 4.0);
    compare(sums.mean(0, 1).prefixMatching, 1.0 / 4.0);  // of 2, whose copy is two before
    compare(sums.mean(1, 0).prefixMatching, 1.0);
    compare(sums.mean(1, 1).prefixMatching, 0.5 / 4.0);  // of 6, which followed the copy at 5

    HeadScoreSums without(2, 1);
    without.add(rowsOf({uniform, sink}, 0, 3), std::vector<int>{1, 2, 3});
    QCOMPARE(without.prefixRowCount(), 0);
    QVERIFY(std::isnan(without.mean(0, 0).prefixMatching));
  }

  /// A head that looks behind the earlier copy, and one that looks at it.
  void induction() {
    const int period = 5, start = 1, length = start + 3 * period;
    const Attention behindCopy = [&](int query, int position) {
      return position == std::max(0, query - period + 1) ? 1.0 : 0.0;
    };
    const Attention atCopy = [&](int query, int position) {
      return position == std::max(0, query - period) ? 1.0 : 0.0;
    };
    InductionSums sums(2, 2, start + period, period);
    for (const auto& [first, end] : {std::pair(0, 7), std::pair(7, length)})
      sums.add(rowsOf({behindCopy, atCopy, uniform, sink}, first, end));
    compare(sums.mean(0, 0), 1.0);
    compare(sums.mean(0, 1), 0.0);
    double alike = 0.0;
    for (int query = start + period; query < length; ++query) alike += 1.0 / (query + 1.0) / (2 * period);
    compare(sums.mean(1, 0), alike);
    compare(sums.mean(1, 1), 0.0);
  }

  void withoutRows() {
    const HeadScoreSums sums(1, 1);
    QCOMPARE(sums.rowCount(), 0);
    QCOMPARE(sums.mean(0, 0).entropy, 0.0);
    QCOMPARE(InductionSums(1, 1, 5, 5).mean(0, 0), 0.0);
  }

  /// The strongest of a kind has the largest number, or for what is near the smallest.
  void kindsOfHeads() {
    analysis::HeadSurvey survey;
    for (int head = 0; head < 4; ++head) {
      const auto number = static_cast<double>(head);
      survey.heads.push_back({.layer = 1,
                              .queryHead = head,
                              .kvHead = head / 2,
                              .scores = {.entropy = 3.0 - number,
                                         .maxWeight = 0.5,
                                         .meanDistance = 10.0 + std::abs(number - 2.0),
                                         .sinkMass = head == 1 ? 0.9 : 0.1,
                                         .previousToken = 0.25 * number,
                                         .duplicateToken = 0.125},
                              .induction = head == 2 ? 0.75 : 0.5});
    }
    const auto strongest = [&](const char* title) {
      const auto kinds = analysis::headKinds();
      const auto kind =
          std::ranges::find_if(kinds, [&](const auto& other) { return other.title == QString(title); });
      return kind == kinds.end() ? -1 : analysis::strongest(survey, *kind)->queryHead;
    };
    QCOMPARE(strongest("Induction"), 2);
    QCOMPARE(strongest("Previous token"), 3);
    QCOMPARE(strongest("Sink"), 1);
    QCOMPARE(strongest("Local"), 2);
    QCOMPARE(strongest("Uniform"), 0);
    survey.heads[3].scores.prefixMatching = 0.375;
    survey.heads[3].writeShare = -0.25;
    survey.heads[3].writeSize = 2.0;
    QVERIFY(!analysis::strongest({}, analysis::headKinds().front()));
    QCOMPARE(analysis::headCsvTitles(),
             std::string("layer,head,kv_head,entropy,max_weight,mean_distance,sink_mass,previous_token,"
                         "duplicate_token,prefix_matching,copying,write_share,write_size,induction"));
    // What is not known is empty.
    QCOMPARE(analysis::headCsvLine(survey.heads[3]),
             std::string("1,3,1,0,0.5,11,0.1,0.75,0.125,0.375,,-0.25,2,0.5"));
  }
};

QTEST_GUILESS_MAIN(TestHeadScores)
#include "tst_head_scores.moc"
