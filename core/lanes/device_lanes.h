#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/lanes/lane_opener.h"
#include "core/model/kernel_plan.h"

namespace headroom::engine {
class DeviceModel;
struct MemoryPlan;
}  // namespace headroom::engine
namespace headroom::formats {
class CalibrationFile;
}
namespace headroom::vulkan {
class Device;
class Instance;
}  // namespace headroom::vulkan

namespace headroom::lanes {

/// Names of the models that come with the program, in the order in which they are offered.
const std::vector<std::string>& bundledModels();
bool isBundled(const std::string& source);
/// "MHA" for "mha"; for a path the file's name without folder and ending, or the folder's name.
std::string laneTitle(const std::string& source);

/// What computes.
enum class Backend {
  Vulkan,     ///< compute shaders; the reference, with a note, for heads that they cannot run
  Reference,  ///< float64 on the processor
};

/// Where a lane would run.
struct LaneOutlook {
  std::string note;  ///< as Decoder::note() would say it: why the reference decodes in place of a
                     ///< device, or would refuse to
  std::optional<analysis::MemoryOutlook> memory;  ///< of the device; nothing when the reference decodes
};

/// Lanes of files: models on one Vulkan device, which is opened with the first, or on the reference; and
/// traces. Lanes of one file share the file's mapping and its weights on the device.
class DeviceLanes final : public LaneOpener {
 public:
  struct Choice {
    Backend backend = Backend::Vulkan;
    std::string device = {};  ///< as --device names it; empty for the best one
    /// Empty for what was calibrated for this device and the model's shape, or the default for its kind.
    std::optional<model::KernelPlan> kernels = {};
  };

  DeviceLanes();
  /// Throws model::Error when a device is chosen and the backend is the reference.
  explicit DeviceLanes(Choice choice);
  ~DeviceLanes() override;

  /// The model of a file, mapped and checked, without a decoder. Throws model::Error, and what `progress`
  /// throws, which is told the share that is checked.
  ModelUse load(const std::string& source, const std::function<void(double)>& progress = {});
  /// A model that is in no file.
  ModelUse keep(const std::string& name, const std::function<model::Model()>& make);
  /// A decoder for a loaded model. Throws model::Error.
  LaneEngine decode(ModelUse model, const LaneOptions& options,
                    const std::function<void(double)>& progress = {});

  /// Where decode() would run the model now and what that takes, without doing it; what decode() would refuse
  /// on a device is said in the outlook. Throws model::Error when there is no device.
  LaneOutlook outlook(const ModelUse& model, const LaneOptions& options);

  LaneEngine open(const LaneRequest& request, const std::function<void(double)>& progress) override;
  model::DeviceCeilings ceilings(model::Freshness freshness) override;
  void calibrate(const LaneEngine& lane, const CalibrationWatch& watch) override;
  /// Which kernels are the fastest for the model on the device, families and layouts of weights among them,
  /// however long that takes; kept for its shape. Throws model::Error.
  model::Calibration calibrate(const ModelUse& model);
  void forgetDevice() override;

  /// The kernels that lanes of that model decode with, once it is opened on the device.
  model::KernelPlan plan(const model::Model& model);
  /// Opened when it is first asked for. Throws model::Error.
  vulkan::Device& device();
  /// The weights of a model there; null until a lane decodes with them.
  const engine::DeviceModel* onDevice(const ModelUse& model) const;
  /// Another share in a model that is in use.
  ModelUse share(const ModelUse& model) { return m_store.share(model); }
  /// How many models lanes have now.
  int modelCount() const { return m_store.modelCount(); }

 private:
  /// Without taking heads away.
  LaneEngine decodeWhole(ModelUse model, const LaneOptions& options,
                         const std::function<void(double)>& progress);
  LaneEngine openTrace(const std::string& path, const std::string& title) const;
  /// What a lane would take beside those that decode now, and whether it is there. Throws model::Error when
  /// there are no kernels for it.
  engine::MemoryPlan planMemory(const ModelUse& model, const LaneOptions& options);
  formats::CalibrationFile calibrationFile(const model::Model& model);
  /// Why the reference decodes in place of the device; nothing where it was chosen, or need not.
  std::optional<std::string> fallbackNote(const model::Model& model, const LaneOptions& options) const;

  Choice m_choice;
  std::unique_ptr<vulkan::Instance> m_instance;
  std::unique_ptr<vulkan::Device> m_device;
  ModelStore m_store;
};

/// Lanes that decode on a Vulkan device, as DeviceLanes::Choice names it; empty for the best one.
std::unique_ptr<LaneOpener> deviceLanes(const std::string& device = {});

}  // namespace headroom::lanes
