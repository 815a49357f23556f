#include "scanner/network/port_arp.h"

#include <algorithm>
#include <utility>

namespace echoscan {

PortArp::PortArp(std::shared_ptr<const DpdkPort> port, const ArpPeer& peer)
    : port_(std::move(port)),
      peer_(peer),
      heard_by_watch_(kHeardMax),
      heard_by_survey_(kHeardMax) {}

void PortArp::take(std::span<const std::uint8_t> frame) {
  const std::optional<ArpMessage> message = peer_.hear(frame);
  if (!message) return;
  if (const std::optional<ArpFrame> answer = peer_.answer(*message))
    port_->send_copy(answer->span());
  heard_by_watch_.put(*message);
  heard_by_survey_.put(*message);
}

void PortArp::ask(Ipv4 address, const std::optional<MacAddress>& to) const {
  const ArpFrame question = peer_.question(address, to);
  for (int tries = 0; tries < kTriesMax && !port_->send_copy(question.span()); ++tries) {
  }
}

std::optional<ArpMessage> PortArp::next_heard(ArpListener listener) {
  ArpMessage message;
  auto& heard = listener == ArpListener::watch ? heard_by_watch_ : heard_by_survey_;
  return heard.take({&message, 1}) == 1 ? std::optional(message) : std::nullopt;
}

PortGatewayProbe::PortGatewayProbe(std::shared_ptr<PortArp> arp, std::vector<Gateway> gateways,
                                   ArpListener listener)
    : arp_(std::move(arp)), gateways_(std::move(gateways)), listener_(listener) {}

std::optional<GatewayProbe::Claim> PortGatewayProbe::next_claim() {
  while (const std::optional<ArpMessage> heard = arp_->next_heard(listener_)) {
    const auto found = std::ranges::find(gateways_, heard->sender, &Gateway::address);
    if (found == gateways_.end()) continue;
    return Claim{static_cast<std::size_t>(found - gateways_.begin()), heard->sender_mac,
                 heard->is_answer_to(arp_->mac())};
  }
  return std::nullopt;
}

}  // namespace echoscan
