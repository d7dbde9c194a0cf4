#include "app/pages/heads/repeated_tokens_popover.h"

#include <QCheckBox>
#include <QFormLayout>
#include <QLabel>
#include <QPushButton>
#include <QSpinBox>
#include <limits>

#include "app/pages/texts.h"

namespace headroom::pages {

namespace {
constexpr int kMostTokens = 1 << 14;
constexpr int kMostCopies = 100;
constexpr int kMostDraws = 100;
}  // namespace

RepeatedTokensPopover::RepeatedTokensPopover(QWidget* parent)
    : QFrame(parent, Qt::Popup),
      m_length(new QSpinBox(this)),
      m_copies(new QSpinBox(this)),
      m_draws(new QSpinBox(this)),
      m_seed(new QSpinBox(this)),
      m_firstId(new QSpinBox(this)),
      m_endId(new QSpinBox(this)),
      m_hasStart(new QCheckBox("Begin with the token of id", this)),
      m_start(new QSpinBox(this)) {
  setObjectName("repeatedTokensPopover");
  setFrameShape(QFrame::StyledPanel);
  const evaluation::RepeatedTokens usual;
  m_length->setRange(2, kMostTokens);
  m_length->setValue(usual.length);
  m_copies->setRange(2, kMostCopies);
  m_copies->setValue(usual.copies);
  for (QSpinBox* box : {m_seed, m_firstId, m_endId, m_start})
    box->setRange(0, std::numeric_limits<int>::max());
  m_seed->setValue(static_cast<int>(usual.seed));
  m_endId->setSpecialValueText("the vocabulary's end");
  m_start->setEnabled(false);
  m_draws->setRange(1, kMostDraws);
  m_draws->setValue(usual.draws);
  m_draws->setObjectName("repeatedDraws");
  m_length->setObjectName("repeatedLength");
  m_copies->setObjectName("repeatedCopies");
  m_seed->setObjectName("repeatedSeed");

  auto* layout = new QFormLayout(this);
  layout->setContentsMargins(14, 12, 14, 12);
  layout->addRow("Random tokens", m_length);
  layout->addRow("Repeats of them in all", m_copies);
  layout->addRow("Draws", m_draws);
  layout->addRow("Seed of the first", m_seed);
  layout->addRow("Ids from", m_firstId);
  layout->addRow("Ids up to, not included", m_endId);
  layout->addRow(m_hasStart, m_start);
  auto* note = new QLabel("Scores are means over the draws. Counts with the next Measure.", this);
  note->setEnabled(false);
  layout->addRow(note);
  auto* read = new QPushButton("Read them in the live view", this);
  read->setObjectName("readRepeated");
  read->setToolTip(
      inLines("The first draw becomes the prompt of all lanes, as token ids of the first lane's vocabulary. "
              "Nothing is "
              "decoded behind it until you press Play."));
  layout->addRow(read);
  connect(read, &QPushButton::clicked, this, [this] {
    close();
    emit readWanted(repeated());
  });
  connect(m_hasStart, &QCheckBox::toggled, m_start, &QWidget::setEnabled);
  connect(m_hasStart, &QCheckBox::toggled, this, &RepeatedTokensPopover::repeatedChanged);
  for (QSpinBox* box : {m_length, m_copies, m_draws, m_seed, m_firstId, m_endId, m_start})
    connect(box, &QSpinBox::valueChanged, this, &RepeatedTokensPopover::repeatedChanged);
}

evaluation::RepeatedTokens RepeatedTokensPopover::repeated() const {
  evaluation::RepeatedTokens repeated{.length = m_length->value(),
                                      .copies = m_copies->value(),
                                      .seed = static_cast<unsigned>(m_seed->value()),
                                      .draws = m_draws->value(),
                                      .firstId = m_firstId->value(),
                                      .endId = m_endId->value()};
  if (m_hasStart->isChecked()) repeated.startToken = m_start->value();
  return repeated;
}

QString RepeatedTokensPopover::summary(const evaluation::RepeatedTokens& repeated) {
  const QString often = repeated.copies == 2 ? QString("twice") : QString("%1 times").arg(repeated.copies);
  QString text = QString("%1 random tokens said %2, mean of %3 (seeds from %4)")
                     .arg(grouped(repeated.length), often)
                     .arg(repeated.draws == 1 ? QString("one draw") : QString("%1 draws").arg(repeated.draws))
                     .arg(repeated.seed);
  if (repeated.firstId > 0 || repeated.endId > 0) {
    text += QString(", ids from %1").arg(repeated.firstId);
    if (repeated.endId > 0) text += QString(" to %1").arg(repeated.endId - 1);
  }
  if (repeated.startToken) text += QString(", beginning with token %1").arg(*repeated.startToken);
  return text;
}

}  // namespace headroom::pages
