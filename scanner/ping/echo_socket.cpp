#include "scanner/ping/echo_socket.h"

#include <arpa/inet.h>
#include <endian.h>
#include <fmt/format.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "bpf/wire.h"
#include "scanner/process/system_error.h"
#include "scanner/process/user_error.h"

namespace echoscan {
namespace {

constexpr std::size_t kMessageBytesMax = 65536;
// A signal that comes between the look for it and the wait would else be seen at the next reply.
constexpr std::uint64_t kWaitNsMax = 50'000'000;
constexpr std::uint64_t kNsPerSecond = 1'000'000'000;
// ICMP_FILTER of linux/icmp.h, which defines what net/if.h does, too: a bit for each type that is
// left out.
constexpr int kIcmpFilterOption = 1;
constexpr std::uint32_t kRepliesAlone = ~(1U << WIRE_ICMP_ECHO_REPLY);
constexpr std::size_t kSequenceOffset = WIRE_ICMP_ECHO_ID_OFFSET + 2;

FileDescriptor open_echo_socket(bool& is_raw) {
  FileDescriptor unprivileged(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_ICMP));
  if (unprivileged) return unprivileged;
  FileDescriptor raw(socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP));
  is_raw = true;
  if (!raw && (errno == EPERM || errno == EACCES))
    throw UserError(
        ExitCode::environment,
        "neither a ping socket nor a raw one may be opened. `sysctl -w "
        "net.ipv4.ping_group_range=\"0 2147483647\"` allows ping sockets to everybody, `setcap "
        "cap_net_raw+p` or sudo allow raw ones to this program");
  if (!raw) throw_system_error("open a raw socket");
  return raw;
}

void refuse_setting(const std::string& what, const std::string& value) {
  throw UserError(ExitCode::environment,
                  fmt::format("cannot send {} '{}': {}", what, value, std::strerror(errno)));
}

sockaddr_in socket_address(Ipv4 address) {
  sockaddr_in socket_address{};
  socket_address.sin_family = AF_INET;
  socket_address.sin_addr.s_addr = htonl(address.value);
  return socket_address;
}

void apply_settings(int socket, const EchoSocket::Settings& settings) {
  if (!settings.interface.empty() &&
      setsockopt(socket, SOL_SOCKET, SO_BINDTODEVICE, settings.interface.c_str(),
                 static_cast<socklen_t>(settings.interface.size())) != 0)
    refuse_setting("by interface", settings.interface);
  if (settings.source) {
    const sockaddr_in source = socket_address(*settings.source);
    if (bind(socket, reinterpret_cast<const sockaddr*>(&source), sizeof(source)) != 0)
      refuse_setting("from", to_string(*settings.source));
  }
  if (settings.ttl) set_socket_option(socket, IPPROTO_IP, IP_TTL, *settings.ttl, "set the TTL");
  if (settings.tos) set_socket_option(socket, IPPROTO_IP, IP_TOS, *settings.tos, "set the TOS");
}

// RFC 1071, over what a raw socket sends as it stands.
std::uint16_t checksum_of(const std::vector<std::uint8_t>& message) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i + 1 < message.size(); i += 2)
    sum += static_cast<std::uint32_t>(message[i] << 8 | message[i + 1]);
  if (message.size() % 2 != 0) sum += static_cast<std::uint32_t>(message.back() << 8);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

template <typename Value>
void put(std::vector<std::uint8_t>& message, std::size_t offset, Value value) {
  std::memcpy(message.data() + offset, &value, sizeof(value));
}

// What came with a message beside it.
struct Ancillary {
  std::optional<std::int64_t> stamp_ns;  // CLOCK_REALTIME
  int ttl = 0;
  const sock_extended_err* error = nullptr;
  std::optional<Ipv4> reporter;
};

Ancillary read_ancillary(msghdr& header) {
  Ancillary ancillary;
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    const auto* data = CMSG_DATA(part);
    if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_TIMESTAMPNS) {
      timespec stamp{};
      std::memcpy(&stamp, data, sizeof(stamp));
      ancillary.stamp_ns = stamp.tv_sec * static_cast<std::int64_t>(kNsPerSecond) + stamp.tv_nsec;
    } else if (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_TTL) {
      std::memcpy(&ancillary.ttl, data, sizeof(ancillary.ttl));
    } else if (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_RECVERR) {
      ancillary.error = reinterpret_cast<const sock_extended_err*>(data);
      sockaddr_in offender{};
      std::memcpy(&offender, data + sizeof(sock_extended_err), sizeof(offender));
      if (offender.sin_family == AF_INET)
        ancillary.reporter = Ipv4{ntohl(offender.sin_addr.s_addr)};
    }
  }
  return ancillary;
}

