// What is known of network drivers by name, where trying does not tell: the one table of it.
//
// Whether a driver has native XDP or zero-copy is found out by trying, never by its name. The table
// is for the rest: what the kernel's errno does not explain (from which version on the driver has
// it, what it wants besides), what no trial may find out because it breaks the machine (live frames
// on virtio_net before 6.12), and the size of AF_XDP's chunks. docs/drivers.md shows the table, and
// a test compares the two. Rejected: a driver's name at each place that needs a fact of it.
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
  // The first kernels whose driver has each. Nothing: not known, or never without.
  std::optional<KernelVersion> native_xdp_from{};
  std::optional<KernelVersion> zero_copy_from{};
  // The first kernel whose driver survives live frames.
  std::optional<KernelVersion> live_frames_from{};
  // XDP wants queues of its own, as many again as the interface uses.
  bool wants_half_of_queues = false;
  // Of AF_XDP's memory: the driver's demand, not the packet's.
  std::uint32_t chunk_bytes = 2048;
  // What zero-copy wants besides the kernel, and how to give it; empty: nothing known.
  std::string_view zero_copy_needs{};
  std::string_view zero_copy_fix{};
  // What live frames want, a clause; empty: nothing known.
  std::string_view live_frames_need{};
  // How to come by a newer kernel.
  std::string_view kernel_fix = "a newer kernel";
};

// Those of which something is known, by name.
std::span<const DriverFacts> known_drivers();
// Of any driver: one that is not among them has nothing special.
const DriverFacts& driver_facts(std::string_view driver);

// Refused where live frames are known to break this driver in the kernel of that release.
tl::expected<void, Refusal> check_live_frames(std::string_view driver,
                                              std::string_view kernel_release);

}  // namespace echoscan
