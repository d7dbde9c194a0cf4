#include "app/pages/heads/head_actions.h"

#include <QLabel>
#include <QMenu>
#include <QToolButton>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>
#include <utility>

#include "app/pages/head_changes.h"
#include "app/pages/texts.h"
#include "app/pages/wrap_layout.h"
#include "app/session/head_worth.h"

namespace headroom::pages {

namespace {
constexpr const char* kNothingChosen = "Choose a head in the table or in the picture.";

QString changeText(const QString& what, const session::HeadBoard::Loss& loss) {
  if (loss.withinNoise) return QString(" Without %1 the loss does not change.").arg(what);
  const bool isTold = std::abs(loss.change) >= session::kToldErrors * loss.standardError;
  return QString(" Without %1 the loss changes by <b>%2</b> nats per token%3.")
      .arg(what, lossText(loss), isTold ? "" : ", which this text is too short to tell from none");
}

/// What becomes of what the model expects next; each is left out where it is no more than noise.
QString effectsText(const evaluation::SeenChange& seen) {
  QStringList texts;
  if (seen.divergence)
    texts << QString("what it expects next moves by %1 nats (KL divergence)").arg(fixed(*seen.divergence, 4));
  if (seen.topChanges)
    texts << QString("its most likely token is another at %1 % of positions")
                 .arg(fixed(100.0 * *seen.topChanges, 1));
  if (seen.rankChange)
    texts << QString("the token that came moves by %1 ranks").arg(fixed(*seen.rankChange, 2));
  return texts.isEmpty() ? QString() : QString(" On average %1.").arg(texts.join(", "));
}

}  // namespace

HeadActions::HeadActions(session::HeadBoard& board, QWidget* parent)
    : QWidget(parent),
      m_board(board),
      m_sentence(new QLabel(this)),
      m_map(new QToolButton(this)),
      m_switch(new QToolButton(this)),
      m_change(new QToolButton(this)),
      m_switchGroup(new QToolButton(this)),
      m_changeGroup(new QToolButton(this)),
      m_loss(new QToolButton(this)),
      m_groupLoss(new QToolButton(this)),
      m_groupLosses(new QToolButton(this)),
      m_losses(new QToolButton(this)) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(8, 4, 8, 6);
  m_sentence->setObjectName("headSentence");
  m_sentence->setWordWrap(true);
  layout->addWidget(m_sentence);
  auto* buttons = new QWidget(this);
  auto* row = new WrapLayout(buttons);
  row->setContentsMargins(0, 0, 0, 0);
  row->setSpacing(6);
  const auto add = [row](QToolButton* button, const char* name, const QString& text, const QString& tip) {
    button->setObjectName(name);
    button->setText(text);
    button->setToolTip(inLines(tip));
    row->addWidget(button);
  };
  add(m_map, "headMap", "Show its map", "Opens the live view with this head in the inspector.");
  add(m_switch, "headSwitch", "Take it away",
      "The lane decodes without this head: its output is 0 before W_O, where heads are still separate. The "
      "text "
      "so far is read again without it.");
  add(m_change, "headChange", "Let it give\u2026",
      "The lane decodes with something else in place of what this head computes: its mean, a frozen pattern, "
      "or a "
      "multiple of it.");
  add(m_loss, "headLoss", "Loss without it",
      "Reads the measured text with all heads and without this one, and says how much worse it is "
      "predicted.");
  add(m_losses, "headLosses", "Loss without each head",
      "The same for every head of this lane's model, one after the other. Cancel keeps those that are done, "
      "and "
      "asking again goes on.");
  // Those that are not always there come last: the others keep their places.
  add(m_switchGroup, "headSwitchGroup", "Take its KV head away",
      "The lane decodes without the KV head that this head reads, and so without every query head that reads "
      "it.");
  add(m_changeGroup, "headChangeGroup", "Let its KV head give\u2026",
      "The same for every query head that reads the KV head that this head reads.");
  add(m_groupLosses, "headGroupLosses", "Loss without each KV head",
      "The same for every KV head of this lane's model, each with all heads that read it.");
  add(m_groupLoss, "headGroupLoss", "Loss without its KV head",
      "The same without the KV head that this head reads, and so without every query head that reads it.");
  layout->addWidget(buttons);
  connect(m_map, &QToolButton::clicked, this, &HeadActions::mapWanted);
  const auto switchHeads = [this](const std::vector<model::HeadPlace>& heads) {
    if (const std::optional<int> lane = m_board.laneOf(m_row->entry)) m_board.switchHeads(*lane, heads);
  };
  connect(m_switch, &QToolButton::clicked, this, [=, this] { switchHeads({place()}); });
  connect(m_switchGroup, &QToolButton::clicked, this, [=, this] { switchHeads(group()); });
  offerChanges(m_change, &HeadActions::chosen);
  offerChanges(m_changeGroup, &HeadActions::group);
  connect(m_loss, &QToolButton::clicked, this, [this] { m_board.findLosses(m_row->entry, {place()}); });
  connect(m_groupLoss, &QToolButton::clicked, this,
          [this] { m_board.findGroupLoss(m_row->entry, place().layer, kvHead()); });
  connect(m_losses, &QToolButton::clicked, this, &HeadActions::allLosses);
  connect(m_groupLosses, &QToolButton::clicked, this, [this] { m_board.findGroupLosses(m_row->entry); });
  refresh();
}

