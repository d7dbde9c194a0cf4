#pragma once

#include <QLabel>
#include <algorithm>
#include <cmath>
#include <vector>

#include "app/view/theme.h"
#include "tests/app_gui/fake_page.h"
#include "tests/app_gui/text_match.h"

namespace headroom::test {

/// The window around fake lanes in a size and type, and what can be seen and reached in it.
struct LayoutPage : FakePage {
  bool startAt(QSize size, int percent = 100, int lanes = 2) {
    if (lanes == 1) settings.setLanes({{"mha", 0, {}}});
    if (lanes == 3) settings.setLanes({{"mha", 0, {}}, {"gqa", 1, {}}, {"mqa", 2, {}}});
    start();
    const bool isDone = drawn() && QTest::qWaitFor(
                                       [&] {
                                         return application->session().state().finished &&
                                                length(lanes - 1) == 64 &&
                                                application->board().laneCount() == lanes &&
                                                application->board().measurement(0).measured();
                                       },
                                       20000);
    window().messages().dismiss();
    session::Appearance appearance = window().appearance();
    appearance.textPercent = percent;
    window().setAppearance(appearance);
    window().resize(size);
    const bool isSized = QTest::qWaitFor([&] { return window().size() == size; }, 5000);
    QTest::qWait(300);
    settle();
    return isDone && isSized;
  }
  /// Within the window, in whole.
  bool isInSight(const QWidget* widget) {
    return widget->isVisible() &&
           window().rect().contains(QRect(widget->mapTo(&window(), QPoint(0, 0)), widget->size()));
  }
  /// Everything that one can press or type into in the bar shows in whole, and touches nothing else there.
  QString troubleIn(const char* name) {
    const auto* bar = window().findChild<QWidget*>(name);
    std::vector<QRect> places;
    for (const QWidget* widget : bar->findChildren<QWidget*>(QString(), Qt::FindDirectChildrenOnly)) {
      if (!widget->isVisible() || widget->isWindow()) continue;
      const QString what = QString(widget->metaObject()->className()) + " " + widget->objectName();
      if (!isInSight(widget) || !bar->rect().contains(widget->geometry())) return what + " is cut";
      if (widget->width() < widget->minimumSizeHint().width() ||
          widget->height() < widget->minimumSizeHint().height())
        return what + " is too small";
      const auto* label = qobject_cast<const QLabel*>(widget);
      if (label && label->width() < label->sizeHint().width()) return what + " is cut short";
      for (const QRect& other : places)
        if (other.intersects(widget->geometry())) return what + " lies on another";
      places.push_back(widget->geometry());
    }
    return places.size() < 7 ? QString("only %1 controls").arg(places.size()) : QString();
  }
  QFont smallFont() {
    QFont font = view::qtFont(live().appearance());
    font.setPixelSize(static_cast<int>(std::lround(live().appearance().textSize() - 2.0f)));
    return font;
  }
  /// Where the words stand in small type on a ground, in the lowest part of the canvas.
  Match wordBelow(const QString& word, session::Color ground) {
    const QImage image = picture();
    const QRect part(0, image.height() * 2 / 3, image.width(), image.height() - image.height() * 2 / 3);
    Match match = find(inkOn(paintedText(word, smallFont()), Qt::black),
                       inkOn(image.copy(part), QColor(ground.red, ground.green, ground.blue)));
    match.place.translate(part.topLeft());
    return match;
  }
  /// For many places: what lies under the mouse is known once a frame was drawn.
  void pointAt(QPoint at) {
    const std::uint64_t before = live().frameCount();
    QTest::mouseMove(&live(), at);
    static_cast<void>(QTest::qWaitFor([&] { return live().frameCount() > before; }, 80));
  }
  /// Down a column of the canvas until `is`; -1 where it never is.
  template <typename Condition>
  int searchDown(int x, int from, Condition is, int step = 9) {
    for (int y = from; y < live().height(); y += step) {
      pointAt({x, y});
      if (is()) return y;
    }
    return -1;
  }
  bool isOnBracket(int lane) {
    const auto& pointed = selection().pointedKvHead();
    return pointed && pointed->lane == lane && !pointed->layer;
  }
  bool isOnCache() {
    const auto& pointed = selection().pointedKvHead();
    return pointed && pointed->layer;
  }
  /// Pixels down that are seen of the maps which begin above y, in a lane of `count`: along their right
  /// edges, where they are empty.
  std::vector<int> mapHeights(int lane, int count, int y) {
    const QImage image = picture();
    const session::Color empty = live().appearance().palette().mapGround;
    const auto isEmpty = [&](int x, int at) {
      const QRgb pixel = image.pixel(x, at);
      return qRed(pixel) == empty.red && qGreen(pixel) == empty.green && qBlue(pixel) == empty.blue;
    };
    std::vector<int> heights;
    for (int x = lane * image.width() / count; x + 1 < (lane + 1) * image.width() / count; ++x) {
      if (!isEmpty(x, y) || isEmpty(x + 1, y)) continue;
      int end = y;
      while (end < image.height() && isEmpty(x, end)) ++end;
      heights.push_back(end - y);
    }
    return heights;
  }
  /// The token at places of the first lane's text, a few per line: where lines break.
  std::vector<int> tokens(int top) {
    std::vector<int> found;
    for (int y = top; y < top + 36; y += 12) {
      for (const int x : {30, 60, 120}) {
        pointAt({x, y});
        const auto& token = selection().hoveredToken();
        found.push_back(token ? token->position : -1);
      }
    }
    moveMouse({2, 2});
    return found;
  }
};

}  // namespace headroom::test
