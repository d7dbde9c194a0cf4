#include "app/pages/live/sampling_popover.h"

#include <QCheckBox>
#include <QComboBox>
#include <QDoubleSpinBox>
#include <QFormLayout>
#include <QLabel>
#include <QSignalBlocker>
#include <QSpinBox>
#include <algorithm>
#include <limits>

namespace headroom::pages {

namespace {
constexpr double kStep = 0.05;
/// Any number is a seed; a field shows those that an int holds.
constexpr int kMostSeed = std::numeric_limits<int>::max();
}  // namespace

SamplingPopover::SamplingPopover(QWidget* parent)
    : QFrame(parent, Qt::Popup),
      m_greedy(new QCheckBox("Greedy: always the most likely token", this)),
      m_temperature(new QDoubleSpinBox(this)),
      m_topK(new QSpinBox(this)),
      m_topP(new QDoubleSpinBox(this)),
      m_seed(new QSpinBox(this)),
      m_whenTextEnds(new QComboBox(this)) {
  setObjectName("samplingPopover");
  setFrameShape(QFrame::StyledPanel);
  using Options = model::SamplingOptions;
  const Options usual = Options::forReading();
  // Temperature 0 has a box of its own.
  m_temperature->setRange(kStep, Options::kTemperatures.most);
  m_temperature->setSingleStep(kStep);
  m_temperature->setValue(usual.temperature);
  m_temperature->setToolTip("Logits are divided by it before the softmax: below 1 sharper, above 1 flatter.");
  m_topK->setRange(Options::kTopKs.least, Options::kTopKs.most);
  m_topK->setSpecialValueText("all");
  m_topK->setToolTip("Only the k most likely tokens take part.");
  m_topP->setRange(Options::kTopPs.least, Options::kTopPs.most);
  m_topP->setSingleStep(kStep);
  m_topP->setValue(usual.topP);
  m_topP->setToolTip("Only the smallest set of tokens with at least this probability takes part.");
  m_seed->setRange(0, kMostSeed);
  m_seed->setToolTip("The same seed, prompt and model give the same text.");

  auto* layout = new QFormLayout(this);
  layout->setContentsMargins(14, 12, 14, 12);
  layout->addRow(m_greedy);
  layout->addRow("Temperature", m_temperature);
  layout->addRow("Top-k", m_topK);
  layout->addRow("Top-p", m_topP);
  layout->addRow("Seed", m_seed);
  auto* note = new QLabel("A change of these decodes again from the prompt.", this);
  note->setEnabled(false);
  layout->addRow(note);
  m_whenTextEnds->setObjectName("whenTextEnds");
  m_whenTextEnds->addItems({"Stop there", "Go on with the next"});
  m_whenTextEnds->setToolTip(
      "A model ends a text with a token of its own. To go on, it is fed like any other,\n"
      "and the next text begins. The answer to a chat message ends in any case.");
  layout->addRow("When a text ends", m_whenTextEnds);

  const auto setTemperature = [this] {
    m_sampling.temperature = m_greedy->isChecked() ? 0.0f : static_cast<float>(m_temperature->value());
  };
  connect(m_greedy, &QCheckBox::toggled, this, [=, this] {
    setTemperature();
    update();
  });
  connect(m_temperature, &QDoubleSpinBox::valueChanged, this, [=, this] {
    setTemperature();
    update();
  });
  connect(m_topP, &QDoubleSpinBox::valueChanged, this, [this](double value) {
    m_sampling.topP = static_cast<float>(value);
    update();
  });
  connect(m_topK, &QSpinBox::valueChanged, this, [this](int value) {
    m_sampling.topK = value;
    update();
  });
  connect(m_seed, &QSpinBox::valueChanged, this, [this](int value) {
    m_sampling.seed = static_cast<std::uint64_t>(value);
    update();
  });
  connect(m_whenTextEnds, &QComboBox::activated, this,
          [this](int index) { emit whenTextEndsChosen(static_cast<session::WhenTextEnds>(index)); });
  for (QAbstractSpinBox* box :
       {static_cast<QAbstractSpinBox*>(m_temperature), static_cast<QAbstractSpinBox*>(m_topP),
        static_cast<QAbstractSpinBox*>(m_topK), static_cast<QAbstractSpinBox*>(m_seed)}) {
    box->setKeyboardTracking(false);
  }
}

void SamplingPopover::update() {
  for (QWidget* field : {static_cast<QWidget*>(m_temperature), static_cast<QWidget*>(m_topK),
                         static_cast<QWidget*>(m_topP), static_cast<QWidget*>(m_seed)}) {
    field->setEnabled(!m_greedy->isChecked());
  }
  emit samplingChanged();
}

void SamplingPopover::setSampling(const model::SamplingOptions& sampling) {
  const QSignalBlocker silent(this);
  m_greedy->setChecked(sampling.temperature <= 0.0f);
  if (sampling.temperature > 0.0f) m_temperature->setValue(static_cast<double>(sampling.temperature));
  m_topK->setValue(sampling.topK);
  m_topP->setValue(static_cast<double>(sampling.topP));
  m_seed->setValue(static_cast<int>(std::min<std::uint64_t>(sampling.seed, kMostSeed)));
  // What was set, and not what the fields round it to.
  m_sampling = sampling;
  update();
}

void SamplingPopover::setWhenTextEnds(session::WhenTextEnds when) {
  m_whenTextEnds->setCurrentIndex(static_cast<int>(when));
}

QString SamplingPopover::summary(const model::SamplingOptions& sampling) {
  if (sampling.temperature <= 0.0f) return "Greedy";
  QString text = QString("T %1").arg(static_cast<double>(sampling.temperature), 0, 'f', 2);
  if (sampling.topK > 0) text += QString(", k %1").arg(sampling.topK);
  if (sampling.topP < 1.0f) text += QString(", p %1").arg(static_cast<double>(sampling.topP), 0, 'f', 2);
  return text;
}

}  // namespace headroom::pages
