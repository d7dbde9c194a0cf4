#include "app/pages/live/sampling_popover.h"

#include <QCheckBox>
#include <QDoubleSpinBox>
#include <QFormLayout>
#include <QLabel>
#include <QSignalBlocker>
#include <QSpinBox>
#include <limits>

namespace headroom::pages {

SamplingPopover::SamplingPopover(QWidget* parent)
    : QFrame(parent, Qt::Popup),
      m_greedy(new QCheckBox("Greedy: always the most likely token", this)),
      m_temperature(new QDoubleSpinBox(this)),
      m_topK(new QSpinBox(this)),
      m_topP(new QDoubleSpinBox(this)),
      m_seed(new QSpinBox(this)) {
  setObjectName("samplingPopover");
  setFrameShape(QFrame::StyledPanel);
  m_temperature->setRange(0.05, 5.0);
  m_temperature->setSingleStep(0.05);
  m_temperature->setValue(0.8);
  m_temperature->setToolTip("Logits are divided by it before the softmax: below 1 sharper, above 1 flatter.");
  m_topK->setRange(0, 100000);
  m_topK->setSpecialValueText("all");
  m_topK->setToolTip("Only the k most likely tokens take part.");
  m_topP->setRange(0.01, 1.0);
  m_topP->setSingleStep(0.05);
  m_topP->setValue(1.0);
  m_topP->setToolTip("Only the smallest set of tokens with at least this probability takes part.");
  m_seed->setRange(1, std::numeric_limits<int>::max());
  m_seed->setToolTip("The same seed, prompt and model give the same text.");

  auto* layout = new QFormLayout(this);
  layout->setContentsMargins(14, 12, 14, 12);
  layout->addRow(m_greedy);
  layout->addRow("Temperature", m_temperature);
  layout->addRow("Top-k", m_topK);
  layout->addRow("Top-p", m_topP);
  layout->addRow("Seed", m_seed);
  auto* note = new QLabel("A change decodes again from the prompt.", this);
  note->setEnabled(false);
  layout->addRow(note);

  connect(m_greedy, &QCheckBox::toggled, this, &SamplingPopover::update);
  for (QDoubleSpinBox* box : {m_temperature, m_topP}) {
    box->setKeyboardTracking(false);
    connect(box, &QDoubleSpinBox::valueChanged, this, &SamplingPopover::update);
  }
  for (QSpinBox* box : {m_topK, m_seed}) {
    box->setKeyboardTracking(false);
    connect(box, &QSpinBox::valueChanged, this, &SamplingPopover::update);
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
  m_seed->setValue(static_cast<int>(sampling.seed));
  update();
}

model::SamplingOptions SamplingPopover::sampling() const {
  return {.temperature = m_greedy->isChecked() ? 0.0f : static_cast<float>(m_temperature->value()),
          .topK = m_topK->value(),
          .topP = static_cast<float>(m_topP->value()),
          .seed = static_cast<std::uint64_t>(m_seed->value())};
}

QString SamplingPopover::summary(const model::SamplingOptions& sampling) {
  if (sampling.temperature <= 0.0f) return "Greedy";
  QString text = QString("T %1").arg(static_cast<double>(sampling.temperature), 0, 'f', 2);
  if (sampling.topK > 0) text += QString(", k %1").arg(sampling.topK);
  if (sampling.topP < 1.0f) text += QString(", p %1").arg(static_cast<double>(sampling.topP), 0, 'f', 2);
  return text;
}

}  // namespace headroom::pages
