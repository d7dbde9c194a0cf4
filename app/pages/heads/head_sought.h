#pragma once

#include <QString>
#include <functional>
#include <optional>
#include <vector>

#include "app/pages/heads/head_table.h"

namespace headroom::pages {

/// What "Find" looks for: by which number heads are shown and sorted.
struct HeadSought {
  QString title;    ///< behind "Find:"
  QString purpose;  ///< a sentence
  QString measure;  ///< at the picture's scale
  QString name;     ///< in names of files
  int column = 0;   ///< of HeadTable
  bool largestFirst = true;
  std::function<double(const HeadRow&)> valueOf;  ///< NaN: not known
  std::function<QString(const HeadRow&)> textOf;  ///< of what is known
  const analysis::HeadColumn* number = nullptr;   ///< of the survey; null: the loss without the head
};

/// Every kind of head, and last those that the model loses most without.
std::vector<HeadSought> soughtHeads(const session::HeadBoard& board);
/// The head of an entry that shows it most; nothing where of none it is known.
std::optional<HeadRow> strongestOf(const HeadSought& sought, const session::HeadBoard& board,
                                   std::size_t entry);

}  // namespace headroom::pages
