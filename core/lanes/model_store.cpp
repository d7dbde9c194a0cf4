#include "core/lanes/model_store.h"

#include <algorithm>
#include <cassert>

namespace headroom::lanes {

ModelUse::~ModelUse() {
  if (m_store != nullptr) m_store->release(*m_model);
}

ModelUse ModelStore::use(const std::string& key, const Load& load) {
  const auto found = m_models.find(key);
  Entry& entry = found != m_models.end() ? found->second : m_models.emplace(key, Entry{load()}).first->second;
  ++entry.uses;
  return {*this, *entry.model};
}

ModelUse ModelStore::share(const ModelUse& use) {
  ++find(use.loaded())->second.uses;
  return {*this, use.loaded()};
}

int ModelStore::useCount(const ModelUse& use) const {
  const auto found = std::ranges::find_if(
      m_models, [&](const auto& entry) { return entry.second.model.get() == &use.loaded(); });
  return found == m_models.end() ? 0 : found->second.uses;
}

std::map<std::string, ModelStore::Entry>::iterator ModelStore::find(const LoadedModel& model) {
  const auto found =
      std::ranges::find_if(m_models, [&](const auto& entry) { return entry.second.model.get() == &model; });
  assert(found != m_models.end());
  return found;
}

void ModelStore::release(const LoadedModel& model) {
  const auto entry = find(model);
  if (--entry->second.uses == 0) m_models.erase(entry);
}

}  // namespace headroom::lanes
