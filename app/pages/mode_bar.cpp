#include "app/pages/mode_bar.h"

#include <QAbstractButton>
#include <QButtonGroup>
#include <QToolButton>
#include <QVBoxLayout>

#include "app/pages/colors.h"

namespace headroom::pages {

ModeBar::ModeBar(QWidget* parent)
    : QFrame(parent), m_group(new QButtonGroup(this)), m_layout(new QVBoxLayout(this)) {
  setObjectName("modeBar");
  m_layout->setContentsMargins(4, 6, 4, 6);
  m_layout->setSpacing(2);
  m_layout->addStretch(1);
  m_group->setExclusive(true);
  connect(m_group, &QButtonGroup::idClicked, this, &ModeBar::chosen);
}

void ModeBar::add(const QString& title, const QString& toolTip) {
  auto* button = new QToolButton(this);
  button->setObjectName("mode" + title);
  button->setText(title);
  button->setToolTip(toolTip);
  button->setCheckable(true);
  button->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
  const int mode = static_cast<int>(m_group->buttons().size());
  m_group->addButton(button, mode);
  m_layout->insertWidget(mode, button);
  if (mode == 0) button->setChecked(true);
}

int ModeBar::current() const {
  return m_group->checkedId();
}

void ModeBar::setCurrent(int mode) {
  if (QAbstractButton* button = m_group->button(mode)) button->setChecked(true);
}

void ModeBar::setAppearance(const session::Appearance& appearance) {
  const session::Palette& colors = appearance.palette();
  setStyleSheet(QString("QFrame#modeBar { background: %1; border: none; border-right: 1px solid %2; }")
                    .arg(toQt(colors.panel).name(), toQt(colors.border).name()));
}

}  // namespace headroom::pages
