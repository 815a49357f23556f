// The link under a running scan: whether anything that is sent now can arrive at the other end, and
// what the kernel itself counts of packets and replies.
//
// It is a seam, since tests run the pipeline without any interface. The kernel has two answers. The
// carrier is the driver's own, and asking for it takes the lock of the whole network set-up. The
// flag IFF_RUNNING follows the carrier, up to a second later; when it goes, the queueing discipline
// becomes one that throws packets away. Reading the flag takes no lock and 0.3 us, so that it can
// be asked after each batch. Rejected: rtnetlink's events, which come only when the flag changes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "scanner/network/bond.h"
#include "scanner/network/echo_reply_count.h"
#include "scanner/network/interface.h"
#include "scanner/process/file_descriptor.h"
#include "targets/address.h"

namespace echoscan {

// What somebody may set anew under a scan.
struct LinkSettings {
  int mtu = 0;
  unsigned transmit_queues = 0;  // 0: the driver does not say
};

class Link {
 public:
  virtual ~Link() = default;
  [[nodiscard]] virtual bool is_up() const = 0;
  // What it is called now; empty when it exists no more. Asked as often as is_up().
  [[nodiscard]] virtual std::string current_name() const = 0;
  // An address that probes come from, when this host had it and has it no more.
  [[nodiscard]] virtual std::optional<Ipv4> lost_source() const = 0;
  // Packets that the interface itself has counted as sent, other traffic included; nothing when it
  // cannot say. Some drivers leave AF_XDP zero-copy out.
  [[nodiscard]] virtual std::optional<std::uint64_t> tx_packets() const = 0;
  // Packets that it has counted as received.
  [[nodiscard]] virtual std::optional<std::uint64_t> rx_packets() const = 0;
  // What it has dropped of those.
  [[nodiscard]] virtual std::optional<ReceiveDrops> receive_drops() const = 0;
  // Packets received by every interface of the network namespace, by name.
  [[nodiscard]] virtual std::map<std::string, std::uint64_t> rx_packets_by_name() const = 0;
  // Echo replies that the kernel's ICMP layer has counted, over all interfaces
  // (echo_reply_count.h); nothing when it does not say.
  [[nodiscard]] virtual std::optional<std::uint64_t> echo_replies() const = 0;
  // The bond that it is or stands on, as it was at the start; null when there is none.
  [[nodiscard]] virtual const Bond* bond() const { return nullptr; }
  // The ports of bond() as they are now; none when the kernel does not say.
  [[nodiscard]] virtual std::vector<BondPort> bond_ports() const { return {}; }
  // Its settings as they are now; nothing when it is gone, or has none.
  [[nodiscard]] virtual std::optional<LinkSettings> settings() const { return std::nullopt; }
  // What it was called at the start.
  [[nodiscard]] virtual const std::string& name() const = 0;
};

class InterfaceLink : public Link {
 public:
  // Of those of `sources` that this host has it is watched whether it has them. What is sent out of
  // `further` interfaces, by their indices, is counted as well. Throws std::system_error.
  explicit InterfaceLink(const Interface& interface, std::vector<Ipv4> sources = {},
                         std::vector<int> further = {});

  // True when it is switched on and has a carrier; false also when the interface is gone. Any
  // thread.
  [[nodiscard]] bool is_up() const override;
  [[nodiscard]] std::string current_name() const override;
  [[nodiscard]] std::optional<Ipv4> lost_source() const override;
  [[nodiscard]] std::optional<LinkSettings> settings() const override;
  // Whether it is switched on and has IFF_RUNNING; does not ask for the carrier.
  [[nodiscard]] bool is_running() const;
  // Nothing when any of the interfaces is gone.
  [[nodiscard]] std::optional<std::uint64_t> tx_packets() const override;
  [[nodiscard]] std::optional<std::uint64_t> rx_packets() const override {
    return read_rx_packets(index_);
  }
  [[nodiscard]] std::optional<ReceiveDrops> receive_drops() const override {
    return read_receive_drops(index_);
  }
  [[nodiscard]] std::map<std::string, std::uint64_t> rx_packets_by_name() const override {
    return read_rx_packets_by_name();
  }
  [[nodiscard]] std::optional<std::uint64_t> echo_replies() const override {
    return echo_reply_count_.read();
  }
  [[nodiscard]] const Bond* bond() const override { return bond_ ? &*bond_ : nullptr; }
  [[nodiscard]] std::vector<BondPort> bond_ports() const override {
    return bond_ ? read_bond_ports(*bond_) : std::vector<BondPort>{};
  }
  [[nodiscard]] const std::string& name() const override { return name_; }

 private:
  std::string name_;
  int index_;
  std::vector<Ipv4> sources_;  // those that are watched
  std::vector<int> further_;
  std::optional<Bond> bond_;
  FileDescriptor socket_;
  EchoReplyCount echo_reply_count_;
};

}  // namespace echoscan
