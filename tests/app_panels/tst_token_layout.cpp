#include <QTest>
#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "app/panels/token_layout.h"
#include "app/session/display_text.h"
#include "tests/lanes/fake_lanes.h"

using namespace headroom;

namespace {

/// Pixels of any letter of ImGui's own font, and of any character of the fake shaper.
constexpr float kLetter = 7.0f;
constexpr float kShaped = 10.0f;

/// Gives every character 10 pixels.
class FakeShaper final : public panels::TextShaper {
 public:
  const panels::ShapedText& shape(const ImFont*, std::string_view text,
                                  panels::TextDirection direction) override {
    const std::vector<session::TextCluster> clusters = session::textClusters(text);
    m_shaped = {.width = kShaped * static_cast<float>(clusters.size()), .characters = {}};
    for (std::size_t at = 0; at < clusters.size(); ++at) {
      const bool isLeftToRight = direction == panels::TextDirection::LeftToRight;
      const float left = kShaped * static_cast<float>(isLeftToRight ? at : clusters.size() - 1 - at);
      m_shaped.characters.push_back({clusters[at].first, clusters[at].end, left, left + kShaped});
    }
    return m_shaped;
  }
  void draw(ImDrawList&, const ImFont*, ImVec2, session::Color, std::string_view, panels::TextDirection,
            panels::TextTurn) override {}

 private:
  panels::ShapedText m_shaped;
};

class NoMaps final : public panels::HeatMapCanvas {
 public:
  int rowsHeld(panels::MapKey, std::uint64_t) const override { return 0; }
  void update(const panels::MapCells&) override {}
  void draw(ImDrawList&, std::span<const panels::MapDrawing>, session::ColorMap, session::MapScale) override {
  }
};

/// A lane whose tokens are given, and ImGui's own font.
struct Table {
  ImGuiContext* imgui = ImGui::CreateContext();
  session::TraceStore store;
  session::Selection selection;
  session::SpeedBoard board{store, selection};
  session::Appearance appearance;
  NoMaps canvas;
  FakeShaper shaper;
  test::FakeDecoder decoder{test::FakeLane{.contextLength = 2048, .captures = false}};
  panels::PanelContext context{store, board, selection, appearance, canvas, shaper, {}};

  Table() {
    ImGui::GetIO().IniFilename = nullptr;
    context.fonts.body = ImGui::GetIO().Fonts->AddFontDefault();
    ImGui::GetIO().Fonts->Build();
    session::LaneInfo info{.title = "MHA", .config = decoder.config(), .contextLength = 2048};
    const test::FakeTokenizer tokenizer;
    for (int token = 0; token < tokenizer.vocabSize(); ++token)
      info.pieces.push_back(tokenizer.pieceBytes(token));
    info.endTokens = {test::FakeTokenizer::kEndToken};
    store.setLanes(1, {info}, std::vector<session::LaneOrigin>(1));
  }
  ~Table() { ImGui::DestroyContext(imgui); }

  const session::LaneTrace& lane() { return store.lane(0); }
  void append(const std::vector<int>& tokens) {
    session::StepBatch batch{.run = 1, .steps = {}};
    for (model::StepRecord& record : decoder.run(tokens, {})) {
      batch.steps.push_back({.lane = 0, .record = std::move(record), .isFilling = tokens.size() > 1});
    }
    store.append(std::move(batch));
  }
  void appendText(const std::string& text) { append(test::FakeTokenizer().encode(text)); }
};

/// Each place as "position line left-right", in the order of positions.
QStringList shown(const panels::TokenLayout& layout) {
  struct Place {
    int position;
    QString text;
  };
  std::vector<Place> places;
  for (const panels::TokenBox& box : layout.boxes()) {
    const panels::TokenUnit& unit = layout.units()[box.unit];
    const float left = unit.x + box.left;
    places.push_back({box.position, QString("%1 %2 %3-%4")
                                        .arg(box.position)
                                        .arg(std::lround(unit.y / layout.lineHeight()))
                                        .arg(left)
                                        .arg(left + box.width)});
  }
  std::ranges::stable_sort(places, {}, &Place::position);
  QStringList list;
  for (const Place& place : places) list.append(place.text);
  return list;
}

}  // namespace

/// Where tokens stand in the text, by hand and however they came.
class TestTokenLayout : public QObject {
  Q_OBJECT

