#include "scanner/network/driver_facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace echoscan {
namespace {

constexpr std::array kDrivers{
    // Amazon's own driver has zero-copy, which needs chunks of a page.
    DriverFacts{.driver = "ena", .wants_half_of_queues = true, .chunk_bytes = 4096},
    DriverFacts{.driver = "gve", .wants_half_of_queues = true},
    DriverFacts{.driver = "igb", .zero_copy_from = KernelVersion{6, 14}},
    // Linux 6.3 and later refuse before the first live frame, older kernels with the first.
    DriverFacts{.driver = "veth",
                .has_steady_link = true,
                .live_frames_need = "its other end needs GRO or an XDP program"},
    DriverFacts{.driver = "virtio_net",
                .zero_copy_from = KernelVersion{6, 13},
                // On 6.1 it corrupts its queue after some seconds and is dead until the next boot.
                .live_frames_from = KernelVersion{6, 12},
                .zero_copy_needs = "a device that goes through the DMA interface",
                .zero_copy_fix = "on the host: iommu_platform=on,disable-legacy=on for the device",
                .kernel_fix = "a newer kernel in the guest"},
    DriverFacts{.driver = "vmxnet3", .native_xdp_from = KernelVersion{6, 6}},
};

constexpr DriverFacts kNothingSpecial{};

}  // namespace

std::span<const DriverFacts> known_drivers() {
  return kDrivers;
}

const DriverFacts& driver_facts(std::string_view driver) {
  const auto* const found = std::ranges::find(kDrivers, driver, &DriverFacts::driver);
  return found == kDrivers.end() ? kNothingSpecial : *found;
}

tl::expected<void, Refusal> check_live_frames(std::string_view driver,
                                              std::string_view kernel_release) {
  const std::optional<KernelVersion> sound = driver_facts(driver).live_frames_from;
  const std::optional<KernelVersion> running = parse_kernel_version(kernel_release);
  if (!sound || !running || *running >= *sound) return {};
  return refused(fmt::format("{} of Linux {} is known to break under them; {} is sound", driver,
                             to_string(*running), to_string(*sound)));
}

}  // namespace echoscan
