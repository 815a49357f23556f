// A question to the kernel's routing, link and neighbour tables over rtnetlink.
//
// libmnl does the framing; this class owns the socket and the buffer and runs a request to its end.
// Rejected: parsing /proc and /sys (a container may not have them, and a namespace's /sys shows
// another one's interfaces), and ioctls, which cannot say what a route is. Set-up only; one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "targets/address.h"

struct mnl_socket;
struct nlattr;
struct nlmsghdr;

namespace echoscan {

class Netlink {
 public:
  // Throws std::system_error.
  Netlink();

  // Starts a request in the buffer: `type` is RTM_GET..., `flags` are NLM_F_... beside
  // NLM_F_REQUEST.
  nlmsghdr* prepare(std::uint16_t type, std::uint16_t flags);
  // Sends what was prepared and hands each answer to `on_message`. Returns 0, or the errno that the
  // kernel answered with; throws std::system_error when the socket itself fails.
  int exchange(nlmsghdr* request, const std::function<void(const nlmsghdr&)>& on_message);

  // Asks `count` questions of one `type` that have one answer each, 128 to a system call.
  // `write(i, request)` puts the payload of the i-th question; `on_answer(i, error, answer)` gets
  // the kernel's answer to it, an errno and null or 0 and the message. Answers come in any order.
  // Throws std::system_error when the socket itself fails, or the kernel leaves a question
  // unanswered.
  using Write = std::function<void(std::size_t, nlmsghdr*)>;
  using OnAnswer = std::function<void(std::size_t, int, const nlmsghdr*)>;
  void exchange_each(std::uint16_t type, std::size_t count, const Write& write,
                     const OnAnswer& on_answer);

 private:
  // Asks the questions whose numbers `open` holds, and removes each when it is answered.
  void exchange_batch(std::uint16_t type, std::vector<std::size_t>& open, const Write& write,
                      const OnAnswer& on_answer);
  struct Close {
    void operator()(mnl_socket* socket) const;
  };
  std::unique_ptr<mnl_socket, Close> socket_;
  std::unique_ptr<char[]> buffer_;
  std::uint32_t sequence_ = 0;
};

// Calls `on_attribute` with each attribute behind a message's fixed part of `header_bytes` bytes.
void for_each_attribute(const nlmsghdr& message, std::size_t header_bytes,
                        const std::function<void(const nlattr&)>& on_attribute);
// The same with each attribute inside of another.
void for_each_nested(const nlattr& nest, const std::function<void(const nlattr&)>& on_attribute);
// Whether that is what the attribute says, with or without a 0 at its end.
bool is_text(const nlattr& attribute, std::string_view text);

// Inside attributes addresses are in network order; these two convert.
void put_ipv4(nlmsghdr* request, std::uint16_t type, Ipv4 address);
Ipv4 get_ipv4(const nlattr& attribute);

}  // namespace echoscan
