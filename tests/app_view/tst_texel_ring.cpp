#include <QTest>
#include <map>
#include <random>
#include <vector>

#include "app/view/texel_ring.h"

using namespace headroom;
using view::TexelPlace;
using view::TexelRing;

/// Bounded memory that frames in flight read while it is filled.
class TestTexelRing : public QObject {
  Q_OBJECT

 private slots:
  void fillsPagesOneAfterTheOther() {
    TexelRing ring(100, 2, 2);
    ring.beginFrame();
    const auto first = ring.allocate(60);
    const auto second = ring.allocate(40);
    const auto third = ring.allocate(1);
    QVERIFY(first && second && third);
    QCOMPARE(first->page, 0u);
    QCOMPARE(second->page, 0u);
    QCOMPARE(second->first, 60u);
    QCOMPARE(third->page, 1u);
    QCOMPARE(ring.pageCount(), 2u);
    QVERIFY(!ring.allocate(101));
  }

  void whatFramesInFlightReadStays() {
    TexelRing ring(100, 2, 2);
    ring.beginFrame();  // frame 1
    const auto old = ring.allocate(100);
    const auto newer = ring.allocate(100);
    QVERIFY(!ring.allocate(1));  // frame 1 reads both
    ring.beginFrame();
    ring.use(*newer);
    QVERIFY(!ring.allocate(1));  // frame 1 may still run
    ring.beginFrame();           // frame 1 is done, frame 2 read the newer
    const auto next = ring.allocate(1);
    QVERIFY(next);
    QCOMPARE(next->page, old->page);
    QVERIFY(!ring.holds(*old));
    QVERIFY(ring.holds(*newer));
    QVERIFY(ring.holds(*next));
  }

  /// Any order of use: what a frame in flight reads is never given to another, and no more than the pages are
  /// used.
  void nothingInUseIsOverwritten() {
    constexpr int kFramesInFlight = 3;
    constexpr std::uint32_t kTexels = 64;
    constexpr std::uint32_t kPages = 6;
    std::mt19937 random(5);
    TexelRing ring(kTexels, kPages, kFramesInFlight);
    struct Use {
      TexelPlace place;
      std::uint32_t count = 0;
    };
    std::map<int, std::vector<Use>> usedBy;  // [frame]
    std::vector<Use> known;
    int given = 0;
    int refused = 0;
    for (int frame = 0; frame < 500; ++frame) {
      ring.beginFrame();
      usedBy.erase(frame - kFramesInFlight);
      for (int draw = 0; draw < 8; ++draw) {
        Use use;
        if (!known.empty() && random() % 2 == 0) {
          use = known[random() % known.size()];
          if (!ring.holds(use.place)) continue;
          ring.use(use.place);
        } else {
          use.count = 1 + random() % 30;
          const auto place = ring.allocate(use.count);
          if (!place) {
            ++refused;
            continue;
          }
          use.place = *place;
          ++given;
          QVERIFY(place->first + use.count <= kTexels);
          for (const auto& [reader, uses] : usedBy) {
            for (const Use& other : uses) {
              const bool overlaps = other.place.page == place->page &&
                                    other.place.first < place->first + use.count &&
                                    place->first < other.place.first + other.count;
              QVERIFY2(!overlaps,
                       qPrintable(QString("frame %1 overwrites what %2 reads").arg(frame).arg(reader)));
            }
          }
          known.push_back(use);
        }
        usedBy[frame].push_back(use);
      }
    }
    QVERIFY(ring.pageCount() <= kPages);
    QVERIFY2(given > 1000 && refused > 0, qPrintable(QString("%1, %2").arg(given).arg(refused)));
  }
};

QTEST_APPLESS_MAIN(TestTexelRing)
#include "tst_texel_ring.moc"
