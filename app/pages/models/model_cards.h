#pragma once

#include <QTextBrowser>

#include "app/session/appearance.h"
#include "app/session/trace_store.h"

namespace headroom::pages {

/// What each lane's file is: the truth card, a column for each lane, in text that can be selected and copied.
class ModelCards : public QTextBrowser {
  Q_OBJECT

 public:
  explicit ModelCards(QWidget* parent);
  void setAppearance(const session::Appearance& appearance);
  void refresh(const session::TraceStore& store);

 private:
  QString page(const session::TraceStore& store) const;

  session::Appearance m_appearance;
  QString m_shown;
};

}  // namespace headroom::pages
