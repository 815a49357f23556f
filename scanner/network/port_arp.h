// The ARP of a card that DPDK drives: the receiver's thread hears and answers, the control asks.
//
// Whoever asks for our address gets the answer from the thread that has just received the question,
// so that it is there within a poll, in the cooldown as well. What else is heard goes over a ring
// to the watch on the gateways, which is the one of all methods, and over another one to whoever
// looks for a gateway that routes have just named; when a ring is full, the newest is dropped, as a
// socket would.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "scanner/network/arp_peer.h"
#include "scanner/network/dpdk_port.h"
#include "scanner/network/gateway_probe.h"
#include "scanner/process/handover_ring.h"

namespace echoscan {

// Who hears what the receiver's thread has heard: a thread each.
enum class ArpListener : std::uint8_t { watch, survey };

class PortArp {
 public:
  PortArp(std::shared_ptr<const DpdkPort> port, const ArpPeer& peer);

  // The receiver's thread: a frame that is no IPv4.
  void take(std::span<const std::uint8_t> frame);
  // Any thread. What the card does not take is not asked.
  void ask(Ipv4 address, const std::optional<MacAddress>& to) const;
  // The listener's thread.
  std::optional<ArpMessage> next_heard(ArpListener listener);

  [[nodiscard]] const MacAddress& mac() const { return peer_.mac(); }

 private:
  static constexpr std::size_t kHeardMax = 256;
  static constexpr int kTriesMax = 1000;

  std::shared_ptr<const DpdkPort> port_;
  ArpPeer peer_;
  HandoverRing<ArpMessage> heard_by_watch_;
  HandoverRing<ArpMessage> heard_by_survey_;
};

// The seam to gateways, by that.
class PortGatewayProbe : public GatewayProbe {
 public:
  // Takes what the given listener hears, from what that one has not taken yet on.
  PortGatewayProbe(std::shared_ptr<PortArp> arp, std::vector<Gateway> gateways,
                   ArpListener listener);

  [[nodiscard]] const std::vector<Gateway>& gateways() const override { return gateways_; }
  void add(const Gateway& gateway) override { gateways_.push_back(gateway); }
  void ask(std::size_t gateway, const std::optional<MacAddress>& to) override {
    arp_->ask(gateways_[gateway].address, to);
  }
  // The kernel has no part in it.
  void have_kernel_ask(std::size_t) override {}
  bool kernel_sends_to(std::size_t, const MacAddress&) override { return true; }
  std::optional<Claim> next_claim() override;

 private:
  std::shared_ptr<PortArp> arp_;
  std::vector<Gateway> gateways_;
  ArpListener listener_;
};

}  // namespace echoscan
