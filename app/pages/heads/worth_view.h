#pragma once

#include <QWidget>
#include <optional>

#include "app/pages/heads/head_table.h"
#include "app/session/head_worth.h"

class QLabel;
class QScrollArea;
class QToolButton;

namespace headroom::pages {

/// The losses without query heads and without KV heads of all lanes as bars, what costs most first, and
/// whether a shared KV head carries more than any single head.
class WorthView : public QWidget {
  Q_OBJECT

 public:
  WorthView(const session::HeadBoard& board, QWidget* parent);

  void setAppearance(const session::Appearance& appearance);
  void refresh();

 signals:
  void chosen(const headroom::pages::HeadRow& row);
  /// Comma-separated values, for the clipboard.
  void copyWanted(const std::string& csv);

 private:
  class Bars;

  const session::HeadBoard& m_board;
  QLabel* m_answer;
  QToolButton* m_copy;
  QScrollArea* m_scroll;
  Bars* m_bars;
};

}  // namespace headroom::pages
