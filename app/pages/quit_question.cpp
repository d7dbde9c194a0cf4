#include "app/pages/quit_question.h"

#include <QMessageBox>
#include <QPushButton>

#include "app/pages/texts.h"
#include "app/session/progress_text.h"

namespace headroom::pages {

namespace {
/// Small models are there before.
constexpr qint64 kLongOpeningMs = 1000;
}  // namespace

QuitQuestion::QuitQuestion(const session::SessionHost& session, QWidget* window)
    : QObject(window), m_session(session), m_window(window) {
  connect(&session, &session::SessionHost::stateChanged, this, [this](const session::SessionState& state) {
    if (!state.opening.underWay()) {
      m_opening.invalidate();
    } else if (!m_opening.isValid()) {
      m_opening.start();
    }
  });
}

QStringList QuitQuestion::longWork() const {
  const session::SessionState& state = m_session.state();
  QStringList work;
  if (state.measuring.underWay) {
    work << toQt(session::progressAtQuit(state.measuring));
  }
  if (state.studying.underWay) {
    work << toQt(session::progressText(state.studying));
  }
  if (state.filling.underWay()) {
    work << toQt(session::progressText(state.filling));
  }
  if (m_opening.isValid() && m_opening.hasExpired(kLongOpeningMs)) {
    work << toQt(session::progressText(state.opening));
  }
  return work;
}

bool QuitQuestion::mayQuit() {
  const QStringList work = longWork();
  if (work.isEmpty()) return true;
  QMessageBox box(QMessageBox::Question, "Quit Headroom?", work.join('\n'), QMessageBox::NoButton, m_window);
  box.setObjectName("quitQuestion");
  QPushButton* quit = box.addButton("Quit", QMessageBox::DestructiveRole);
  QPushButton* stay = box.addButton("Stay", QMessageBox::RejectRole);
  box.setDefaultButton(stay);
  box.setEscapeButton(stay);
  box.exec();
  return box.clickedButton() == quit;
}

}  // namespace headroom::pages
