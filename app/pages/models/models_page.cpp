#include "app/pages/models/models_page.h"

#include <QVBoxLayout>

#include "app/pages/models/model_cards.h"

namespace headroom::pages {

ModelsPage::ModelsPage(const session::TraceStore& store, QWidget* parent)
    : Page(parent), m_store(store), m_cards(new ModelCards(this)) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->addWidget(m_cards);
  connect(&store, &session::TraceStore::lanesChanged, this, [this] {
    if (isVisible()) m_cards->refresh(m_store);
  });
}

void ModelsPage::setAppearance(const session::Appearance& appearance) {
  m_cards->setAppearance(appearance);
  if (isVisible()) m_cards->refresh(m_store);
}

void ModelsPage::showEvent(QShowEvent* event) {
  Page::showEvent(event);
  m_cards->refresh(m_store);
}

}  // namespace headroom::pages
