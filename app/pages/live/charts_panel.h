#pragma once

#include <QTimer>
#include <QWidget>
#include <vector>

#include "app/session/appearance.h"
#include "app/session/selection.h"
#include "app/session/trace_store.h"

namespace headroom::pages {

class Chart;

/// The charts below the live view, drawn anew at most a few times per second.
class ChartsPanel : public QWidget {
  Q_OBJECT

 public:
  ChartsPanel(const session::TraceStore& store, const session::Selection& selection,
              QWidget* parent = nullptr);

  void setAppearance(const session::Appearance& appearance);
  /// At full speed the charts leave the processor to decoding.
  void setFullSpeed(bool fullSpeed);

 protected:
  void showEvent(QShowEvent* event) override;

 private:
  void request();
  void refresh();

  const session::TraceStore& m_store;
  const session::Selection& m_selection;
  std::vector<Chart*> m_charts;
  QTimer m_timer;
  int m_intervalMs = 0;
};

}  // namespace headroom::pages
