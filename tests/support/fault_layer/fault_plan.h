#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include <vulkan/vulkan.h>

namespace headroom::faults {

/// Whose calls count: a device that can present is the window's, any other the engine's.
enum class Scope { Any, Engine, Window };

/// The one fault to inject: the `call`-th call of `function`, counted from 1, returns `result`.
struct Fault {
  std::string function;
  std::uint64_t call = 0;
  VkResult result = VK_SUCCESS;
  Scope scope = Scope::Any;
};

/// Counts calls and says which of them fail. A device whose loss was injected stays lost. Any thread.
class FaultPlan {
 public:
  /// Also takes a fault from HEADROOM_FAULT: "vkQueueSubmit:3:-4", or "vkQueueSubmit:3:-4:window".
  FaultPlan();

  /// What the call of `function` on the device (or instance) `key` shall return; VK_SUCCESS: call through.
  VkResult next(std::string_view function, void* key);
  bool isLost(void* key);

  void addDevice(void* key, Scope scope);
  void removeDevice(void* key);

  void inject(const Fault& fault);
  /// Forgets counts and faults; lost devices stay lost.
  void clear();
  std::uint64_t calls(const std::string& function);
  bool fired();

 private:
  std::mutex m_mutex;
  Fault m_fault;
  bool m_fired = false;
  std::map<std::string, std::uint64_t, std::less<>> m_calls;
  std::map<void*, Scope> m_devices;
  std::set<void*> m_lost;
};

}  // namespace headroom::faults
