#pragma once

#include <QDialog>

#include "app/session/speed_board.h"
#include "app/session/trace_store.h"

namespace headroom::pages {

/// What stands behind the verdict: per lane what a step's time consists of and the class it falls into, what
/// was compared with which range, what is expected farther on, and the last sweep.
class VerdictDetails : public QDialog {
  Q_OBJECT

 public:
  VerdictDetails(const session::TraceStore& store, const session::SpeedBoard& board, QWidget* parent);
};

}  // namespace headroom::pages
