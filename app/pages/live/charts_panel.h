#pragma once

#include <QTimer>
#include <QWidget>
#include <vector>

#include "app/pages/charts/chart.h"

namespace headroom::pages {

/// The charts below the live view, drawn anew at most a few times per second.
class ChartsPanel : public QWidget {
  Q_OBJECT

 public:
  explicit ChartsPanel(const ChartSource& source, QWidget* parent = nullptr);

  void setAppearance(const session::Appearance& appearance);
  /// At full speed the charts leave the processor to decoding.
  void setFullSpeed(bool fullSpeed);

 protected:
  void showEvent(QShowEvent* event) override;

 private:
  void request();
  void refresh();

  ChartSource m_source;
  std::vector<Chart*> m_charts;
  QTimer m_timer;
  int m_intervalMs = 0;
};

}  // namespace headroom::pages
