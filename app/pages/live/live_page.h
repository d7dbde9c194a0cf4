#pragma once

#include <optional>
#include <vector>

#include "app/pages/live/verdict_strip.h"
#include "app/pages/page.h"
#include "app/session/workspace.h"

class QAction;
class QSplitter;

namespace headroom::pages {

class FindBar;

class LaneControls;
class LowerPanel;
class TransportBar;

/// Lanes that decode: transport and controls above the live view, verdict and charts below it.
class LivePage : public Page {
  Q_OBJECT

 public:
  /// `live` is the live view, or what stands in its place; the page takes it over.
  LivePage(session::SessionHost& session, session::TraceStore& store, session::SpeedBoard& board,
           session::Selection& selection, session::Workspace& workspace, QWidget* live, QWidget* parent);

  QString title() const override { return "Live"; }
  QString purpose() const override { return "Decode a text in lanes side by side and look inside"; }
  void setAppearance(const session::Appearance& appearance) override;
  void addCommands(const PageMenus& menus) override;
  /// Over the maps of the lanes.
  QRect messageArea() const override;
  /// Where that is in the live view; whether it is another place than before.
  bool setMessageArea(const QRect& area);
  /// What is remembered of the controls, and how the height was divided.
  void showSettings(const session::Settings& settings);
  /// Pace, sampling and a text's end as they are remembered.
  void showChoices(const session::Settings& settings);
  void setPresets(QMenu* presets);
  /// The bar that finds tokens goes; false where there is none.
  bool closeFind();
  /// The menu with what can be opened in a lane.
  void openLaneMenu();
  /// Whether charts are to be seen below the lanes; nothing: where the window is high enough. Gives what was
  /// wanted before.
  std::optional<bool> wantCharts(std::optional<bool> wanted);
  /// How the height is divided between lanes and charts.
  QByteArray layoutState() const;

 signals:
  void openFileRequested();

 protected:
  void resizeEvent(QResizeEvent* event) override;

 private:
  void divide(QWidget* live);
  /// Maps before charts: in a low window, and while a head is inspected, the charts wait until somebody asks
  /// for them, and in a lower window the settings of lanes do.
  void fitCharts();
  /// The user's own choice: beside the inspector, or without it.
  void chooseCharts(bool open);
  void fitLaneSettings();
  int heightForCharts() const;
  int heightForChartsAndInspector() const;
  int heightForLaneSettings() const;
  /// A sweep, and the chart of what it measures.
  void measureSpeed();
  void connectTransport();
  void connectControls();
  void addDecodeCommands(QMenu* menu);
  void addExplainCommands(QMenu* menu);
  void addLookCommands(QMenu* menu);
  void showState(const session::SessionState& state);
  void showLanes();
  /// While no lane stands: those that were asked for.
  void showComing();
  void showPrompt(const std::string& prompt, session::PromptForm form);
  void showLowerView(LowerView view);
  /// What the view below has, as the user left it.
  void rememberHeight();
  /// Between lanes and what lies below, as the user left it or as the view needs.
  void divideHeight();
  void goThere();
  /// Commands that have nothing to do now are greyed.
  void offerCommands();

  session::SessionHost& m_session;
  session::TraceStore& m_store;
  session::Selection& m_selection;
  session::Workspace& m_workspace;
  TransportBar* m_transport;
  FindBar* m_find;
  LaneControls* m_controls;
  LowerPanel* m_lower;
  QSplitter* m_splitter;
  QWidget* m_lanes;
  std::vector<int> m_lowerHeights;  // of each lower view, as the user left it; 0: never moved
  LowerView m_lowerView = LowerView::Charts;
  session::Appearance m_appearance;
  QRect m_messageArea;
  bool m_inspects = false;
  std::optional<bool> m_wantsCharts;  ///< by the user's own choice, in this window's size
  std::optional<bool> m_wantsChartsBesideInspector;
  std::optional<bool> m_wantsLaneSettings;
  QAction* m_goThere = nullptr;
  QAction* m_goBack = nullptr;
  QAction* m_stopFilling = nullptr;
  QAction* m_stopMeasuring = nullptr;
  QAction* m_chat = nullptr;
  QAction* m_ids = nullptr;
};

}  // namespace headroom::pages