// One message of a socket or of its error queue, and the storage that recvmsg(2) fills.
struct Received {
  sockaddr_in address{};
  alignas(cmsghdr) char control[512];
  iovec part{};
  msghdr header{};
  ssize_t bytes = -1;

  Received(int socket, std::vector<std::uint8_t>& buffer, int flags) {
    part = {buffer.data(), buffer.size()};
    header.msg_name = &address;
    header.msg_namelen = sizeof(address);
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof(control);
    bytes = recvmsg(socket, &header, MSG_DONTWAIT | flags);
  }
  [[nodiscard]] Ipv4 peer() const { return Ipv4{ntohl(address.sin_addr.s_addr)}; }
};

}  // namespace

EchoSocket::EchoSocket(const Settings& settings, Clock& clock)
    : clock_(clock),
      socket_(open_echo_socket(is_raw_)),
      request_(PROBE_ICMP_BYTES + settings.payload_bytes),
      buffer_(kMessageBytesMax) {
  apply_settings(socket_.get(), settings);
  set_socket_option(socket_.get(), IPPROTO_IP, IP_RECVERR, int{1}, "receive errors");
  set_socket_option(socket_.get(), IPPROTO_IP, IP_RECVTTL, int{1}, "receive the TTL");
  set_socket_option(socket_.get(), SOL_SOCKET, SO_TIMESTAMPNS, int{1}, "receive time stamps");
  // Else all ICMP messages of the host come here. Errors take the error queue all the same.
  if (is_raw_)
    set_socket_option(socket_.get(), SOL_RAW, kIcmpFilterOption, kRepliesAlone,
                      "receive replies alone");
  // A /16 that answers at once; the kernel grants what net.core.rmem_max allows.
  const int receive_bytes = 8 << 20;
  setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof(receive_bytes));
  if (getrandom(&key_, sizeof(key_), 0) != sizeof(key_) ||
      getrandom(&identifier_, sizeof(identifier_), 0) != sizeof(identifier_))
    throw_system_error("draw random numbers");
  request_[0] = WIRE_ICMP_ECHO_REQUEST;
  emptied_ns_ = clock_.now_ns();
}

int EchoSocket::try_send(Ipv4 target) {
  const sockaddr_in address = socket_address(target);
  const ssize_t sent = sendto(socket_.get(), request_.data(), request_.size(), MSG_DONTWAIT,
                              reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  return sent < 0 ? errno : 0;
}

int EchoSocket::send(Ipv4 target, std::uint8_t number, std::uint64_t sent_ns) {
  probe_payload payload{};
  payload.sent_ns = htobe64(sent_ns);
  payload.target = htonl(target.value);
  payload.tag = htonl(probe_tag(&key_, target.value, sent_ns, number));
  payload.pass = number;
  payload.version = PROBE_VERSION;
  put(request_, PROBE_ICMP_BYTES, payload);
  put(request_, WIRE_ICMP_ECHO_ID_OFFSET, identifier_);
  put(request_, kSequenceOffset, htons(number));
  put(request_, WIRE_ICMP_CHECKSUM_OFFSET, std::uint16_t{0});
  if (is_raw_) put(request_, WIRE_ICMP_CHECKSUM_OFFSET, htons(checksum_of(request_)));
  int error = try_send(target);
  if (error == 0) return 0;
  // It may be another target's, which waits in the socket and is told to whoever sends next.
  int pending = 0;
  socklen_t size = sizeof(pending);
  getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &pending, &size);
  read_errors(early_);
  error = try_send(target);
  return error == ENOBUFS || error == EWOULDBLOCK || error == EINTR || error == ENOMEM ? EAGAIN
                                                                                       : error;
}

