#include <QLineEdit>
#include <QSignalSpy>

#include "app/view/theme.h"
#include "tests/app_gui/gui_fixture.h"
#include "tests/app_gui/text_match.h"
#include "tests/lanes/fake_lanes.h"

using namespace headroom;
using test::find;
using test::inkOn;
using test::Match;
using test::paintedText;

namespace {

/// Two rasterisers' pictures of one text are this alike; those of other texts less by the second.
constexpr double kSame = 0.8;
constexpr double kLess = 0.1;

QColor toQt(session::Color color) {
  return {color.red, color.green, color.blue};
}

/// One lane whose tokens are bytes, that stops behind its first `length`.
struct Page : test::GuiFixture {
  Page() : GuiFixture(std::make_unique<test::FakeLaneOpener>()) { settings.setPace({0.0}); }

  /// The lane writes `text` itself, behind its first byte.
  bool write(const QByteArray& text, int length) {
    settings.setPrompt(text.left(1).toStdString());
    settings.setLanes({{"spells " + text.toStdString(), 0, {.contextLength = length}}});
    start();
    return drawn() && QTest::qWaitFor([&] { return this->length(0) == length && decoded(); }, 20000);
  }
  bool write(const QByteArray& text) { return write(text, static_cast<int>(text.size())); }
  /// Tokens with `ids`, to which the lane adds words.
  bool prompt(const std::string& ids) {
    settings.setLanes({{"mha", 0, {.contextLength = 64}}});
    settings.setPromptForm(session::PromptForm::Ids);
    settings.setPrompt(ids);
    start();
    return drawn() && QTest::qWaitFor([&] { return length(0) == 64 && decoded(); }, 20000);
  }
  bool decoded() { return application->session().state().finished; }

  const session::Palette& palette() { return live().appearance().palette(); }
  QFont font(double smaller = 0.0, QFont::Weight weight = QFont::Normal) {
    QFont font = view::qtFont(live().appearance());
    font.setPixelSize(static_cast<int>(std::lround(live().appearance().textSize() - smaller)));
    font.setWeight(weight);
    return font;
  }
  QRect textArea() { return {12, 56, live().width() / 3, 130}; }
  /// The lane's text as seen from its first token: all that is later has no tint.
  QImage text() {
    selection().setPosition(0);
    return picture().copy(textArea());
  }
  Match seen(const QString& expected) {
    return find(inkOn(paintedText(expected, font()), Qt::black), inkOn(text(), toQt(palette().panel)));
  }
  /// The positions under the mouse from the left of `place` on, `count` of them.
  std::vector<int> positionsFrom(QRect place, std::size_t count) {
    std::vector<int> positions;
    for (int x = place.left(); x < place.left() + 200 && positions.size() < count; ++x) {
      const std::uint64_t before = live().frameCount();
      QTest::mouseMove(&live(), textArea().topLeft() + QPoint(x, place.center().y()));
      if (!QTest::qWaitFor([&] { return live().frameCount() > before; }, 5000)) return {};
      const auto& hovered = selection().hoveredToken();
      if (hovered && (positions.empty() || positions.back() != hovered->position)) {
        positions.push_back(hovered->position);
      }
    }
    return positions;
  }
};

std::vector<int> range(int first, int last) {
  std::vector<int> positions;
  for (int position = first; position != last; position += first < last ? 1 : -1)
    positions.push_back(position);
  positions.push_back(last);
  return positions;
}

QString listed(const std::vector<int>& positions) {
  QStringList list;
  for (const int position : positions) list.append(QString::number(position));
  return list.join(' ');
}

/// Pixels that are no grey.
int colorful(const QImage& image) {
  int count = 0;
  for (int y = 0; y < image.height(); ++y) {
    for (int x = 0; x < image.width(); ++x) {
      const QColor color = image.pixelColor(x, y);
      const auto [least, most] = std::minmax({color.red(), color.green(), color.blue()});
      count += most - least > 90 ? 1 : 0;
    }
  }
  return count;
}

}  // namespace

/// Text of tokens that are parts of characters, and of scripts that ImGui cannot draw.
class TestAnyScript : public QObject {
  Q_OBJECT

 private slots:
  void cleanup() { QCOMPARE(test::validationErrorCount().load(), 0); }

