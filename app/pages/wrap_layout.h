#pragma once

#include <QLayout>
#include <vector>

namespace headroom::pages {

/// Puts widgets side by side, and on further rows what has no room in the first. What is left of a row goes
/// to those in it that grow sideways.
class WrapLayout : public QLayout {
 public:
  explicit WrapLayout(QWidget* parent);
  ~WrapLayout() override;

  void addItem(QLayoutItem* item) override;
  int count() const override;
  QLayoutItem* itemAt(int index) const override;
  QLayoutItem* takeAt(int index) override;
  Qt::Orientations expandingDirections() const override { return Qt::Horizontal; }
  bool hasHeightForWidth() const override { return true; }
  int heightForWidth(int width) const override;
  /// All on one row.
  QSize sizeHint() const override;
  /// The widest by itself.
  QSize minimumSize() const override;
  void setGeometry(const QRect& rect) override;

 private:
  struct Row {
    std::vector<QLayoutItem*> items;
    int width = 0;  // with the spaces between them
    int height = 0;
  };
  /// How wide it is at least: its usual width, unless it grows.
  static int widthOf(const QLayoutItem& item);
  std::vector<Row> rows(int width) const;
  void place(const Row& row, const QRect& area) const;

  std::vector<QLayoutItem*> m_items;  // owned, as Qt's layouts own theirs
};

}  // namespace headroom::pages