std::uint64_t EchoSocket::arrival_ns(std::optional<std::int64_t> stamp_ns) const {
  const std::uint64_t now_ns = clock_.now_ns();
  if (!stamp_ns) return now_ns;
  const std::int64_t stamped_ns = *stamp_ns - realtime_offset_ns();
  const bool is_possible = stamped_ns >= static_cast<std::int64_t>(emptied_ns_) &&
                           stamped_ns <= static_cast<std::int64_t>(now_ns);
  return is_possible ? static_cast<std::uint64_t>(stamped_ns) : now_ns;
}

std::optional<EchoNews> EchoSocket::read_reply(const std::uint8_t* bytes, std::size_t size,
                                               Ipv4 source, int ttl, std::uint64_t arrived_ns) {
  if (is_raw_) {
    const std::size_t header_bytes = size > 0 ? static_cast<std::size_t>(bytes[0] & 0xf) * 4 : 0;
    if (size < header_bytes + PROBE_ICMP_BYTES || header_bytes < PROBE_IPV4_BYTES)
      return std::nullopt;
    bytes += header_bytes;
    size -= header_bytes;
    if (std::memcmp(bytes + WIRE_ICMP_ECHO_ID_OFFSET, &identifier_, sizeof(identifier_)) != 0)
      return std::nullopt;
  }
  if (size < PROBE_ICMP_BYTES || bytes[0] != WIRE_ICMP_ECHO_REPLY) return std::nullopt;
  EchoReply reply{source, arrived_ns, static_cast<std::uint8_t>(ttl), std::nullopt};
  if (size >= PROBE_ICMP_BYTES + sizeof(probe_payload)) {
    probe_payload payload{};
    std::memcpy(&payload, bytes + PROBE_ICMP_BYTES, sizeof(payload));
    const EchoProof proof{Ipv4{ntohl(payload.target)}, be64toh(payload.sent_ns)};
    if (ntohl(payload.tag) == probe_tag(&key_, proof.target.value, proof.sent_ns, payload.pass))
      reply.proof = proof;
  }
  return reply;
}

void EchoSocket::read_replies(std::vector<EchoNews>& news) {
  while (true) {
    const std::uint64_t asked_ns = clock_.now_ns();
    Received received(socket_.get(), buffer_, 0);
    if (received.bytes < 0) {
      if (errno == EAGAIN || errno == EWOULDBLOCK) emptied_ns_ = asked_ns;
      return;
    }
    const Ancillary ancillary = read_ancillary(received.header);
    if (const auto reply =
            read_reply(buffer_.data(), static_cast<std::size_t>(received.bytes), received.peer(),
                       ancillary.ttl, arrival_ns(ancillary.stamp_ns)))
      news.push_back(*reply);
  }
}

void EchoSocket::read_errors(std::vector<EchoNews>& news) {
  while (true) {
    // The message is the request that the error quotes, its address where that went.
    Received received(socket_.get(), buffer_, MSG_ERRQUEUE);
    if (received.bytes < 0) return;
    const Ancillary ancillary = read_ancillary(received.header);
    if (ancillary.error == nullptr) continue;
    const bool is_ours = !is_raw_ || (received.bytes >= PROBE_ICMP_BYTES &&
                                      std::memcmp(buffer_.data() + WIRE_ICMP_ECHO_ID_OFFSET,
                                                  &identifier_, sizeof(identifier_)) == 0);
    if (!is_ours) continue;
    EchoError error{received.peer(), std::nullopt, ancillary.error->ee_type,
                    ancillary.error->ee_code, static_cast<int>(ancillary.error->ee_errno)};
    if (ancillary.error->ee_origin == SO_EE_ORIGIN_ICMP) error.reporter = ancillary.reporter;
    news.push_back(error);
  }
}

void EchoSocket::receive(std::uint64_t until_ns, std::vector<EchoNews>& news) {
  news.insert(news.end(), early_.begin(), early_.end());
  early_.clear();
  const std::uint64_t now_ns = clock_.now_ns();
  const std::uint64_t wait_ns =
      news.empty() && until_ns > now_ns ? std::min(until_ns - now_ns, kWaitNsMax) : 0;
  const timespec wait{static_cast<time_t>(wait_ns / kNsPerSecond),
                      static_cast<long>(wait_ns % kNsPerSecond)};
  pollfd readable{socket_.get(), POLLIN, 0};
  if (ppoll(&readable, 1, &wait, nullptr) <= 0) return;
  if ((readable.revents & POLLERR) != 0) read_errors(news);
  read_replies(news);
}

}  // namespace echoscan
