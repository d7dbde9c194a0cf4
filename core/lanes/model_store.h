#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "core/model/model.h"

namespace headroom::lanes {

/// A model in memory and whatever a device holds of it, for all lanes that decode it.
class LoadedModel {
 public:
  explicit LoadedModel(model::Model model) : m_model(std::move(model)) {}
  virtual ~LoadedModel() = default;

  const model::Model& model() const { return m_model; }

 private:
  model::Model m_model;
};

class ModelStore;

/// One lane's share in a loaded model, which is let go with the last of them. Move-only.
class ModelUse {
 public:
  ModelUse() = default;
  ModelUse(ModelStore& store, LoadedModel& model) : m_store(&store), m_model(&model) {}
  ~ModelUse();
  ModelUse(ModelUse&& other) noexcept
      : m_store(std::exchange(other.m_store, nullptr)), m_model(std::exchange(other.m_model, nullptr)) {}
  ModelUse& operator=(ModelUse&& other) noexcept {
    std::swap(m_store, other.m_store);
    std::swap(m_model, other.m_model);
    return *this;
  }

  explicit operator bool() const { return m_model != nullptr; }
  const model::Model& operator*() const { return m_model->model(); }
  const model::Model* operator->() const { return &m_model->model(); }
  LoadedModel& loaded() const { return *m_model; }

 private:
  ModelStore* m_store = nullptr;
  LoadedModel* m_model = nullptr;
};

/// The models that lanes decode, each of them once. Outlives the uses that it handed out; one thread at a
/// time.
class ModelStore {
 public:
  using Load = std::function<std::unique_ptr<LoadedModel>()>;

  /// The model known by `key`; `load` makes it when no lane has it. Throws what `load` throws.
  ModelUse use(const std::string& key, const Load& load);
  /// Another share in a model that is in use.
  ModelUse share(const ModelUse& use);
  /// How many uses of that model there are.
  int useCount(const ModelUse& use) const;
  int modelCount() const { return static_cast<int>(m_models.size()); }

 private:
  friend class ModelUse;
  struct Entry {
    std::unique_ptr<LoadedModel> model;
    int uses = 0;
  };

  std::map<std::string, Entry>::iterator find(const LoadedModel& model);
  void release(const LoadedModel& model);

  std::map<std::string, Entry> m_models;
};

}  // namespace headroom::lanes