 private slots:
  void places_data() {
    QTest::addColumn<QString>("text");
    QTest::addColumn<int>("width");
    QTest::addColumn<QString>("places");
    QTest::newRow("letters") << "ab" << 100 << "0 0 0-7, 1 0 7-14";
    QTest::newRow("two tokens of a letter that ImGui draws") << "ß" << 100 << "0 0 0-3.5, 1 0 3.5-7";
    QTest::newRow("three tokens of a character")
        << "a\u4F60" << 100 << "0 0 0-7, 1 0 7-10.3333, 2 0 10.3333-13.6667, 3 0 13.6667-17";
    QTest::newRow("a line ends between characters")
        << "\u0101\u0101\u4F60" << 25
        << "0 0 0-5, 1 0 5-10, 2 0 10-15, 3 0 15-20, 4 1 0-3.33333, 5 1 3.33333-6.66667, 6 1 6.66667-10";
    QTest::newRow("Hebrew from right to left")
        << "\u05D0\u05D1" << 100 << "0 0 15-20, 1 0 10-15, 2 0 5-10, 3 0 0-5";
    QTest::newRow("words of it, too") << "a\u05D0 \u05D1 b" << 100
                                      << "0 0 0-7, 1 0 29-34, 2 0 24-29, 3 0 17-24, 4 0 12-17, 5 0 7-12, 6 0 "
                                         "34-41, 7 0 41-48";
    QTest::newRow("a word that is wider than a line")
        << "\u05D0\u05D1\u05D2" << 25 << "0 0 15-20, 1 0 10-15, 2 0 5-10, 3 0 0-5, 4 1 5-10, 5 1 0-5";
    QTest::newRow("a line feed") << "a\n\u4F60" << 100
                                 << "0 0 0-7, 1 0 7-14, 2 1 0-3.33333, 3 1 3.33333-6.66667, 4 1 6.66667-10";
  }
  void places() {
    QFETCH(QString, text);
    QFETCH(int, width);
    QFETCH(QString, places);
    Table table;
    table.appendText(text.toStdString());
    panels::TokenLayout layout;
    layout.place(table.context, table.lane(), static_cast<float>(width));
    QCOMPARE(shown(layout).join(", "), places);
  }

  void aSpaceIsLeftOutWhereItsWordBeginsALine() {
    Table table;
    // "ab", " سلام", " word9"
    table.append({'a', 'b', test::FakeTokenizer::kArabicToken, 265});
    panels::TokenLayout layout;
    layout.place(table.context, table.lane(), 50.0f);
    QCOMPARE(shown(layout).join(", "), QString("0 0 0-7, 1 0 7-14, 2 1 0-40, 3 2 0-35"));
  }

  void whatMakesACharacterTogetherIsKnown() {
    Table table;
    table.appendText("aß\u4F60" + std::string("\xC3"));
    panels::TokenLayout layout;
    layout.place(table.context, table.lane(), 100.0f);
    const std::vector<std::string> expected{"", "ß", "ß", "\u4F60", "\u4F60", "\u4F60", ""};
    for (int position = 0; position < 7; ++position) {
      QCOMPARE(layout.sharedCharacter(table.lane(), position), expected[static_cast<std::size_t>(position)]);
    }
  }

  /// Fails where something placed before should have changed and did not.
  void tokensThatComeOneByOneStandAsIfTheyHadComeAtOnce() {
    std::mt19937 random(11);
    const std::vector<std::string> parts{"a",      " ",    "e\u0301", "\u05D0",     "\u0645", "1", "\n",
                                         "\u4F60", "\xC3", "\u0301",  "\U0001F469", "\u200D", ".", "\xE4\xBD",
                                         "b",      " c",   "(",       ")",          "["};
    for (int round = 0; round < 300; ++round) {
      std::string text;
      for (int part = 0; part < 50; ++part) text += parts[random() % parts.size()];
      const float width = 30.0f + static_cast<float>(random() % 60);
      std::vector<int> tokens = test::FakeTokenizer().encode(text);
      // Some that are whole, and one that is no text.
      for (const int token : {298, 297, 297, 299, 260, 298}) {
        tokens.insert(tokens.begin() + static_cast<std::ptrdiff_t>(random() % tokens.size()), token);
      }
      Table growing;
      panels::TokenLayout grown;
      for (std::size_t count = 1; count <= tokens.size(); ++count) {
        growing.append({tokens[count - 1]});
        grown.place(growing.context, growing.lane(), width);
        if (count % 7 != 0 && count != tokens.size()) continue;
        panels::TokenLayout whole;
        whole.place(growing.context, growing.lane(), width);
        const QStringList seen = shown(grown);
        const QStringList expected = shown(whole);
        const auto [one, other] = std::ranges::mismatch(seen, expected);
        QVERIFY2(seen == expected,
                 qPrintable(QString("round %1, %2 tokens, %3 wide: from %4 on, not %5")
                                .arg(round)
                                .arg(count)
                                .arg(width)
                                .arg(QStringList(one, seen.end()).join(", ").left(200))
                                .arg(QStringList(other, expected.end()).join(", ").left(200))));
        for (int position = 0; position < growing.lane().length(); ++position) {
          QCOMPARE(grown.lineTop(position), whole.lineTop(position));
        }
      }
      QCOMPARE(grown.generation(), 1);
      // Every token has a place that can be pointed at, within the lines.
      for (const panels::TokenBox& box : grown.boxes()) {
        const panels::TokenUnit& unit = grown.units()[box.unit];
        QVERIFY(box.width >= 1.0f && unit.x >= 0.0f);
      }
    }
  }
};

QTEST_GUILESS_MAIN(TestTokenLayout)
#include "tst_token_layout.moc"