  void charactersOfSeveralTokensAreWhole_data() {
    QTest::addColumn<QString>("text");
    QTest::addColumn<QString>("wrong");  // what is shown where it fails
    QTest::newRow("a letter of two tokens") << "Straße"
                                            << "Stra<C3><9F>e";
    QTest::newRow("Chinese") << "你好世界"
                             << "<E4><BD><A0>";
    QTest::newRow("joined Arabic") << "مرحبا"
                                   << "م\u200Cر\u200Cح\u200Cب\u200Cا";
    QTest::newRow("Arabic from right to left") << "سلام"
                                               << "مالس";
    QTest::newRow("two words of Arabic") << "مرحبا سلام"
                                         << "سلام مرحبا";
    QTest::newRow("Hebrew from right to left") << "שלום"
                                               << "םולש";
    QTest::newRow("a mark on its letter") << "e\u0301x"
                                          << "e<CC><81>x";
    QTest::newRow("an emoji") << "\U0001F389"
                              << "\U0001F680";
    QTest::newRow("an emoji of several") << "\U0001F469\u200D\U0001F680"
                                         << "\U0001F469\U0001F680";
  }
  void charactersOfSeveralTokensAreWhole() {
    QFETCH(QString, text);
    QFETCH(QString, wrong);
    Page page;
    QVERIFY(page.write("- " + text.toUtf8() + " -"));
    const double right = page.seen(text).likeness;
    const double other = page.seen(wrong).likeness;
    QVERIFY2(right > kSame && other < right - kLess, qPrintable(QString("%1, %2").arg(right).arg(other)));
  }

  void eachTokenHasItsPlace_data() {
    QTest::addColumn<QString>("text");
    QTest::addColumn<QString>("positions");
    QTest::newRow("a letter of two tokens") << "aßb" << listed(range(5, 8));
    QTest::newRow("Chinese") << "你好" << listed(range(5, 10));
    QTest::newRow("Arabic") << "سلام" << listed(range(12, 5));
    QTest::newRow("an emoji of eleven tokens") << "\U0001F469\u200D\U0001F680" << listed(range(5, 15));
    QTest::newRow("no glyph at all") << "\u200B" << listed(range(5, 7));
  }
  /// Fails where a token cannot be pointed at, or stands on the wrong side.
  void eachTokenHasItsPlace() {
    QFETCH(QString, text);
    QFETCH(QString, positions);
    Page page;
    const int end = 5 + static_cast<int>(text.toUtf8().size());
    QVERIFY(page.write("-abc " + text.toUtf8() + " x"));
    const std::vector<int> all =
        page.positionsFrom(page.seen("abc").place, static_cast<std::size_t>(end - 1 + 2));
    QCOMPARE(listed(all), "1 2 3 4 " + positions + QString(" %1 %2").arg(end).arg(end + 1));
  }

  void whatIsNoCharacterYetIsBytes() {
    const QByteArray text = QString("- Straße").toUtf8();
    for (const bool whole : {false, true}) {
      Page page;
      QVERIFY(page.write(text, whole ? 8 : 7));
      const double bytes = page.seen("a<C3>").likeness;
      const double letter = page.seen("aß").likeness;
      QVERIFY2((whole ? letter : bytes) > kSame && (whole ? bytes : letter) < kSame - kLess,
               qPrintable(QString("%1, %2").arg(bytes).arg(letter)));
    }
    // Never one: the settings keep texts, so the bytes come as token ids.
    Page page;
    QVERIFY(page.prompt("45 32 97 195 122 228 189 45"));
    const double likeness = page.seen("a<C3>z<E4><BD>-").likeness;
    QVERIFY2(likeness > kSame, qPrintable(QString::number(likeness)));
  }

  void emojiKeepTheirColors() {
    const QString text = "\U0001F389 \u2764\uFE0F";
    for (const session::Theme theme : {session::Theme::Dark, session::Theme::Light}) {
      Page page;
      session::Appearance appearance = page.settings.appearance();
      appearance.theme = theme;
      page.settings.setAppearance(appearance);
      QVERIFY(page.write("- 你 " + text.toUtf8()));
      QFont font = page.font();
      font.setFamilies({"Noto Color Emoji", font.family()});
      const int expected =
          colorful(paintedText(text, font, toQt(page.palette().textFaint), toQt(page.palette().panel)));
      // Beside the frame of the first token.
      const QImage seen = page.text().copy(20, 0, 200, 60);
      QVERIFY(expected > 80);
      QVERIFY2(std::abs(colorful(seen) - expected) < expected / 5,
               qPrintable(QString("%1, not %2").arg(colorful(seen)).arg(expected)));
    }
  }

