#include "app/pages/preferences_dialog.h"

#include <QCheckBox>
#include <QComboBox>
#include <QDesktopServices>
#include <QDialogButtonBox>
#include <QDir>
#include <QFormLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSignalBlocker>
#include <QSlider>
#include <QSpinBox>
#include <QUrl>
#include <QVBoxLayout>

#include "app/pages/colors.h"
#include "app/pages/main_window.h"
#include "app/pages/texts.h"
#include "app/session/machine.h"
#include "core/model/error.h"

namespace headroom::pages {

namespace {
constexpr int kTextStep = 10;
constexpr int kMemoryStepMiB = 256;
constexpr std::uint64_t kMiB = 1ull << 20;

/// Text in several lines, all of which a window that grows with its contents makes room for.
class Note : public QLabel {
 public:
  using QLabel::QLabel;

 protected:
  void resizeEvent(QResizeEvent* event) override {
    QLabel::resizeEvent(event);
    // A label's height for a width is never less than its least height.
    setMinimumHeight(0);
    setMinimumHeight(heightForWidth(width()));
  }
};

QLabel* labelOf(const QFormLayout* form, QLayout* field) {
  return qobject_cast<QLabel*>(form->labelForField(field));
}
}  // namespace

PreferencesDialog::PreferencesDialog(session::Settings& settings, session::TraceStore& store,
                                     MainWindow& window)
    : QDialog(&window),
      m_settings(settings),
      m_store(store),
      m_window(window),
      m_device(new QComboBox(this)),
      m_theme(new QComboBox(this)),
      m_presentation(new QCheckBox("Presentation: full screen, for a room", this)),
      m_textSize(new QSlider(Qt::Horizontal, this)),
      m_percent(new QLabel(this)),
      m_memory(new QSpinBox(this)) {
  setWindowTitle("Preferences");
  setObjectName("preferences");
  auto* form = new QFormLayout;
  form->setHorizontalSpacing(16);
  form->setVerticalSpacing(8);
  form->setFieldGrowthPolicy(QFormLayout::AllNonFixedFieldsGrow);
  addDevice(form);
  addLook(form);
  addMemory(form);
  addMeasurements(form);
  auto* buttons = new QDialogButtonBox(QDialogButtonBox::RestoreDefaults | QDialogButtonBox::Close, this);
  connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
  auto* defaults = buttons->button(QDialogButtonBox::RestoreDefaults);
  defaults->setObjectName("defaults");
  defaults->setText("Reset to defaults");
  connect(defaults, &QPushButton::clicked, this, &PreferencesDialog::reset);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(16, 16, 16, 12);
  layout->setSpacing(14);
  layout->addLayout(form);
  layout->addWidget(buttons);
  showSettings();
  // Not as tall as notes in the narrowest window would need.
  const int width = sizeHint().width();
  resize(width, layout->totalHeightForWidth(width));
  connect(&m_store, &session::TraceStore::changed, this, &PreferencesDialog::showHeld);
}

QLabel* PreferencesDialog::addNote(QFormLayout* form, const QString& text) {
  auto* note = new Note(text, this);
  note->setWordWrap(true);
  m_notes.push_back(note);
  form->addRow("", note);
  return note;
}

void PreferencesDialog::addDevice(QFormLayout* form) {
  m_device->setObjectName("deviceChoice");
  m_device->addItem("The best one", QString());
  try {
    for (const session::DeviceFacts& device : session::listDevices()) {
      if (!device.computes) continue;
      m_device->addItem(QString("%1, %2").arg(toQt(device.label), toQt(device.type)), toQt(device.label));
    }
  } catch (const model::Error& error) {
    m_device->setToolTip(error.what());
  }
  const QString kept = toQt(m_settings.device());
  if (m_device->findData(kept) < 0) m_device->addItem(kept + ", not there", kept);
  form->addRow("&Device", m_device);
  const QString now = m_store.laneCount() > 0 ? toQt(m_store.deviceName()) : QString("no device yet");
  addNote(form, QString("Chosen at the next start of Headroom; until then lanes decode on %1.").arg(now))
      ->setObjectName("deviceNote");
  connect(m_device, &QComboBox::activated, this,
          [this] { m_settings.setDevice(m_device->currentData().toString().toStdString()); });
}

void PreferencesDialog::addLook(QFormLayout* form) {
  m_theme->setObjectName("theme");
  m_theme->addItem("Dark", static_cast<int>(session::Theme::Dark));
  m_theme->addItem("Light", static_cast<int>(session::Theme::Light));
  form->addRow("&Theme", m_theme);
  m_presentation->setObjectName("presentation");
  form->addRow("", m_presentation);
  m_textSize->setObjectName("textSize");
  m_textSize->setRange(session::Appearance::kTextPercent.least, session::Appearance::kTextPercent.most);
  m_textSize->setSingleStep(kTextStep);
  m_textSize->setPageStep(2 * kTextStep);
  m_textSize->setTracking(false);  // fonts are made anew when the slider is let go
  m_percent->setObjectName("textPercent");
  auto* size = new QHBoxLayout;
  size->addWidget(m_textSize, 1);
  size->addWidget(m_percent);
  form->addRow("Te&xt size", size);
  labelOf(form, size)->setBuddy(m_textSize);
  connect(m_textSize, &QSlider::sliderMoved, this, &PreferencesDialog::showPercent);
  connect(m_theme, &QComboBox::activated, this, &PreferencesDialog::chooseLook);
  connect(m_presentation, &QCheckBox::clicked, this, &PreferencesDialog::chooseLook);
  connect(m_textSize, &QSlider::valueChanged, this, &PreferencesDialog::chooseLook);
}

void PreferencesDialog::addMemory(QFormLayout* form) {
  m_memory->setObjectName("traceMemory");
  m_memory->setRange(static_cast<int>(session::Settings::kTraceBudgets.least / kMiB),
                     static_cast<int>(session::Settings::kTraceBudgets.most / kMiB));
  m_memory->setSingleStep(kMemoryStepMiB);
  m_memory->setButtonSymbols(QAbstractSpinBox::NoButtons);
  m_memory->setSuffix(" MiB");
  m_memory->setGroupSeparatorShown(true);
  m_memory->setKeyboardTracking(false);
  form->addRow("&Memory for traces", m_memory);
  m_held = addNote(form, QString());
  m_held->setObjectName("held");
  connect(m_memory, &QSpinBox::valueChanged, this, [this](int mebibytes) {
    const std::uint64_t bytes = static_cast<std::uint64_t>(mebibytes) * kMiB;
    m_settings.setTraceBudget(bytes);
    m_store.setBudget(bytes);
  });
}

void PreferencesDialog::addMeasurements(QFormLayout* form) {
  const QString folder = toQt(session::measurementsFolder());
  auto* path =
      new QLineEdit(folder.isEmpty() ? "not kept: neither a home nor a cache folder is known" : folder, this);
  path->setObjectName("measurementsFolder");
  path->setReadOnly(true);
  path->setCursorPosition(0);
  form->addRow("Mea&surements", path);
  auto* open = new QPushButton("Open the folder", this);
  auto* forget = new QPushButton("Forget measurements", this);
  open->setObjectName("openFolder");
  forget->setObjectName("forget");
  open->setAutoDefault(false);
  forget->setAutoDefault(false);
  open->setEnabled(!folder.isEmpty());
  forget->setEnabled(!folder.isEmpty());
  auto* row = new QHBoxLayout;
  row->addWidget(open);
  row->addWidget(forget);
  row->addStretch(1);
  form->addRow("", row);
  m_forgotten = addNote(form, "What the device reaches, and which kernels are the fastest on it.");
  m_forgotten->setObjectName("forgotten");
  connect(open, &QPushButton::clicked, this, [this, folder] {
    QDir().mkpath(folder);
    if (!QDesktopServices::openUrl(QUrl::fromLocalFile(folder)))
      m_forgotten->setText("The desktop has no program that shows folders.");
  });
  connect(forget, &QPushButton::clicked, this, &PreferencesDialog::forget);
}

void PreferencesDialog::forget() {
  try {
    const int count = session::forgetMeasurements();
    m_forgotten->setText(
        count == 0
            ? QString("Nothing was kept.")
            : QString("%1 forgotten. The device's limits are measured again with Explain, Measure this "
                      "device's limits; which kernels are the fastest at the next start on a GPU, or with "
                      "headroom-cli devices --calibrate.")
                  .arg(count == 1 ? "One file is" : QString("%1 files are").arg(count)));
  } catch (const model::Error& error) {
    m_forgotten->setText(error.what());
  }
}

void PreferencesDialog::showSettings() {
  const session::Appearance appearance = m_settings.appearance();
  const QSignalBlocker silentSize(m_textSize);
  const QSignalBlocker silentMemory(m_memory);
  m_device->setCurrentIndex(m_device->findData(toQt(m_settings.device())));
  m_theme->setCurrentIndex(m_theme->findData(static_cast<int>(appearance.theme)));
  m_presentation->setChecked(appearance.presentation());
  m_textSize->setValue(appearance.textPercent);
  showPercent(appearance.textPercent);
  tintNotes();
  m_memory->setValue(static_cast<int>(m_settings.traceBudget() / kMiB));
  showHeld();
}

void PreferencesDialog::showHeld() {
  m_held->setText(
      QString("Of all lanes together; they hold %1 now. Beyond it old steps lose detail, not their text.")
          .arg(toQt(model::bytesText(static_cast<double>(m_store.heldBytes())))));
}

void PreferencesDialog::tintNotes() {
  for (QLabel* note : m_notes) {
    QPalette palette = note->palette();
    palette.setColor(QPalette::WindowText, toQt(m_window.appearance().palette().textDim));
    note->setPalette(palette);
  }
}

void PreferencesDialog::showPercent(int percent) {
  m_percent->setText(QString("%1 %").arg(percent));
}

void PreferencesDialog::chooseLook() {
  showPercent(m_textSize->value());
  m_window.setAppearance({.theme = static_cast<session::Theme>(m_theme->currentData().toInt()),
                          .typeSize = m_presentation->isChecked() ? session::TypeSize::Presentation
                                                                  : session::TypeSize::Standard,
                          .textPercent = m_textSize->value()});
  tintNotes();
  adjustSize();
}

void PreferencesDialog::reset() {
  m_settings.setDevice({});
  m_settings.setTraceBudget(session::TraceStore::kDefaultBudget);
  m_store.setBudget(session::TraceStore::kDefaultBudget);
  m_window.setAppearance({});
  showSettings();
  adjustSize();
}

}  // namespace headroom::pages
