#include "scanner/transmit/method/raw_socket.h"

#include <netinet/in.h>
#include <netinet/ip.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>
#include <vector>

#include "scanner/process/system_error.h"

namespace echoscan {
namespace {

// IP_PROTOCOL of linux/in.h, which does not go with netinet/in.h.
constexpr int kControlProtocol = 52;
// The kernel's MSG_PROBE, for which the C library has no name: all but the sending is done.
constexpr int kOnlyProbe = 0x10;

// No route, or one that says unreachable or blackhole. The plan has asked for every target's: it
// was another one then.
bool is_route_lost(int error) {
  return error == ENETUNREACH || error == EHOSTUNREACH || error == EINVAL;
}

// Whether the error is about the address and will be the same again: a broadcast, a firewall.
bool is_unroutable(int error) {
  return error == EACCES || error == EPERM;
}

// The ancillary data that has rules by protocol (`ip rule add ipproto icmp`) hold for a packet with
// a header of its own: of that the kernel would look at the socket's protocol alone.
RouteControl icmp_control() {
  RouteControl control{};
  msghdr header{};
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  cmsghdr* first = CMSG_FIRSTHDR(&header);
  first->cmsg_level = IPPROTO_IP;
  first->cmsg_type = kControlProtocol;
  first->cmsg_len = CMSG_LEN(sizeof(int));
  const int protocol = IPPROTO_ICMP;
  std::memcpy(CMSG_DATA(first), &protocol, sizeof(protocol));
  return control;
}

// Whether the kernel knows that data, as Linux does from 6.4 on. Sends nothing.
bool knows_protocol_control(RouteControl& control) {
  const FileDescriptor socket(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
  if (!socket) throw_system_error("open a raw socket");
  // Without an address it is this host.
  sockaddr_in here{};
  here.sin_family = AF_INET;
  std::array<std::uint8_t, sizeof(iphdr)> packet{};
  iovec vector{packet.data(), packet.size()};
  msghdr message{};
  message.msg_name = &here;
  message.msg_namelen = sizeof(here);
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  return sendmsg(socket.get(), &message, kOnlyProbe | MSG_DONTWAIT) >= 0 || errno != EINVAL;
}

}  // namespace

RawSocketTransmitter::RawSocketTransmitter(const Interface& interface,
                                           const FrameTemplate& frame_template, Clock& clock,
                                           bool routes_by_source,
                                           std::shared_ptr<RouteChanges> changes)
    : clock_(clock),
      link_(interface),
      // IPPROTO_RAW receives nothing, ICMP errors included.
      socket_(socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW)),
      control_(icmp_control()),
      messages_(std::make_unique<MessageBatch>(frame_template, PROBE_ETHERNET_BYTES)),
      question_{std::nullopt, interface.index},
      changes_(interface.is_loopback ? nullptr : std::move(changes)) {
  if (!socket_) throw_system_error("open a raw socket");
  set_socket_option(socket_.get(), IPPROTO_IP, IP_HDRINCL, int{1}, "write IPv4 headers");
  set_socket_option(socket_.get(), IPPROTO_IP, IP_RECVERR, int{1}, "see what the kernel drops");
  // What is bound to the loopback finds no route to this host's other addresses.
  if (!interface.is_loopback &&
      setsockopt(socket_.get(), SOL_SOCKET, SO_BINDTODEVICE, interface.name.c_str(),
                 static_cast<socklen_t>(interface.name.size())) != 0)
    throw_system_error("bind the raw socket");
  // Of a packet with a header of its own the kernel looks at the socket's address, not at that.
  if (routes_by_source) {
    question_.source = frame_template.addresses().source;
    sockaddr_in source{};
    source.sin_family = AF_INET;
    // All sources of a pool take the same ways (plan/way_plan.h), so its first does.
    wire_store32(reinterpret_cast<std::uint8_t*>(&source.sin_addr),
                 frame_template.addresses().source.value);
    if (bind(socket_.get(), reinterpret_cast<const sockaddr*>(&source), sizeof(source)) != 0)
      throw_system_error("bind the raw socket's address");
  }
  for (std::size_t i = 0; i < addresses_.size(); ++i) {
    addresses_[i].sin_family = AF_INET;
    messages_->set_address(i, &addresses_[i], sizeof(addresses_[i]));
  }
  // One kernel serves all sockets, of which a scan may have hundreds.
  static const bool is_known = knows_protocol_control(control_);
  if (is_known) messages_->set_control(control_);
}

std::size_t RawSocketTransmitter::send(std::span<const Target> batch) {
  // Without a link the kernel takes packets, and loses them, or keeps those for a neighbour that it
  // is asking for until the link is back. What was taken cannot be handed over again, since it may
  // be answered.
  if (!link_.is_running()) {
    counters_.refusals.add(1);
    last_error_.store(ENETDOWN, std::memory_order_relaxed);
    return 0;
  }
  const std::size_t count = count_routed(batch.first(std::min(batch.size(), MessageBatch::kSize)));
  if (count == 0) return refuse(batch.front(), ENETUNREACH);
  messages_->patch(batch.first(count), clock_.now_ns());
  for (std::size_t i = 0; i < count; ++i)
    std::memcpy(&addresses_[i].sin_addr, messages_->frame(i).data() + PROBE_IP_DESTINATION_OFFSET,
                sizeof(addresses_[i].sin_addr));
  const int result = messages_->send(socket_.get(), 0, count);
  const int error = result < 0 ? errno : 0;
  counters_.kicks.add(1);
  if (error == EAGAIN || error == EINTR) return 0;
  const auto sent = static_cast<std::size_t>(std::max(result, 0));
  if (is_route_lost(error)) return refuse(batch.front(), error);
  if (is_unroutable(error)) {
    lose(batch.front(), counters_.unroutable);
    return 1;
  }
  if (error != 0) last_error_.store(error, std::memory_order_relaxed);
  // The packet behind the last one that was taken was refused. The sender hands its target over
  // again, and that call says why.
  if (sent < count) counters_.refusals.add(1);
  counters_.sent.add(sent);
  return sent;
}

// One that was refused is asked for alone: the sender comes again within a millisecond.
std::size_t RawSocketTransmitter::count_routed(std::span<const Target> batch) {
  if (!changes_ || batch.empty()) return batch.size();
  const std::uint32_t changes = changes_->count();
  if (std::exchange(known_changes_, changes) != changes) is_unsure_ = true;
  if (!is_unsure_) return batch.size();
  std::vector<Ipv4> addresses;
  for (const Target& target : batch.first(is_refused_ ? 1 : batch.size()))
    addresses.push_back(target.address);
  std::size_t count = 0;
  try {
    const std::vector<Way> ways = ask_ways(addresses, question_);
    const auto is_lost = [](const Way& way) { return is_refusal(way.kind); };
    count = static_cast<std::size_t>(std::ranges::find_if(ways, is_lost) - ways.begin());
  } catch (const std::system_error&) {
    // The kernel does not say, and is left to decide.
    return batch.size();
  }
  is_refused_ = count == 0;
  is_unsure_ = count < batch.size();
  return count;
}

std::size_t RawSocketTransmitter::refuse(const Target& target, int error) {
  const std::uint64_t now_ns = clock_.now_ns();
  if (!route_lost_ns_ || now_ns - *route_lost_ns_ >= kRouteWaitEveryNs) route_lost_ns_ = now_ns;
  if (now_ns - *route_lost_ns_ >= kRouteWaitNs) {
    lose(target, counters_.unroutable);
    return 1;
  }
  counters_.refusals.add(1);
  last_error_.store(error, std::memory_order_relaxed);
  return 0;
}

}  // namespace echoscan
