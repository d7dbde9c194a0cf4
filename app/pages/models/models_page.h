#pragma once

#include <QTimer>

#include "app/pages/page.h"
#include "app/session/trace_store.h"

namespace headroom::pages {

class ModelCards;

/// What the files of the open lanes are: their truth cards side by side.
class ModelsPage : public Page {
  Q_OBJECT

 public:
  ModelsPage(const session::TraceStore& store, QWidget* parent);

  QString title() const override { return "Models"; }
  QString purpose() const override {
    return "What the files of the open lanes are, as their tensors prove it";
  }
  void setAppearance(const session::Appearance& appearance) override;

 protected:
  void showEvent(QShowEvent* event) override;

 private:
  const session::TraceStore& m_store;
  ModelCards* m_cards;
};

}  // namespace headroom::pages
