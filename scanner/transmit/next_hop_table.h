// Which MAC address the frames of each next hop go to, while a scan runs.
//
// A scan may leave by several gateways, each out of one interface, and a gateway may change its
// address under it (a failover). So the MACs are no part of the written frame: each probe's first
// eight bytes are stored anew, one load and one store. Rejected: to write all buffers again when a
// MAC changes, since each method owns its own (AF_XDP has 4,096 a queue, live frames are the
// kernel's); a comparison a batch whether the MAC is still the same, which is no cheaper than the
// store. One thread sets, any thread reads.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "scanner/network/mac_address.h"

namespace echoscan {

class NextHopTable {
 public:
  static constexpr std::size_t kMax = 64;
  // Said of all targets that no gateway leads to, or one that is not watched; never the number of a
  // gateway.
  static constexpr std::uint8_t kOther = kMax - 1;
  // The number of no next hop, and of one that there was when the scan began.
  static constexpr std::uint8_t kNone = 255;
  static constexpr std::uint8_t kGone = 254;

  // The next hop 0 has the MAC `first`; the others none until they are set.
  NextHopTable(const MacAddress& source, const MacAddress& first) : source_(source) {
    set(0, first);
  }

  // From now on frames of `next_hop`, which is less than kMax, go to `mac`.
  void set(std::size_t next_hop, const MacAddress& mac) { set(next_hop, mac, source_); }
  // The same out of another interface, whose MAC is `source`.
  void set(std::size_t next_hop, const MacAddress& mac, const MacAddress& source) {
    std::array<std::uint8_t, 8> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i)
      bytes[i] = i < mac.bytes.size() ? mac.bytes[i] : source.bytes[i - mac.bytes.size()];
    heads_[next_hop].store(std::bit_cast<std::uint64_t>(bytes), std::memory_order_relaxed);
    changes_.fetch_add(1, std::memory_order_release);
  }

  // The first eight bytes of a frame, as they lie in memory: its MAC and two bytes of the source's.
  [[nodiscard]] std::uint64_t frame_head(std::size_t next_hop) const {
    return heads_[next_hop].load(std::memory_order_relaxed);
  }
  // How often a MAC was set: for who keeps a copy.
  [[nodiscard]] std::uint32_t changes() const { return changes_.load(std::memory_order_acquire); }

 private:
  MacAddress source_;
  std::array<std::atomic<std::uint64_t>, kMax> heads_{};
  std::atomic<std::uint32_t> changes_ = 0;
};

}  // namespace echoscan
