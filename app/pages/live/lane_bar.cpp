#include "app/pages/live/lane_bar.h"

#include <QFrame>
#include <QHBoxLayout>
#include <QLabel>
#include <QMenu>
#include <QToolButton>

#include "app/pages/colors.h"
#include "app/pages/icons.h"
#include "app/session/workspace.h"

namespace headroom::pages {

namespace {
constexpr int kLongestTitle = 14;
}

LaneBar::LaneBar(const std::vector<std::string>& bundled, QWidget* parent)
    : QWidget(parent),
      m_layout(new QHBoxLayout(this)),
      m_add(new QToolButton(this)),
      m_menu(new QMenu(this)) {
  m_layout->setContentsMargins(0, 0, 0, 0);
  m_layout->setSpacing(5);
  m_layout->addWidget(m_add);
  m_add->setObjectName("addLane");
  m_add->setPopupMode(QToolButton::InstantPopup);
  m_add->setMenu(m_menu);
  for (const std::string& name : bundled) {
    const QString source = QString::fromStdString(name);
    m_menu->addAction(QString::fromStdString(session::laneTitle(name)), this,
                      [this, source] { emit addRequested(source); });
  }
  m_menu->addSeparator();
  m_menu->addAction("Open a model file\u2026", this, &LaneBar::openFileRequested);
}

void LaneBar::openMenu() {
  if (m_add->isEnabled()) m_add->showMenu();
}

void LaneBar::setLanes(const std::vector<session::LaneRequest>& lanes,
                       const std::vector<std::string>& titles) {
  m_lanes = lanes;
  m_titles = titles;
  rebuild();
}

void LaneBar::setAppearance(const session::Appearance& appearance) {
  m_appearance = appearance;
  m_add->setIconSize({iconSize(16), iconSize(16)});
  m_add->setIcon(makeIcon(Icon::Add, toQt(appearance.palette().text)));
  rebuild();
}

int LaneBar::iconSize(int usual) const {
  return qRound(static_cast<float>(usual) * m_appearance.scale());
}

void LaneBar::rebuild() {
  for (QWidget* chip : m_chips) {
    // A chip may be the sender of the click that led here.
    chip->hide();
    chip->deleteLater();
  }
  m_chips.clear();
  const session::Palette& colors = m_appearance.palette();
  for (std::size_t index = 0; index < m_lanes.size(); ++index) {
    auto* chip = new QFrame(this);
    chip->setObjectName("laneChip");
    const QColor color = toQt(colors.lane(m_lanes[index].colorIndex));
    chip->setStyleSheet(QString("#laneChip { background: %1; border: 1px solid %2; border-left: 4px solid %3;"
                                " border-radius: 4px; }")
                            .arg(toQt(colors.raised).name(), toQt(colors.border).name(), color.name()));
    const QString title = QString::fromStdString(m_titles[index]);
    auto* label =
        new QLabel(title.size() > kLongestTitle ? title.left(kLongestTitle - 1) + "\u2026" : title, chip);
    chip->setToolTip(QString::fromStdString(m_lanes[index].source));
    auto* close = new QToolButton(chip);
    close->setObjectName("closeLane");
    close->setIcon(makeIcon(Icon::Close, toQt(colors.textDim)));
    close->setIconSize({iconSize(12), iconSize(12)});
    close->setToolTip(
        QString("Close lane %1 (Ctrl+W closes the last lane, Ctrl+Z brings it back)").arg(title));
    connect(close, &QToolButton::clicked, this,
            [this, index] { emit closeRequested(static_cast<int>(index)); });
    auto* layout = new QHBoxLayout(chip);
    layout->setContentsMargins(6, 0, 0, 0);
    layout->setSpacing(2);
    layout->addWidget(label);
    layout->addWidget(close);
    m_layout->insertWidget(static_cast<int>(index), chip);
    m_chips.push_back(chip);
  }
  const bool room = static_cast<int>(m_lanes.size()) < session::kMaximumLanes;
  m_add->setEnabled(room);
  m_add->setToolTip(room ? "Add a lane (Ctrl+N)" : QString::fromStdString(session::lanesFullSentence()));
}

}  // namespace headroom::pages
