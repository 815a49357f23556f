// Questions to a network driver by the ethtool ioctl: queues, rings, offloads, its own counters.
//
// The ioctl is asked and not ethtool's netlink family, since every kernel has it, every driver
// answers it, and asking needs no privileges. A driver that does not know an answer leaves zeros.
// Set-up only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace echoscan {

struct Channels {
  unsigned in_use = 0;  // that can send: "combined" in ethtool's words
  unsigned max = 0;
};

struct RingSizes {
  unsigned rx = 0, rx_max = 0;
  unsigned tx = 0, tx_max = 0;
};

// Each is about the interface `name` of this process's network namespace.
std::optional<Channels> read_channels(const std::string& name);
RingSizes read_ring_sizes(const std::string& name);
bool has_lro(const std::string& name);
// "igb", "virtio_net"; empty when it does not say.
std::string read_driver(const std::string& name);
// The counter that `ethtool -S` shows as `counter`; nullopt when the driver has none of that name.
std::optional<std::uint64_t> read_driver_counter(const std::string& name,
                                                 const std::string& counter);

}  // namespace echoscan
