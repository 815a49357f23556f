// Fuzzer of what the kernel answers over netlink: routes, rules, addresses, neighbours and bonds in
// any shape. The linker puts the functions below where the product sends and receives; what is
// asked is not looked at, and each answer is the next piece of the input, with the sequence number
// that the product waits for.
#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <system_error>

#include "scanner/network/bond.h"
#include "scanner/network/fib.h"
#include "scanner/network/neighbour.h"
#include "scanner/network/own_address.h"
#include "scanner/network/vrf.h"

namespace {

std::string_view answers;
std::uint32_t sequence = 0;
std::uint32_t port = 0;

// The next piece of the input: its first two bytes are its length.
ssize_t next_answer(void* buffer, std::size_t room) {
  if (answers.size() < 2) {
    errno = EAGAIN;
    return -1;
  }
  const auto low = static_cast<unsigned char>(answers[0]);
  const auto high = static_cast<unsigned char>(answers[1]);
  answers.remove_prefix(2);
  const std::size_t bytes = std::min({room, answers.size(), low | std::size_t{high} << 8U});
  std::memcpy(buffer, answers.data(), bytes);
  answers.remove_prefix(bytes);
  // The first message answers what was asked last; the others are as the input has them.
  if (bytes >= sizeof(nlmsghdr)) {
    auto* message = static_cast<nlmsghdr*>(buffer);
    message->nlmsg_seq = sequence;
    message->nlmsg_pid = port;
  }
  return static_cast<ssize_t>(bytes);
}

}  // namespace

extern "C" ssize_t __wrap_mnl_socket_sendto(const mnl_socket* socket, const void* request,
                                            std::size_t bytes) {
  sequence = static_cast<const nlmsghdr*>(request)->nlmsg_seq;
  port = mnl_socket_get_portid(socket);
  return static_cast<ssize_t>(bytes);
}

extern "C" ssize_t __wrap_mnl_socket_recvfrom(const mnl_socket*, void* buffer, std::size_t room) {
  return next_answer(buffer, room);
}

extern "C" ssize_t __wrap_recv(int, void* buffer, std::size_t room, int) {
  return next_answer(buffer, room);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace echoscan;
  answers = {reinterpret_cast<const char*>(data), size};
  const auto ask = [](auto question) {
    try {
      question();
    } catch (const std::system_error&) {
      // The answers ended.
    }
  };
  ask([] { list_fib_prefixes(); });
  ask([] { find_bond(Interface{.name = {}, .index = 1}); });
  ask([] { read_bond_ports(Bond{.index = 7, .name = {}}); });
  ask([] { vrf_names(); });
  ask([] { is_own_address(Ipv4{0xc0000201}); });
  ask([] { kernel_sends_to(1, Ipv4{0xc0000201}, {}); });
  ask([] { ask_ways(std::array{Ipv4{0x08080808}, Ipv4{0x0a000001}}, {}); });
  return 0;
}
