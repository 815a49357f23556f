// Where echo requests leave and their answers come in: the seam between a ping and the kernel.
//
// One call sends one request, another waits for what comes back, so that one thread does both and
// an answer is shown the moment it arrives. Tests put a network of their own behind it. Rejected:
// the transmitter of a scan (transmit/transmitter.h), which sends batches from a thread of its own,
// and whose replies come by the XDP program, which takes 0.3 s to load: a ping is over by then.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "targets/address.h"

namespace echoscan {

// What the payload that came back proves: which request it answers.
struct EchoProof {
  Ipv4 target;
  std::uint64_t sent_ns = 0;
};

struct EchoReply {
  Ipv4 source;
  std::uint64_t arrived_ns = 0;  // CLOCK_MONOTONIC
  std::uint8_t ttl = 0;
  std::optional<EchoProof> proof;  // absent: it came back cut or changed
};

// Why a request will not be answered, as a router, the target or this host's kernel says.
struct EchoError {
  Ipv4 target;
  std::optional<Ipv4> reporter;  // absent: this host, whose `error` counts
  std::uint8_t icmp_type = 0;
  std::uint8_t icmp_code = 0;
  int error = 0;  // an errno
};

using EchoNews = std::variant<EchoReply, EchoError>;

class EchoPort {
 public:
  virtual ~EchoPort() = default;

  // Sends one request, which carries `sent_ns` and the number of the target's request. Returns 0,
  // EAGAIN when the kernel takes none just now, or the errno with which it refuses this target.
  virtual int send(Ipv4 target, std::uint8_t number, std::uint64_t sent_ns) = 0;

  // Waits until something has come, a signal has, or it is `until_ns`, which may be now, and
  // appends what there is.
  virtual void receive(std::uint64_t until_ns, std::vector<EchoNews>& news) = 0;
};

}  // namespace echoscan
