#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QToolButton>
#include <QVBoxLayout>
#include <optional>

#include "app/pages/heads/heads_page.h"
#include "app/pages/heads/repeated_tokens_popover.h"
#include "app/pages/quiet_combo_box.h"
#include "app/pages/texts.h"
#include "app/pages/wrap_layout.h"

/// What stands above the views of heads, and in their place before anything is measured.
namespace headroom::pages {

namespace {
constexpr const char* kIntroduction =
    "<h3>What does each head look at?</h3>"
    "<p>Measure reads a text in every lane's model and adds up the attention of all heads: which continue "
    "what "
    "was said before, which look at the token before, which put what they have no use for on the first "
    "position, "
    "and whether heads that share keys and values still differ.</p>"
    "<p>Then choose a head to see its map, to decode without it, or to find out what the model loses without "
    "it.</p>";
}  // namespace

QWidget* HeadsPage::createControls() {
  auto* row = new WrapLayout(m_controls);
  row->setContentsMargins(8, 6, 8, 4);
  row->setSpacing(6);
  const auto add = [row](QWidget* widget, const char* name, const QString& tip) {
    widget->setObjectName(name);
    widget->setToolTip(inLines(tip));
    row->addWidget(widget);
  };
  add(m_measure, "measureHeads",
      "Reads the text in every lane's model, with all its heads, and adds up what each head looks at. "
      "Decoding "
      "pauses meanwhile.");
  m_texts->addItem("What the lanes have decoded");
  m_texts->addItem("A text file\u2026");
  add(m_texts, "headsText", "The text that is read");
  m_repeatedButton->setText("Induction test\u2026");
  add(m_repeatedButton, "repeatedTokens", "The random tokens that are said again to find induction heads");
  for (const HeadSought& sought : m_sought) {
    m_kinds->addItem("Find: " + sought.title);
    m_kinds->setItemData(m_kinds->count() - 1, sought.purpose, Qt::ToolTipRole);
  }
  add(m_kinds, "headKinds",
      "Which kind of head is looked for: what the picture shows and the table is sorted by");
  add(m_lanes, "headLanes", "Whose heads are in the table");
  m_copy->setText("Copy table");
  add(m_copy, "copyHeads", "All heads of all lanes as comma-separated values, to the clipboard");
  m_save->setText("Save table\u2026");
  add(m_save, "saveHeads", "All heads of all lanes as comma-separated values, into a file");
  for (QuietComboBox* box : {m_texts, m_kinds, m_lanes})
    box->setSizeAdjustPolicy(QComboBox::AdjustToContents);

  auto* progress = new QHBoxLayout(m_progress);
  progress->setContentsMargins(8, 2, 8, 2);
  auto* cancel = new QToolButton(m_progress);
  cancel->setText("Cancel");
  cancel->setObjectName("cancelStudy");
  m_progressText->setObjectName("studyProgress");
  progress->addWidget(m_progressText);
  progress->addWidget(cancel);
  // Nothing moves when a study begins or ends.
  QSizePolicy keepsRoom = m_progress->sizePolicy();
  keepsRoom.setRetainSizeWhenHidden(true);
  m_progress->setSizePolicy(keepsRoom);
  connect(cancel, &QToolButton::clicked, this, [this] { m_board.cancel(); });
  connect(m_measure, &QPushButton::clicked, this, &HeadsPage::measure);
  connect(m_texts, &QComboBox::activated, this, &HeadsPage::chooseText);
  connect(m_kinds, &QComboBox::activated, this, &HeadsPage::sortBySought);
  connect(m_lanes, &QComboBox::activated, this, [this](int index) {
    m_filter->setEntry(index > 0 ? std::optional(static_cast<std::size_t>(index - 1)) : std::nullopt);
  });
  connect(m_repeatedButton, &QToolButton::clicked, this, [this] {
    m_repeated->adjustSize();
    m_repeated->move(m_repeatedButton->mapToGlobal(QPoint(0, m_repeatedButton->height())));
    m_repeated->show();
  });
  connect(m_copy, &QToolButton::clicked, this, [this] { copy(m_board.csv()); });
  connect(m_save, &QToolButton::clicked, this, [this] { emit saveWanted("heads", m_board.csv()); });
  return m_controls;
}

QWidget* HeadsPage::createIntroduction() {
  auto* page = new QWidget(this);
  auto* layout = new QVBoxLayout(page);
  layout->setContentsMargins(24, 16, 24, 16);
  auto* introduction = new QLabel(kIntroduction, page);
  introduction->setObjectName("headsIntroduction");
  introduction->setWordWrap(true);
  introduction->setMaximumWidth(760);
  layout->addWidget(introduction);
  layout->addStretch(1);
  return page;
}

}  // namespace headroom::pages
