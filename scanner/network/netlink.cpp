#include "scanner/network/netlink.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "scanner/process/system_error.h"

namespace echoscan {
namespace {

constexpr std::size_t kBufferBytes = 32768;
// The answers to so many questions, each below 1 KiB of kernel memory, fit a socket's 208 KiB.
constexpr std::size_t kQuestionsMax = 128;

// Refuses messages whose length is not true: libmnl takes one of 2^32 - 1 bytes for -1, and would
// read it again and again for ever.
void check_lengths(const char* buffer, std::size_t bytes) {
  while (bytes >= sizeof(nlmsghdr)) {
    std::uint32_t length = 0;  // the first thing in a message
    std::memcpy(&length, buffer, sizeof(length));
    if (length < sizeof(nlmsghdr) || length > bytes)
      throw_system_error("read a netlink answer", EBADMSG);
    const std::size_t step = std::min<std::size_t>(MNL_ALIGN(length), bytes);
    buffer += step;
    bytes -= step;
  }
}

// The error number that an NLMSG_ERROR carries. The kernel writes it negative, and none is above
// 4,095 (MAX_ERRNO). Anything else is no answer of its, and the smallest number has no opposite.
int error_in(const nlmsghdr& message) {
  constexpr int kErrorsMax = 4'095;
  int negative = 0;
  if (mnl_nlmsg_get_payload_len(&message) < sizeof(nlmsgerr)) return EBADMSG;
  std::memcpy(&negative, mnl_nlmsg_get_payload(&message), sizeof(negative));
  return negative <= 0 && negative >= -kErrorsMax ? -negative : EBADMSG;
}

}  // namespace

void Netlink::Close::operator()(mnl_socket* socket) const {
  mnl_socket_close(socket);
}

Netlink::Netlink()
    : socket_(mnl_socket_open(NETLINK_ROUTE)), buffer_(std::make_unique<char[]>(kBufferBytes)) {
  if (!socket_) throw_system_error("open a netlink socket");
  if (mnl_socket_bind(socket_.get(), 0, MNL_SOCKET_AUTOPID) < 0)
    throw_system_error("bind a netlink socket");
}

nlmsghdr* Netlink::prepare(std::uint16_t type, std::uint16_t flags) {
  nlmsghdr* request = mnl_nlmsg_put_header(buffer_.get());
  request->nlmsg_type = type;
  request->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  request->nlmsg_seq = ++sequence_;
  return request;
}

int Netlink::exchange(nlmsghdr* request, const std::function<void(const nlmsghdr&)>& on_message) {
  // Without a dump or an acknowledgement the kernel's one answer has no end marker.
  const bool one_answer = (request->nlmsg_flags & (NLM_F_DUMP | NLM_F_ACK)) == 0;
  if (mnl_socket_sendto(socket_.get(), request, request->nlmsg_len) < 0)
    throw_system_error("send a netlink request");
  struct Context {
    const std::function<void(const nlmsghdr&)>& on_message;
  } context{on_message};
  const auto callback = [](const nlmsghdr* message, void* data) -> int {
    static_cast<Context*>(data)->on_message(*message);
    return MNL_CB_OK;
  };
  int result = MNL_CB_OK;
  do {
    const ssize_t bytes = mnl_socket_recvfrom(socket_.get(), buffer_.get(), kBufferBytes);
    if (bytes < 0) throw_system_error("read a netlink answer");
    check_lengths(buffer_.get(), static_cast<std::size_t>(bytes));
    result = mnl_cb_run(buffer_.get(), static_cast<std::size_t>(bytes), sequence_,
                        mnl_socket_get_portid(socket_.get()), callback, &context);
    if (result < 0) return errno;
  } while (result > MNL_CB_STOP && !one_answer);
  return 0;
}

void Netlink::exchange_each(std::uint16_t type, std::size_t count, const Write& write,
                            const OnAnswer& on_answer) {
  std::vector<std::size_t> open;
  std::size_t next = 0;
  while (next < count || !open.empty()) {
    while (open.size() < kQuestionsMax && next < count) open.push_back(next++);
    const std::size_t asked = open.size();
    exchange_batch(type, open, write, on_answer);
    if (open.size() == asked) throw_system_error("read the answers to netlink requests", ENOBUFS);
  }
}

// The kernel answers during the send, so that all answers have arrived when it returns. An answer
// that finds no room in the socket's buffer is lost, and its question stays in `open`.
void Netlink::exchange_batch(std::uint16_t type, std::vector<std::size_t>& open, const Write& write,
                             const OnAnswer& on_answer) {
  const std::uint32_t first_sequence = sequence_ + 1;
  char* end = buffer_.get();
  for (const std::size_t question : open) {
    nlmsghdr* request = mnl_nlmsg_put_header(end);
    request->nlmsg_type = type;
    request->nlmsg_flags = NLM_F_REQUEST;
    request->nlmsg_seq = ++sequence_;
    write(question, request);
    end += MNL_ALIGN(request->nlmsg_len);
  }
  if (mnl_socket_sendto(socket_.get(), buffer_.get(),
                        static_cast<std::size_t>(end - buffer_.get())) < 0)
    throw_system_error("send netlink requests");
  std::vector<bool> is_answered(open.size());
  const auto take = [&](const nlmsghdr& message) {
    const std::size_t place = message.nlmsg_seq - first_sequence;
    if (place >= open.size() || is_answered[place]) return;
    is_answered[place] = true;
    if (message.nlmsg_type != NLMSG_ERROR) return on_answer(open[place], 0, &message);
    on_answer(open[place], error_in(message), nullptr);
  };
  while (true) {
    const ssize_t bytes =
        recv(mnl_socket_get_fd(socket_.get()), buffer_.get(), kBufferBytes, MSG_DONTWAIT);
    if (bytes < 0 && errno == EAGAIN) break;
    if (bytes < 0 && (errno == ENOBUFS || errno == EINTR)) continue;
    if (bytes < 0) throw_system_error("read the answers to netlink requests");
    check_lengths(buffer_.get(), static_cast<std::size_t>(bytes));
    int left = static_cast<int>(bytes);
    const auto* message = reinterpret_cast<const nlmsghdr*>(buffer_.get());
    for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) take(*message);
  }
  std::size_t kept = 0;
  for (std::size_t place = 0; place < open.size(); ++place)
    if (!is_answered[place]) open[kept++] = open[place];
  open.resize(kept);
}