void HeadActions::offerChanges(QToolButton* button,
                               std::vector<model::HeadPlace> (HeadActions::*heads)() const) {
  auto* menu = new QMenu(button);
  menu->setObjectName(button->objectName() + "Menu");
  button->setMenu(menu);
  button->setPopupMode(QToolButton::InstantPopup);
  connect(menu, &QMenu::aboutToShow, this, [this, menu, heads] {
    menu->clear();
    if (!m_row || m_row->entry >= m_board.entries().size()) return;
    const std::vector<model::HeadPlace> places = (this->*heads)();
    std::vector<const model::HeadChange*> now;
    for (const model::HeadPlace& head : places) now.push_back(m_board.changeOf(m_row->entry, head));
    addHeadChanges(menu, now, [this, places](const std::optional<model::HeadChange>& change) {
      if (const std::optional<int> lane = m_board.laneOf(m_row->entry))
        m_board.changeHeads(*lane, places, change);
    });
  });
}

model::HeadPlace HeadActions::place() const {
  const auto& head = m_board.entries()[m_row->entry].report.survey.heads[m_row->head];
  return {head.layer, head.queryHead};
}

int HeadActions::kvHead() const {
  return m_board.entries()[m_row->entry].report.survey.heads[m_row->head].kvHead;
}

std::vector<model::HeadPlace> HeadActions::group() const {
  return model::headsOfGroup(place().layer, kvHead(),
                             m_board.entries()[m_row->entry].report.config.attention);
}

void HeadActions::allLosses() {
  std::vector<model::HeadPlace> heads;
  for (const auto& head : m_board.entries()[m_row->entry].report.survey.heads)
    heads.push_back({head.layer, head.queryHead});
  m_board.findLosses(m_row->entry, heads);
}

void HeadActions::setChosen(std::optional<HeadRow> row) {
  m_row = row;
  refresh();
}

QString HeadActions::sentence() const {
  const session::HeadReport& report = m_board.entries()[m_row->entry].report;
  QString text = QString("<b>%1 %2</b>.").arg(toQt(report.title), toQt(model::headName(place())));
  if (const model::HeadChange* change = m_board.changeOf(m_row->entry, place()))
    text += QString(" In the lane it %1.").arg(toQt(model::deedOf(*change)));
  const std::optional<double> baseline = m_board.baselineOf(m_row->entry);
  const session::HeadBoard::Loss* loss = m_board.lossOf(m_row->entry, place());
  const session::HeadBoard::Loss* groupLoss = m_board.groupLossOf(m_row->entry, place().layer, kvHead());
  if (!baseline || (!loss && !groupLoss)) return text + " What it is worth to the model is not measured yet.";
  for (const auto& [what, measured] : {std::pair{QString("it"), loss}, std::pair{groupName(), groupLoss}}) {
    if (measured)
      text += changeText(what, *measured) + effectsText(m_board.seenEffects(m_row->entry, *measured));
  }
  return text + QString(" With all heads the text costs %1 nats per token (%2 tokens predicted).")
                    .arg(fixed(*baseline, 4), grouped(report.tokens.size() - 1));
}

QString HeadActions::groupName() const {
  return QString("KV%1 and its %2 heads").arg(kvHead()).arg(group().size());
}

void HeadActions::refresh() {
  const bool isChosen = m_row && m_row->entry < m_board.entries().size();
  const bool isBusy = m_board.studying().underWay;
  m_map->setEnabled(isChosen);
  // Lanes wait for a study, too.
  for (QToolButton* button :
       {m_switch, m_change, m_switchGroup, m_changeGroup, m_loss, m_groupLoss, m_losses, m_groupLosses})
    button->setEnabled(isChosen && !isBusy);
  m_sentence->setText(isChosen ? sentence() : QString(kNothingChosen));
  const auto isChanged = [&](const model::HeadPlace& head) {
    return m_board.changeOf(m_row->entry, head) != nullptr;
  };
  m_switch->setText(isChosen && isChanged(place()) ? "Bring it back" : "Take it away");
  if (!isChosen) return;
  const auto heads = group();
  // Where a KV head has one reader, its group is the head.
  for (QToolButton* button : {m_switchGroup, m_changeGroup, m_groupLoss, m_groupLosses})
    button->setVisible(heads.size() > 1);
  m_switchGroup->setText(
      (std::ranges::all_of(heads, isChanged) ? QString("Bring %1 back") : QString("Take %1 away"))
          .arg(groupName()));
  m_changeGroup->setText(QString("Let KV%1 give\u2026").arg(kvHead()));
  m_groupLoss->setText(QString("Loss without KV%1").arg(kvHead()));
  m_groupLosses->setText(
      QString("Loss without each KV head of %1").arg(toQt(m_board.entries()[m_row->entry].report.title)));
  m_losses->setText(
      QString("Loss without each head of %1").arg(toQt(m_board.entries()[m_row->entry].report.title)));
}

}  // namespace headroom::pages
