#pragma once

#include <QLibrary>
#include <QString>
#include <QStringList>
#include <cstdint>

#include <vulkan/vulkan.h>

namespace headroom::tests {

/// Whose calls a fault meets: the device that can present is the window's.
enum class FaultScope { Any, Engine, Window };

/// The layer that makes a chosen Vulkan call fail, in this process. See fault_layer/.
class FaultControl {
 public:
  /// Puts the layer between this process and the driver; before the first use of Vulkan.
  static void enable() {
    const QString folder = HEADROOM_BUILD_DIR "/tests/support/fault_layer";
    qputenv("VK_LAYER_PATH", (folder + ":/usr/share/vulkan/explicit_layer.d").toUtf8());
    qputenv("VK_INSTANCE_LAYERS", "VK_LAYER_HEADROOM_faults");
  }

  FaultControl() : m_library(HEADROOM_BUILD_DIR "/tests/support/fault_layer/headroom_fault_layer.so") {}

  bool load() { return m_library.load(); }
  QStringList functions() {
    return QString(function<const char* (*)()>("headroomFaultsFunctions")()).split(' ', Qt::SkipEmptyParts);
  }
  /// The `call`-th call of `name` from now on, counted from 1, returns `result`.
  void inject(const QString& name, std::uint64_t call, VkResult result, FaultScope scope = FaultScope::Any) {
    using Inject = void (*)(const char*, std::uint64_t, int, int);
    function<Inject>("headroomFaultsInject")(name.toUtf8().constData(), call, result,
                                             static_cast<int>(scope));
  }
  void clear() { function<void (*)()>("headroomFaultsClear")(); }
  /// Calls since inject() or clear().
  std::uint64_t calls(const QString& name) {
    return function<std::uint64_t (*)(const char*)>("headroomFaultsCalls")(name.toUtf8().constData());
  }
  bool fired() { return function<int (*)()>("headroomFaultsFired")() != 0; }

 private:
  template <typename Function>
  Function function(const char* name) {
    return reinterpret_cast<Function>(m_library.resolve(name));
  }

  QLibrary m_library;
};

}  // namespace headroom::tests