namespace {

int hand_on(const nlattr* attribute, void* data) {
  (*static_cast<const std::function<void(const nlattr&)>*>(data))(*attribute);
  return MNL_CB_OK;
}

}  // namespace

void for_each_attribute(const nlmsghdr& message, std::size_t header_bytes,
                        const std::function<void(const nlattr&)>& on_attribute) {
  mnl_attr_parse(&message, static_cast<unsigned>(header_bytes), hand_on,
                 const_cast<std::function<void(const nlattr&)>*>(&on_attribute));
}

void for_each_nested(const nlattr& nest, const std::function<void(const nlattr&)>& on_attribute) {
  mnl_attr_parse_nested(&nest, hand_on,
                        const_cast<std::function<void(const nlattr&)>*>(&on_attribute));
}

bool is_text(const nlattr& attribute, std::string_view text) {
  const std::string_view all(static_cast<const char*>(mnl_attr_get_payload(&attribute)),
                             mnl_attr_get_payload_len(&attribute));
  return all.substr(0, all.find('\0')) == text;
}

void put_ipv4(nlmsghdr* request, std::uint16_t type, Ipv4 address) {
  mnl_attr_put_u32(request, type, htonl(address.value));
}

Ipv4 get_ipv4(const nlattr& attribute) {
  return Ipv4{ntohl(mnl_attr_get_u32(&attribute))};
}

}  // namespace echoscan
