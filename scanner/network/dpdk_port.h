// A card driven by DPDK, as the rest of the program sees it: its facts, its queues, its counters.
//
// DPDK comes in a module of ours that is opened when a scan asks for it, once in a process and
// never closed, since DPDK starts once. It stands beside the program or, installed, in
// ../lib/echoscan. Everything but the sending and receiving of one queue's thread is for any
// thread: drivers that keep their counters in software add up what they read. Rejected: dlclose,
// which takes the code from under DPDK's own threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "scanner/network/dpdk_api.h"
#include "scanner/network/interface.h"

namespace echoscan {

class DpdkPort {
 public:
  // Starts DPDK for that device, with what --dpdk-args adds and memory for so many queues, and
  // finds its port. Throws UserError.
  static std::shared_ptr<DpdkPort> find(const std::string& device, const std::string& extra,
                                        unsigned queues = 1);
  // "DPDK 22.11.11", of the module, which is opened and no more. Throws UserError.
  static std::string dpdk_release();
  ~DpdkPort();
  DpdkPort(const DpdkPort&) = delete;
  DpdkPort& operator=(const DpdkPort&) = delete;

  // Its name, MAC and queues, in the terms of the kernel's interfaces; it has no index.
  [[nodiscard]] const Interface& interface() const { return interface_; }
  // "DPDK net_ixgbe".
  [[nodiscard]] std::string mode() const { return "DPDK " + interface_.driver; }

  // Sets up so many queues to send by, and as many to receive by as the card can of that number.
  // All that is sent is `frame_bytes` long. Throws UserError.
  void open(unsigned queues, std::size_t frame_bytes);
  [[nodiscard]] unsigned receive_queues() const { return receive_queues_; }
  // What has come fits in there until it is asked for: frames of all queues together.
  [[nodiscard]] std::uint64_t receive_room() const { return receive_room_; }

  // How many probes have left by all queues: senders say so, a receiver that was away looks.
  void add_sent(std::uint64_t count) const { sent_.fetch_add(count, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t sent() const { return sent_.load(std::memory_order_relaxed); }

  [[nodiscard]] const dpdk_api& api() const { return api_; }
  [[nodiscard]] std::uint16_t number() const { return facts_.port; }

  // Makes the calling thread one that DPDK keeps memory at hand for, until it ends. Cheap.
  void enter_thread() const;
  // Sends a copy of a frame, by whichever thread; false when the card does not take it.
  bool send_copy(std::span<const std::uint8_t> frame) const;

  [[nodiscard]] bool is_link_up() const;
  // Nothing when it cannot say.
  [[nodiscard]] std::optional<dpdk_port_counters> counters() const;
  // The driver's own counters that are not 0, by name.
  [[nodiscard]] std::vector<dpdk_named_count> named_counts() const;

 private:
  DpdkPort(const dpdk_api& api, const dpdk_port_facts& facts);

  const dpdk_api& api_;
  dpdk_port_facts facts_;
  Interface interface_;
  bool is_open_ = false;
  unsigned receive_queues_ = 0;
  std::uint64_t receive_room_ = 0;
  mutable std::atomic<std::uint64_t> sent_ = 0;
  mutable std::mutex counters_mutex_;
};

}  // namespace echoscan
