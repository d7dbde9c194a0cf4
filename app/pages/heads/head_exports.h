#pragma once

#include <QString>
#include <functional>

#include "app/figures/head_figures.h"
#include "app/figures/subspace_figure.h"
#include "app/pages/heads/head_sought.h"
#include "app/session/head_board.h"

class QWidget;

namespace headroom::pages {

class HeadsPage;

/// What a view shows, for a file.
struct NamedFigure {
  QString name;  ///< of the file, without an ending
  figures::Figure figure;
};

/// What a right click on `view` offers: the figure that `make` makes as a picture, and as a table. The page
/// hands it on; the sentence of a model::Error is its message. `name` is of the actions.
void offerExports(QWidget& view, const QString& name, HeadsPage& page, std::function<NamedFigure()> make);

/// Of what the board knows, in colours for paper. Throw model::Error where it knows nothing of that.
NamedFigure scoresFigure(const session::HeadBoard& board, const HeadSought& sought);
NamedFigure pairsFigure(const session::HeadBoard& board, const analysis::HeadComparison& comparison);
NamedFigure directionsFigure(const session::HeadBoard& board, figures::SubspacesOf of);

}  // namespace headroom::pages
