// What the kernel has counted of echo replies during a scan, less what the scan knows of.
//
// Replies that come in by an interface that nobody watches (asymmetric routing) reach the kernel
// and not the scan, which would call their hosts silent without a word. The kernel's own count
// (echo_reply_count.h) has them. From it goes what the sources of replies have left to the kernel:
// under XDP those that prove nothing, with a packet socket all. The rest is unseen. It is a lower
// bound, since some of what was left may be no echo reply; and other processes' pings by other
// interfaces are in it, so that it is a warning and no loss. Rejected: a packet socket on every
// interface, which would make all of the host's traffic pay for a count.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "scanner/account/event_log.h"
#include "scanner/network/link.h"
#include "scanner/receive/reply_source.h"

namespace echoscan {

class ReplyBalance {
 public:
  // Counts from now on. Both must outlive it.
  ReplyBalance(const ReplySource& source, const Link& link);

  // Before the source is stopped, after which it leaves everything to the kernel.
  void close();
  // After the last reply has been received: warns of unseen replies.
  void settle(std::uint64_t now_ns, EventLog& events);

  // What the kernel has counted; nothing when it does not say.
  [[nodiscard]] std::optional<std::uint64_t> kernel_replies() const { return kernel_replies_; }
  // Of those, at least so many that no source has seen. After settle().
  [[nodiscard]] std::optional<std::uint64_t> unseen_replies() const { return unseen_replies_; }

 private:
  // "e1 (18 packets), e2 (9 packets)": who may have brought them; empty when nobody else may.
  [[nodiscard]] std::string carriers() const;

  const ReplySource& source_;
  const Link& link_;
  std::uint64_t passed_on_;
  std::optional<std::uint64_t> replies_at_start_;
  std::map<std::string, std::uint64_t> rx_packets_;
  std::optional<std::uint64_t> kernel_replies_;
  std::optional<std::uint64_t> unseen_replies_;
};

}  // namespace echoscan
