#include "app/pages/live/lane_controls.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QSignalBlocker>
#include <QSpinBox>
#include <QToolButton>
#include <algorithm>

#include "app/pages/quiet_combo_box.h"
#include "app/pages/texts.h"
#include "app/pages/wrap_layout.h"
#include "app/session/lane_description.h"

namespace headroom::pages {

namespace {
template <typename Choice>
void addChoices(QComboBox* box) {
  for (const std::string_view name : session::choiceNames<Choice>())
    box->addItem(toQt(name), static_cast<int>(session::choiceNamed<Choice>(name)));
}

/// Shows `value` in a combo box, or nothing where the lanes differ.
void showValue(QComboBox* box, const QVariant& value, bool same) {
  const QSignalBlocker silent(box);
  box->setCurrentIndex(same ? box->findData(value) : -1);
}

}  // namespace

LaneControls::LaneControls(QWidget* parent)
    : QWidget(parent),
      m_scope(new QuietComboBox(this)),
      m_batch(new QuietComboBox(this)),
      m_context(new QuietComboBox(this)),
      m_kvType(new QuietComboBox(this)),
      m_kernel(new QuietComboBox(this)),
      m_fill(new QSpinBox(this)),
      m_compare(new QToolButton(this)) {
  setObjectName("laneControls");
  auto* rows = new WrapLayout(this);
  rows->setContentsMargins(6, 2, 6, 3);
  rows->setSpacing(6);
  const auto add = [this, rows](const QString& text, QWidget* widget, const char* name, const QString& tip) {
    widget->setObjectName(name);
    widget->setToolTip(tip);
    if (text.isEmpty()) {
      rows->addWidget(widget);
      return;
    }
    // A box and what it is called wrap together.
    auto* pair = new QWidget(this);
    auto* layout = new QHBoxLayout(pair);
    layout->setContentsMargins(8, 0, 0, 0);
    layout->setSpacing(4);
    auto* label = new QLabel(text, pair);
    label->setBuddy(widget);
    label->setToolTip(tip);
    layout->addWidget(label);
    layout->addWidget(widget);
    rows->addWidget(pair);
  };
  add("", m_scope, "laneScope", "Which lanes the controls at the right are for");
  for (int batch = 1; batch <= model::kMostSequences; batch *= 2) m_batch->addItem(grouped(batch), batch);
  add("Batch", m_batch, "batch",
      "Sequences that are decoded at once through the same weights, all with the same text.\n"
      "Weights are read once per step whatever the batch; keys and values once per sequence.");
  add("Context", m_context, "context",
      "Positions that the KV cache has room for.\nBeyond what the model was trained for its text need not "
      "make sense, but times and bytes are true.");
  addChoices<model::KvType>(m_kvType);
  add("Cache", m_kvType, "kvType", "Keys and values are stored as 4 bytes (f32) or 2 bytes (f16) each");
  addChoices<model::AttentionKernel>(m_kernel);
  add("Kernel", m_kernel, "kernel",
      "Shared: each key and value is loaded for the query heads that read it together.\nNaive: once per "
      "query "
      "head, so sharing heads saves memory but no traffic.");
  m_compare->setText("Shared | naive");
  add("", m_compare, "compareKernels",
      "Decode the same model with both kernels side by side: the same text, other bytes (Ctrl+E)");
  m_fill->setSingleStep(256);
  m_fill->setGroupSeparatorShown(true);
  m_fill->setSpecialValueText("prompt only");
  m_fill->setKeyboardTracking(false);
  m_fill->setButtonSymbols(QAbstractSpinBox::NoButtons);
  add("Fill to", m_fill, "fill",
      "Begin with that many positions in the cache: the prompt's text again and again (Ctrl+F).\nEnter "
      "fills; a context that is too small grows.");

  for (QuietComboBox* box : {m_scope, m_batch, m_context, m_kvType, m_kernel}) {
    box->setSizeAdjustPolicy(QComboBox::AdjustToContents);
    // Once chosen, keys are the page's again; after the box has told what was chosen.
    connect(box, &QuietComboBox::popupLeft, this, &LaneControls::left, Qt::QueuedConnection);
  }
  connect(m_scope, &QComboBox::activated, this, &LaneControls::showOptions);
  connect(m_batch, &QComboBox::activated, this, [this] {
    choose([&](session::LaneOptions& options) { options.batch = m_batch->currentData().toInt(); });
  });
  connect(m_context, &QComboBox::activated, this, [this] {
    choose([&](session::LaneOptions& options) { options.contextLength = m_context->currentData().toInt(); });
  });
  connect(m_kvType, &QComboBox::activated, this, [this] {
    choose([&](session::LaneOptions& options) {
      options.kvType = static_cast<model::KvType>(m_kvType->currentData().toInt());
    });
  });
  connect(m_kernel, &QComboBox::activated, this, [this] {
    choose([&](session::LaneOptions& options) {
      options.attention = static_cast<model::AttentionKernel>(m_kernel->currentData().toInt());
    });
  });
  connect(m_fill, &QSpinBox::valueChanged, this, [this](int positions) {
    if (positions == m_fillShown) return;
    m_fillShown = positions;
    emit fillChosen(positions);
  });
  connect(m_fill->findChild<QLineEdit*>(), &QLineEdit::returnPressed, this, &LaneControls::left);
  connect(m_compare, &QToolButton::clicked, this, [this] { emit kernelsRequested(scope()); });
  setLanes({}, {});
}

int LaneControls::scope() const {
  return m_scope->currentIndex() - 1;
}

void LaneControls::setLanes(const std::vector<session::LaneRequest>& lanes,
                            const std::vector<session::LaneInfo>& infos) {
  m_lanes = lanes;
  m_models.clear();
  const int before = m_scope->currentIndex();
  const QSignalBlocker silent(m_scope);
  m_scope->clear();
  m_scope->addItem(lanes.empty() ? "No lane" : "All lanes");
  for (const session::LaneInfo& info : infos) {
    m_scope->addItem(QString::fromStdString(info.title));
    m_models.push_back(info.config);
  }
  const QSignalBlocker silentFill(m_fill);
  m_fill->setRange(0, session::mostFillOf(infos));
  m_fill->setValue(m_fillShown);
  m_scope->setCurrentIndex(before > 0 && before < m_scope->count() ? before : 0);
  showOptions();
}

void LaneControls::showOptions() {
  setEnabled(!m_models.empty());
  for (QComboBox* box : {m_batch, m_context, m_kvType, m_kernel})
    box->setPlaceholderText(m_lanes.empty() ? "\u2013" : "differ");
  if (m_lanes.empty()) {
    for (QComboBox* box : {m_batch, m_context, m_kvType, m_kernel}) showValue(box, {}, false);
    return;
  }
  const session::LaneOptions& first = m_lanes[static_cast<std::size_t>(std::max(scope(), 0))].options;
  const auto same = [&](auto member) {
    return scope() >= 0 || std::all_of(m_lanes.begin(), m_lanes.end(), [&](const session::LaneRequest& lane) {
             return lane.options.*member == first.*member;
           });
  };
  if (m_batch->findData(first.batch) < 0) m_batch->addItem(grouped(first.batch), first.batch);
  showContexts(first);
  showValue(m_batch, first.batch, same(&session::LaneOptions::batch));
  showValue(m_context, first.contextLength, same(&session::LaneOptions::contextLength));
  showValue(m_kvType, static_cast<int>(first.kvType), same(&session::LaneOptions::kvType));
  showValue(m_kernel, static_cast<int>(first.attention), same(&session::LaneOptions::attention));
}

void LaneControls::showContexts(const session::LaneOptions& options) {
  const QSignalBlocker silent(m_context);
  m_context->clear();
  const bool one = std::ranges::all_of(m_models, [&](const model::ModelConfig& model) {
    return model.contextLength == m_models.front().contextLength;
  });
  int own = one && !m_models.empty() ? m_models.front().contextLength : 0;
  int most = model::kMostOfferedContext;
  for (int lane = 0; lane < static_cast<int>(m_models.size()); ++lane) {
    const model::ModelConfig& model = m_models[static_cast<std::size_t>(lane)];
    if (scope() == lane) own = model.contextLength;
    if (scope() < 0 || scope() == lane) most = std::min(most, model::mostOfferedContext(model));
  }
  m_context->addItem(own > 0 ? QString("%1 (trained)").arg(grouped(own)) : QString("as trained"), 0);
  for (int positions = 512; positions <= most; positions *= 2) {
    if (positions != own) m_context->addItem(grouped(positions), positions);
  }
  if (m_context->findData(options.contextLength) < 0)
    m_context->addItem(grouped(options.contextLength), options.contextLength);
}

template <typename Change>
void LaneControls::choose(Change change) {
  std::vector<session::LaneRequest> lanes = m_lanes;
  for (int lane = 0; lane < static_cast<int>(lanes.size()); ++lane) {
    if (scope() < 0 || scope() == lane) change(lanes[static_cast<std::size_t>(lane)].options);
  }
  if (lanes == m_lanes) return;
  m_lanes = lanes;  // a second choice may come before the first is carried out
  emit lanesChosen(lanes);
}

void LaneControls::setFill(int positions) {
  // Somebody may be typing another number just now.
  if (positions == m_fillShown) return;
  const QSignalBlocker silent(m_fill);
  m_fillShown = positions;
  m_fill->setValue(positions);
}

void LaneControls::focusFill() {
  m_fill->setFocus(Qt::ShortcutFocusReason);
  m_fill->selectAll();
}

}  // namespace headroom::pages
