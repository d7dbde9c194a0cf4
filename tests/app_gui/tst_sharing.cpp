#include "app/pages/live/weights_view.h"
#include "tests/app_gui/fake_page.h"

using namespace headroom;
using test::countPixels;

namespace {

struct Page : test::FakePage {
  /// Moves the mouse down in a column of the live view until a KV head is pointed at.
  bool findKvHead(int x, int fromY, int toY) {
    for (int y = fromY; y < toY && !selection().pointedKvHead(); y += 5) moveMouse({x, y});
    return selection().pointedKvHead().has_value();
  }
  /// Pixels of the attention that the fake heads give to one position.
  int bright(const QImage& image, QRectF lane) {
    return countPixels(image, session::colorOf(session::ColorMap::Viridis, 0.94), lane, 24);
  }
};

}  // namespace

/// Pointing at a KV head lights what reads it and what it takes, in every lane.
class TestSharing : public QObject {
  Q_OBJECT

 private slots:
  void cleanup() { QCOMPARE(test::validationErrorCount().load(), 0); }

  void bracketOfTheWall() {
    Page page;
    QVERIFY(page.startPaused());
    const QImage before = page.picture();
    const int live = page.live().width();
    // The wall's brackets stand above its maps, in the upper half.
    QVERIFY(page.findKvHead(live / 4, page.live().height() / 6, page.live().height() / 2));
    const session::KvHeadAddress pointed = *page.selection().pointedKvHead();
    QCOMPARE(pointed.lane, 0);
    QVERIFY(!pointed.layer);
    const auto here = page.selection().litHeads(page.store(), 0);
    QVERIFY(here && here->heads.query == (model::HeadRange{pointed.kvHead, pointed.kvHead + 1}));
    QCOMPARE(page.selection().litHeads(page.store(), 1)->heads.query, (model::HeadRange{0, 8}));
    // One of eight columns stays bright in MHA, all of them in MQA, whose one KV head serves that query head
    // too. (The mouse's tool tip covers some.)
    const QImage lit = page.picture();
    const int left = page.bright(before, test::kLeftLane);
    QVERIFY2(left > 200, qPrintable(QString::number(left)));
    QVERIFY(page.bright(lit, test::kLeftLane) < left / 4);
    QVERIFY(page.bright(lit, test::kRightLane) > page.bright(before, test::kRightLane) * 8 / 10);
    page.moveMouse({live - 5, 5});
    QVERIFY(!page.selection().pointedKvHead());
    QVERIFY(page.bright(page.picture(), test::kLeftLane) > left * 9 / 10);
  }

  void stripOfTheCache() {
    Page page;
    QVERIFY(page.startPaused());
    // MHA's cache has 3 layers of 8 strips.
    QVERIFY(page.findKvHead(60, page.live().height() * 6 / 10, page.live().height() - 70));
    const session::KvHeadAddress first = *page.selection().pointedKvHead();
    QCOMPARE(first.lane, 0);
    QVERIFY(first.layer.has_value() && *first.layer < 3 && first.kvHead < 8);
    const auto other = page.selection().litHeads(page.store(), 1);
    QVERIFY(other && other->heads.kv == (model::HeadRange{0, 1}) && other->isLayer(*first.layer));
    QVERIFY(!other->isLayer(*first.layer + 1));
    const QImage lit = page.picture();
    page.moveMouse({page.live().width() - 5, 5});
    const QImage without = page.picture();
    // A lit strip has the lane's colour as it is; without one every strip lets the ground through.
    const session::Color color = session::paletteOf(session::Theme::Dark).lanes[1];
    const QRectF cache{0.5, 0.6, 0.25, 0.3};
    QVERIFY(countPixels(lit, color, cache, 4) > countPixels(without, color, cache, 4) + 20);
  }

  void columnsOfTheWeights() {
    Page page;
    QVERIFY(page.startPaused());
    QTest::keyClick(&page.window(), Qt::Key_4, Qt::ControlModifier);
    auto* weights = page.window().findChild<pages::WeightsView*>();
    QTRY_VERIFY(weights && weights->isVisible() && !weights->drawn().empty());
    const auto drawn = [&](int lane, std::string_view symbol) {
      return std::ranges::find_if(weights->drawn(),
                                  [&](const pages::WeightsView::Drawn& matrix) {
                                    return matrix.lane == lane && matrix.matrix.symbol == symbol;
                                  })
          ->area;
    };
    // MHA's key matrix: the last eighth of its columns belongs to KV head 7.
    const QRectF keys = drawn(0, "W_K");
    QTest::mouseMove(weights, QPointF(keys.right() - keys.width() / 16, keys.center().y()).toPoint());
    QTRY_VERIFY(page.selection().pointedKvHead().has_value());
    QCOMPARE(*page.selection().pointedKvHead(), (session::KvHeadAddress{0, 7}));
    const QImage image = weights->grab().toImage().convertToFormat(QImage::Format_RGB32);
    const QColor lit = QColor::fromRgb(
        image.pixel(drawn(0, "W_V").right() - keys.width() / 16, drawn(0, "W_V").center().y()));
    const QColor dim = QColor::fromRgb(
        image.pixel(drawn(0, "W_V").left() + keys.width() / 16, drawn(0, "W_V").center().y()));
    const session::Color color = session::paletteOf(session::Theme::Dark).lanes[0];
    QCOMPARE(lit, QColor(color.red, color.green, color.blue));
    QVERIFY(dim != lit);
    QTest::mouseMove(weights, QPoint(weights->width() - 3, weights->height() - 3));
    QTRY_VERIFY(!page.selection().pointedKvHead());
  }
};

HEADROOM_GUI_TEST_MAIN(TestSharing)
#include "tst_sharing.moc"
