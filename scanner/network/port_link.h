// The link of a card that DPDK drives, and the card's own counters in place of the interface's.
//
// The kernel knows nothing of such a card: it counts no echo replies of the scan's, and the scan's
// address is not one of this host's that could be lost.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "scanner/network/dpdk_port.h"
#include "scanner/network/link.h"

namespace echoscan {

class PortLink : public Link {
 public:
  explicit PortLink(std::shared_ptr<const DpdkPort> port) : port_(std::move(port)) {}

  [[nodiscard]] bool is_up() const override { return port_->is_link_up(); }
  [[nodiscard]] std::string current_name() const override { return name(); }
  [[nodiscard]] std::optional<Ipv4> lost_source() const override { return std::nullopt; }
  [[nodiscard]] std::optional<std::uint64_t> tx_packets() const override {
    const auto counters = port_->counters();
    return counters ? std::optional(counters->tx_packets) : std::nullopt;
  }
  [[nodiscard]] std::optional<std::uint64_t> rx_packets() const override {
    const auto counters = port_->counters();
    return counters ? std::optional(counters->rx_packets) : std::nullopt;
  }
  // Errors, full queues, and no memory to receive into.
  [[nodiscard]] std::optional<ReceiveDrops> receive_drops() const override {
    const auto counters = port_->counters();
    if (!counters) return std::nullopt;
    return ReceiveDrops{counters->rx_errors, counters->rx_missed, counters->rx_no_buffer};
  }
  [[nodiscard]] std::map<std::string, std::uint64_t> rx_packets_by_name() const override {
    return {{name(), rx_packets().value_or(0)}};
  }
  [[nodiscard]] std::optional<std::uint64_t> echo_replies() const override { return std::nullopt; }
  [[nodiscard]] const std::string& name() const override { return port_->interface().name; }

 private:
  std::shared_ptr<const DpdkPort> port_;
};

}  // namespace echoscan
