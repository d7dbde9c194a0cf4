#include "app/pages/heads/heads_page.h"

#include <QClipboard>
#include <QFileDialog>
#include <QGuiApplication>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QPushButton>
#include <QScrollArea>
#include <QScrollBar>
#include <QSignalBlocker>
#include <QSplitter>
#include <QStackedWidget>
#include <QTabBar>
#include <QTableView>
#include <QToolButton>
#include <QVBoxLayout>
#include <algorithm>

#include "app/pages/heads/attribution_view.h"
#include "app/pages/heads/head_actions.h"
#include "app/pages/heads/head_exports.h"
#include "app/pages/heads/head_pairs_view.h"
#include "app/pages/heads/lens_view.h"
#include "app/pages/heads/pair_matrices.h"
#include "app/pages/heads/patch_view.h"
#include "app/pages/heads/repeated_tokens_popover.h"
#include "app/pages/heads/score_grid.h"
#include "app/pages/heads/subspace_chart.h"
#include "app/pages/heads/worth_view.h"
#include "app/pages/quiet_combo_box.h"
#include "app/pages/texts.h"
#include "app/session/progress_text.h"
#include "core/model/error.h"

namespace headroom::pages {

namespace {
constexpr int kLanesText = 0;
constexpr int kFileText = 1;
/// Pixels; more heads than that are scrolled to.
constexpr int kWidestGrid = 420;
/// Behind those that show what was measured of heads.
constexpr int kFirstInsideTab = 4;
/// Places in the stack.
constexpr int kIntroductionPlace = 0;
constexpr int kResultsPlace = 1;
constexpr int kFirstInsidePlace = 2;
}  // namespace

HeadsPage::HeadsPage(session::HeadBoard& board, session::InsideBoard& inside, session::Selection& selection,
                     QWidget* parent)
    : Page(parent),
      m_board(board),
      m_selection(selection),
      m_sought(soughtHeads(board)),
      m_table(new HeadTable(board, this)),
      m_filter(new HeadFilter(*m_table)),
      m_measure(new QPushButton("Measure heads", this)),
      m_texts(new QuietComboBox(this)),
      m_kinds(new QuietComboBox(this)),
      m_lanes(new QuietComboBox(this)),
      m_repeatedButton(new QToolButton(this)),
      m_copy(new QToolButton(this)),
      m_save(new QToolButton(this)),
      m_repeated(new RepeatedTokensPopover(this)),
      m_worth(new WorthView(board, this)),
      m_tabs(new QTabBar(this)),
      m_controls(new QWidget(this)),
      m_progress(new QWidget(this)),
      m_progressText(new QLabel(m_progress)),
      m_stack(new QStackedWidget(this)),
      m_views(new QStackedWidget(this)),
      m_summary(new QLabel(this)),
      m_answer(new QLabel(this)),
      m_scroll(new QScrollArea(this)),
      m_grid(new ScoreGrid(board, this)),
      m_view(new QTableView(this)),
      m_pairs(new HeadPairsView(board, this)),
      m_subspaces(new SubspaceChart(board, this)),
      m_actions(new HeadActions(board, this)) {
  setObjectName("headsPage");
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(0);
  layout->addWidget(m_tabs);
  layout->addWidget(createControls());
  auto* line = new QHBoxLayout;
  line->setSpacing(0);
  line->addWidget(m_answer, 1);
  line->addWidget(m_progress);
  layout->addLayout(line);
  layout->addWidget(m_stack, 1);

  auto* results = new QWidget(this);
  auto* rows = new QVBoxLayout(results);
  rows->setContentsMargins(0, 0, 0, 0);
  rows->setSpacing(2);
  for (QLabel* label : {m_answer, m_summary}) {
    label->setWordWrap(true);
    label->setContentsMargins(8, 2, 8, 2);
  }
  rows->addWidget(m_summary);
  m_answer->setObjectName("headsAnswer");
  m_answer->setTextFormat(Qt::RichText);
  m_summary->setObjectName("headsSummary");
  m_summary->setEnabled(false);
  auto* splitter = new QSplitter(Qt::Horizontal, results);
  m_scroll->setWidget(m_grid);
  m_scroll->setWidgetResizable(true);
  m_scroll->setFrameShape(QFrame::NoFrame);
  splitter->addWidget(m_scroll);
  splitter->addWidget(m_views);
  splitter->setStretchFactor(1, 1);
  rows->addWidget(splitter, 1);
  rows->addWidget(m_actions);
  m_stack->addWidget(createIntroduction());
  m_stack->addWidget(results);
  createTabs(inside);

  m_view->setObjectName("headTable");
  m_view->setModel(m_filter);
  m_view->setSortingEnabled(true);
  m_view->setSelectionBehavior(QAbstractItemView::SelectRows);
  m_view->setSelectionMode(QAbstractItemView::SingleSelection);
  m_view->setAlternatingRowColors(true);
  m_view->setShowGrid(false);
  m_view->verticalHeader()->hide();
  m_view->horizontalHeader()->setHighlightSections(false);

  connect(m_view->selectionModel(), &QItemSelectionModel::currentRowChanged, this,
          [this](const QModelIndex& now) {
            if (now.isValid()) choose(m_table->row(m_filter->mapToSource(now).row()));
          });
  connect(m_view, &QTableView::doubleClicked, this, &HeadsPage::liveWanted);
  offerExports(*m_grid, "heads", *this, [this] { return scoresFigure(m_board, sought()); });
  offerExports(m_pairs->matrices(), "pairs", *this,
               [this] { return pairsFigure(m_board, m_pairs->comparison()); });
  for (const figures::SubspacesOf of : {figures::SubspacesOf::Weights, figures::SubspacesOf::Cache}) {
    offerExports(m_subspaces->plot(of), of == figures::SubspacesOf::Weights ? "weights" : "cache", *this,
                 [this, of] { return directionsFigure(m_board, of); });
  }
  connect(m_grid, &ScoreGrid::chosen, this, &HeadsPage::choose);
  connect(m_worth, &WorthView::chosen, this, &HeadsPage::choose);
  connect(m_worth, &WorthView::copyWanted, this, &HeadsPage::copy);
  connect(m_actions, &HeadActions::mapWanted, this, &HeadsPage::liveWanted);
  connect(m_repeated, &RepeatedTokensPopover::readWanted, this, &HeadsPage::repeatedWanted);
  connect(m_answer, &QLabel::linkActivated, this, [this](const QString& link) {
    choose({link.section(':', 0, 0).toULongLong(), link.section(':', 1, 1).toULongLong()});
  });
  connect(&board, &session::HeadBoard::changed, this, &HeadsPage::refresh);
  connect(&board, &session::HeadBoard::studyingChanged, this, &HeadsPage::refreshProgress);
  connect(&selection, &session::Selection::changed, this, &HeadsPage::chooseSelected);
  refresh();
  refreshProgress();
}

void HeadsPage::createTabs(session::InsideBoard& inside) {
  m_tabs->setObjectName("headTabs");
  m_tabs->setDocumentMode(true);
  m_tabs->setExpanding(false);
  const auto add = [this](QStackedWidget* stack, QWidget* view, const char* title, const char* purpose) {
    stack->addWidget(view);
    m_tabs->setTabToolTip(m_tabs->addTab(title), inLines(purpose));
  };
  add(m_views, m_view, "All heads", "What each head looks at, in numbers");
  add(m_views, m_pairs, "Are they alike?", "How alike the heads of a layer look, write and store");
  add(m_views, m_worth, "What are they worth?", "What a model loses without a head, or a KV head");
  add(m_views, m_subspaces, "Directions of keys and values",
      "How many directions the keys and values of a layer take");
  const auto addInside = [&](InsideView* view, const char* title, const char* purpose) {
    add(m_stack, view, title, purpose);
    m_inside.push_back(view);
    connect(view, &InsideView::summaryChanged, this, [this] { m_answer->setText(line()); });
    connect(view, &InsideView::copyWanted, this, &HeadsPage::copy);
    connect(view, &InsideView::saveWanted, this, &HeadsPage::saveWanted);
  };
  addInside(new LensView(inside, m_selection, this), "Layer by layer",
            "What the model would say if it ended after a layer (the logit lens)");
  addInside(new AttributionView(inside, m_selection, this), "What adds to a token",
            "What each head and layer adds to the logit of a token (direct logit attribution)");
  addInside(new PatchView(inside, m_selection, this), "Patching",
            "Which heads, or positions and layers, carry what tells two texts apart (activation patching)");
  connect(m_tabs, &QTabBar::currentChanged, this, &HeadsPage::showTab);
}

const InsideView* HeadsPage::inside() const {
  const int index = m_tabs->currentIndex() - kFirstInsideTab;
  return index < 0 ? nullptr : m_inside[static_cast<std::size_t>(index)];
}

void HeadsPage::showTab() {
  const int tab = m_tabs->currentIndex();
  m_controls->setVisible(!inside());
  if (inside()) {
    m_stack->setCurrentIndex(kFirstInsidePlace + tab - kFirstInsideTab);
  } else {
    m_views->setCurrentIndex(tab);
    m_stack->setCurrentIndex(m_board.entries().empty() ? kIntroductionPlace : kResultsPlace);
  }
  m_answer->setText(line());
  emit messageAreaChanged();
}

QString HeadsPage::line() const {
  if (inside()) return inside()->summary().toHtmlEscaped();
  return m_board.entries().empty() ? QString() : answer();
}

void HeadsPage::copy(const std::string& csv) {
  QGuiApplication::clipboard()->setText(toQt(csv));
  emit message({session::Severity::Passing, "The table is on the clipboard."});
}

void HeadsPage::measure() {
  m_board.study(m_text, m_repeated->repeated());
}

void HeadsPage::chooseText(int index) {
  if (index == kLanesText) {
    m_text = {};
  } else if (index == kFileText) {
    const QString path =
        QFileDialog::getOpenFileName(this, "A text to read", QString(), "Texts (*.txt *.md);;All files (*)");
    try {
      if (!path.isEmpty()) m_text = session::readStudyText(path);
    } catch (const model::Error& error) {
      emit message({session::Severity::Problem, error.what()});
    }
  }
  // A text that was chosen stands behind the two ways to choose one.
  while (m_texts->count() > kFileText + 1) m_texts->removeItem(kFileText + 1);
  if (!m_text.ofLanes()) m_texts->addItem(toQt(m_text.name));
  m_texts->setCurrentIndex(m_text.ofLanes() ? kLanesText : kFileText + 1);
}

const HeadSought& HeadsPage::sought() const {
  return m_sought[static_cast<std::size_t>(std::max(m_kinds->currentIndex(), 0))];
}

void HeadsPage::sortBySought() {
  m_grid->setSought(sought());
  // What is looked for stands first, in narrow windows too, and the loss behind it.
  QHeaderView* header = m_view->horizontalHeader();
  const int first = HeadTable::FirstNumber;
  header->moveSection(header->visualIndex(HeadTable::lossColumn()), first);
  header->moveSection(header->visualIndex(sought().column), first);
  m_view->sortByColumn(sought().column, sought().largestFirst ? Qt::DescendingOrder : Qt::AscendingOrder);
  m_view->scrollToTop();
  m_answer->setText(line());
}

void HeadsPage::choose(const HeadRow& row) {
  if (row.entry >= m_board.entries().size() || m_chosen == row) return;
  m_chosen = row;
  m_grid->setChosen(row);
  m_actions->setChosen(row);
  showChosen();
  const auto& head = m_board.entries()[row.entry].report.survey.heads[row.head];
  if (const std::optional<int> lane = m_board.laneOf(row.entry))
    m_selection.setHead(session::HeadAddress{*lane, head.layer, head.queryHead});
}

void HeadsPage::showChosen() {
  if (!m_chosen) return;
  const std::optional<int> index = m_table->indexOf(*m_chosen);
  if (!index) return;
  const QModelIndex shown = m_filter->mapFromSource(m_table->index(*index, 0));
  if (shown.isValid() && m_view->currentIndex().row() != shown.row()) m_view->selectRow(shown.row());
}

void HeadsPage::chooseSelected() {
  if (!m_selection.head()) return;
  const session::HeadAddress& head = *m_selection.head();
  for (std::size_t entry = 0; entry < m_board.entries().size(); ++entry) {
    const session::HeadReport& report = m_board.entries()[entry].report;
    if (m_board.laneOf(entry) != head.lane || head.layer >= report.config.layerCount) continue;
    choose({entry,
            static_cast<std::size_t>(head.layer * report.config.attention.queryHeadCount + head.queryHead)});
  }
}

QString HeadsPage::summary() const {
  const auto& entries = m_board.entries();
  if (entries.empty()) return {};
  const auto read = [](const session::HeadReport& report) {
    return QString("%1 positions of %2%3")
        .arg(grouped(report.survey.positions),
             report.textName.empty() ? QString("what was decoded") : toQt(report.textName),
             report.survey.isWhole ? "" : " (stopped before its end)");
  };
  const bool areAlike = std::ranges::all_of(
      entries, [&](const auto& entry) { return read(entry.report) == read(entries.front().report); });
  QStringList texts;
  for (const session::HeadBoard::Entry& entry : entries)
    texts << QString("%1: %2").arg(toQt(entry.report.title), read(entry.report));
  return QString("Means over %1, computed from captured attention. Induction: %2.%3")
      .arg(areAlike ? read(entries.front().report) : texts.join("; "),
           RepeatedTokensPopover::summary(entries.front().report.repeated),
           entries.front().report.textName.empty()
               ? " What follows the prompt was chosen by models, which find their own choices easier to "
                 "predict: compare losses on a file."
               : "");
}

QString HeadsPage::answer() const {
  QString text;
  for (std::size_t entry = 0; entry < m_board.entries().size(); ++entry) {
    const std::optional<HeadRow> row = strongestOf(sought(), m_board, entry);
    if (!row) continue;
    const session::HeadReport& report = m_board.entries()[entry].report;
    const analysis::HeadSurvey::Head& head = report.survey.heads[row->head];
    text += QString("%1<a href='%2:%3'>%4 %5</a> %6")
                .arg(text.isEmpty() ? "" : " \u00b7 ")
                .arg(entry)
                .arg(row->head)
                .arg(toQt(report.title).toHtmlEscaped(), toQt(model::headName({head.layer, head.queryHead})),
                     sought().textOf(*row));
  }
  if (text.isEmpty())
    return "No loss is known yet: choose a head, then <b>Loss without it</b>, or <b>Loss without each "
           "head</b>.";
  return QString("<b>Strongest: %1.</b> %2").arg(sought().title.toLower(), text);
}

void HeadsPage::refresh() {
  const bool isSame = m_lanes->count() == static_cast<int>(m_board.entries().size()) + 1;
  if (m_chosen && (m_chosen->entry >= m_board.entries().size() ||
                   m_chosen->head >= m_board.entries()[m_chosen->entry].report.survey.heads.size())) {
    m_chosen.reset();
    m_grid->setChosen(std::nullopt);
    m_actions->setChosen(std::nullopt);
  }
  if (!isSame) {
    m_lanes->clear();
    m_lanes->addItem("Heads of all lanes");
    for (const session::HeadBoard::Entry& entry : m_board.entries())
      m_lanes->addItem(QString("Heads of %1").arg(toQt(entry.report.title)));
    m_filter->setEntry(std::nullopt);
  }
  m_table->refresh();
  m_grid->refresh();
  m_pairs->refresh();
  m_subspaces->refresh();
  m_worth->refresh();
  m_actions->refresh();
  const bool isEmpty = m_board.entries().empty();
  for (QWidget* widget : {static_cast<QWidget*>(m_kinds), static_cast<QWidget*>(m_lanes),
                          static_cast<QWidget*>(m_copy), static_cast<QWidget*>(m_save)})
    widget->setEnabled(!isEmpty);
  m_summary->setText(summary());
  if (!isSame && !isEmpty) {
    sortBySought();
    fitColumns();
  }
  showChosen();
  fitGrid();
  showTab();
}

void HeadsPage::refreshProgress() {
  const session::Studying& studying = m_board.studying();
  m_progress->setVisible(studying.underWay);
  m_measure->setEnabled(!studying.underWay);
  if (studying.underWay) m_progressText->setText(toQt(session::progressText(studying)));
  m_actions->refresh();
}

QRect HeadsPage::messageArea() const {
  // What can be done with the chosen head stays in reach.
  return m_stack->currentIndex() != kResultsPlace ? rect() : rect().adjusted(0, 0, 0, -m_actions->height());
}

void HeadsPage::setAppearance(const session::Appearance& appearance) {
  m_table->setAppearance(appearance);
  m_grid->setAppearance(appearance);
  m_pairs->setAppearance(appearance);
  m_subspaces->setAppearance(appearance);
  m_worth->setAppearance(appearance);
  for (InsideView* view : m_inside) view->setAppearance(appearance);
  // Links have the colour of the palette that was there when they were set.
  m_answer->clear();
  m_answer->setText(line());
  m_view->verticalHeader()->setDefaultSectionSize(static_cast<int>(1.7f * appearance.textSize()));
  fitColumns();
  fitGrid();
}

void HeadsPage::fitGrid() {
  const int most = std::max(kWidestGrid, width() * 2 / 5);
  m_scroll->setMinimumWidth(std::min(m_grid->sizeHint().width(), most) +
                            m_scroll->verticalScrollBar()->sizeHint().width());
}

void HeadsPage::resizeEvent(QResizeEvent* event) {
  Page::resizeEvent(event);
  fitGrid();
}

void HeadsPage::fitColumns() {
  m_view->resizeColumnsToContents();
  // Heads that go are named so without the columns moving, losses come later.
  const QFontMetrics metrics(m_view->font());
  const auto widen = [&](int column, const char* text) {
    const int wanted = metrics.horizontalAdvance(text) + 16;
    if (m_view->columnWidth(column) < wanted) m_view->setColumnWidth(column, wanted);
  };
  widen(HeadTable::Head, "L88H88 off");
  widen(HeadTable::lossColumn(), "+0.0000 \u00b1 0.0000");
}

}  // namespace headroom::pages
