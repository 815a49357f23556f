// What is known of network drivers by name, where trying does not tell.
//
// Whether a driver has native XDP or zero-copy is tried, never told by its name. The table is for
// the rest: what the kernel's errno does not explain (from which version on the driver has a
// feature, and what the feature needs), what must not be tried because it breaks the machine (live
// frames on virtio_net before 6.12), and the size of AF_XDP's chunks. docs/drivers.md shows the
// table, and a test compares the two. Rejected: a driver's name at each place that needs a fact
// about it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "scanner/process/kernel_version.h"
#include "scanner/process/refusal.h"

namespace echoscan {

struct DriverFacts {
  std::string_view driver;
  // The first kernel whose driver has the feature; nullopt when that is not known, or all have it.
  std::optional<KernelVersion> native_xdp_from{};
  std::optional<KernelVersion> zero_copy_from{};
  // The first kernel whose driver survives live frames.
  std::optional<KernelVersion> live_frames_from{};
  // XDP needs queues of its own, as many again as the interface uses.
  bool wants_half_of_queues = false;
  // It has no cable: attaching XDP cannot take its link down.
  bool has_steady_link = false;
  // The size of AF_XDP's chunks. Some drivers demand more than a packet needs.
  std::uint32_t chunk_bytes = 2048;
  // What zero-copy needs besides the kernel, and how to give it; empty when nothing is known.
  std::string_view zero_copy_needs{};
  std::string_view zero_copy_fix{};
  // What live frames need, a clause; empty when nothing is known.
  std::string_view live_frames_need{};
  // How to get a newer kernel.
  std::string_view kernel_fix = "a newer kernel";
};

// The drivers of which something is known, by name.
std::span<const DriverFacts> known_drivers();
// The facts about any driver; one that is not in the table has nothing special.
const DriverFacts& driver_facts(std::string_view driver);

// Refuses when live frames are known to break this driver in the kernel of this release.
tl::expected<void, Refusal> check_live_frames(std::string_view driver,
                                              std::string_view kernel_release);

}  // namespace echoscan