  /// Text that is kept as pixels of other fonts would be found at its old size, or not at all.
  void otherSizesAndThemesAreDrawnAnew() {
    Page page;
    const QString text = "你好";
    QVERIFY(page.write("- " + text.toUtf8() + " -"));
    QVERIFY(page.seen(text).likeness > kSame);
    session::Appearance appearance = page.live().appearance();
    appearance.theme = session::Theme::Light;
    for (const int percent : {200, 100}) {
      appearance.textPercent = percent;
      page.live().setAppearance(appearance);
      const double likeness = page.seen(text).likeness;
      QVERIFY2(likeness > kSame, qPrintable(QString("%1 %: %2").arg(percent).arg(likeness)));
    }
  }

  /// Axes, time line, inspector and tool tip of tokens that are whole by themselves.
  void otherViewsShowTheSameText() {
    Page page;
    QVERIFY(page.prompt("298 298 298 298 297 65"));
    page.selection().setHead(session::HeadAddress{0, 1, 2});
    page.selection().setPosition(4);
    const QFont small = page.font(2.0);
    const auto check = [&](const char* where, const QImage& image, const QString& expected, const QFont& font,
                           QColor ground) {
      const double likeness =
          find(inkOn(paintedText(expected, font), Qt::black), inkOn(image, ground)).likeness;
      QVERIFY2(likeness > kSame, qPrintable(QString("%1: %2").arg(where).arg(likeness)));
    };
    page.settle();  // charts make room for the inspector
    const QImage whole = page.picture();
    const auto part = [&](double left, double top, double width, double height) {
      return whole.copy(static_cast<int>(left * whole.width()), static_cast<int>(top * whole.height()),
                        static_cast<int>(width * whole.width()), static_cast<int>(height * whole.height()));
    };
    const QColor panel = toQt(page.palette().panel);
    check("time line", part(0.0, 0.88, 0.14, 0.12), "سلام", small, panel);
    // Beside the inspector's map, and below it.
    const QImage rows = part(0.58, 0.3, 0.1, 0.5);
    check("rows", rows, "你好", small, panel);
    check("rows", rows, "سلام", small, panel);
    const QImage columns = part(0.6, 0.5, 0.2, 0.45).transformed(QTransform().rotate(90));
    check("columns", columns, "你好", small, panel);
    check("columns", columns, "سلام", small, panel);

    page.moveMouse(page.textArea().topLeft() + QPoint(12, 14));
    QTest::qWait(50);
    const QImage tip = page.picture().copy(page.textArea().translated(0, 20));
    check("tool tip", tip, "你好", page.font(0.0, QFont::Medium), toQt(page.palette().raised));
  }

  /// What a character of several tokens is, the tip of each says.
  void tipsNameTheBytes() {
    Page page;
    QVERIFY(page.write(QString("- ß -").toUtf8()));
    page.moveMouse(page.textArea().topLeft() + page.seen("ß").place.topLeft() + QPoint(1, 4));
    const QImage tip = page.picture().copy(page.textArea().translated(0, 20));
    const auto likeness = [&](const QString& text, const QFont& font) {
      return find(inkOn(paintedText(text, font), Qt::black), inkOn(tip, toQt(page.palette().raised)))
          .likeness;
    };
    QVERIFY(likeness("<C3>", page.font(0.0, QFont::Medium)) > kSame);
    QVERIFY(likeness("ß", page.font()) > kSame);
  }

  /// Many lines of characters that are all different: the newest are in sight, and scrolling back finds the
  /// first.
  void longTexts() {
    QString text = "- ";
    for (char16_t letter = 0x4E00; letter < 0x4E00 + 600; ++letter) text += QChar(letter);
    Page page;
    QVERIFY(page.write(text.toUtf8()));
    const auto seen = [&](const QString& part) {
      QRect area = page.textArea();
      area.setWidth(page.live().width() - area.left());
      return find(inkOn(paintedText(part, page.font()), Qt::black),
                  inkOn(page.picture().copy(area), toQt(page.palette().panel)))
          .likeness;
    };
    page.selection().setPosition(0);
    QVERIFY(seen(text.mid(2, 3)) > kSame);
    QVERIFY(seen(text.right(3)) < kSame - kLess);
    page.selection().setPosition(page.length(0) - 40);
    QVERIFY(seen(text.right(3)) > kSame);
    QVERIFY(seen(text.mid(2, 3)) < kSame - kLess);
  }
};

HEADROOM_GUI_TEST_MAIN(TestAnyScript)
#include "tst_any_script.moc"
