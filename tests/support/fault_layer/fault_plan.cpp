#include "tests/support/fault_layer/fault_plan.h"

#include <cstdlib>

namespace headroom::faults {

FaultPlan::FaultPlan() {
  const char* value = std::getenv("HEADROOM_FAULT");
  if (!value) return;
  const std::string text = value;
  const std::size_t first = text.find(':');
  const std::size_t second = text.find(':', first + 1);
  if (second == std::string::npos) return;
  m_fault = {.function = text.substr(0, first),
             .call = std::strtoull(text.c_str() + first + 1, nullptr, 10),
             .result = static_cast<VkResult>(std::atoi(text.c_str() + second + 1)),
             .scope = text.ends_with(":window") ? Scope::Window : Scope::Any};
}

VkResult FaultPlan::next(std::string_view function, void* key) {
  const std::scoped_lock lock(m_mutex);
  const auto device = m_devices.find(key);
  const Scope scope = device == m_devices.end() ? Scope::Any : device->second;
  if (m_fault.scope != Scope::Any && scope != m_fault.scope) return VK_SUCCESS;
  auto count = m_calls.find(function);
  if (count == m_calls.end()) count = m_calls.emplace(std::string(function), 0).first;
  ++count->second;
  if (m_fired || m_fault.function != function || m_fault.call != count->second) return VK_SUCCESS;
  m_fired = true;
  if (m_fault.result == VK_ERROR_DEVICE_LOST) m_lost.insert(key);
  return m_fault.result;
}

bool FaultPlan::isLost(void* key) {
  const std::scoped_lock lock(m_mutex);
  return m_lost.contains(key);
}

void FaultPlan::addDevice(void* key, Scope scope) {
  const std::scoped_lock lock(m_mutex);
  m_devices[key] = scope;
}

void FaultPlan::removeDevice(void* key) {
  const std::scoped_lock lock(m_mutex);
  m_devices.erase(key);
  m_lost.erase(key);  // the address may come again for another device
}

void FaultPlan::inject(const Fault& fault) {
  const std::scoped_lock lock(m_mutex);
  m_fault = fault;
  m_fired = false;
  m_calls.clear();
}

void FaultPlan::clear() {
  inject({});
}

std::uint64_t FaultPlan::calls(const std::string& function) {
  const std::scoped_lock lock(m_mutex);
  const auto count = m_calls.find(function);
  return count == m_calls.end() ? 0 : count->second;
}

bool FaultPlan::fired() {
  const std::scoped_lock lock(m_mutex);
  return m_fired;
}

}  // namespace headroom::faults
