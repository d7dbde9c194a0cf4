#pragma once

#include <QWidget>
#include <optional>
#include <vector>

#include "app/pages/heads/head_sought.h"
#include "app/session/appearance.h"

namespace headroom::pages {

/// One number of all heads as colours: a block for each lane, a row for each layer, a column for each query
/// head, those that read one KV head side by side. All blocks have one scale; what is not known is hatched.
class ScoreGrid : public QWidget {
  Q_OBJECT

 public:
  ScoreGrid(const session::HeadBoard& board, QWidget* parent);

  void setAppearance(const session::Appearance& appearance);
  void refresh();
  void setSought(const HeadSought& sought);
  void setChosen(std::optional<HeadRow> row);

  QSize sizeHint() const override;
  QSize minimumSizeHint() const override { return sizeHint(); }
  /// Where a head is drawn, for tests and tips.
  QRectF cellOf(const HeadRow& row) const;

 signals:
  void chosen(const headroom::pages::HeadRow& row);

 protected:
  void paintEvent(QPaintEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  bool event(QEvent* event) override;

 private:
  /// Where an entry's block begins, and how high one is.
  double topOf(std::size_t entry) const;
  double cellSize() const;
  double line() const;
  double columnOf(const session::HeadReport& report, int queryHead) const;
  std::optional<HeadRow> rowAt(QPointF point) const;
  /// From `low` to `high`; with values below 0 as far to both sides.
  struct Scale {
    double low = 0.0;
    double high = 0.0;
    bool isKnown = false;  ///< of one head at least there is a value

    session::Color colorOf(double share) const;
    double shareOf(double value) const { return high > low ? (value - low) / (high - low) : 0.0; }
  };
  Scale scale() const;
  void paintBlock(QPainter& painter, std::size_t entry, const Scale& scale) const;
  void paintLegend(QPainter& painter, const Scale& scale) const;

  const session::HeadBoard& m_board;
  session::Appearance m_appearance;
  HeadSought m_sought;
  std::optional<HeadRow> m_chosen;
};

}  // namespace headroom::pages
