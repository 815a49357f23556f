// Receiving in XDP: owner of the reply_filter program, its link to the interface, and its rings.
//
// The program is attached by a bpf_link, which goes with the process, so that even SIGKILL leaves
// the interface clean. (A program attached by netlink stays after a crash.) Native mode is asked
// for, then generic, since the kernel does not fall back by itself. Somebody else's program is
// named and never replaced. There is a ring for each possible CPU (reply_ring_bytes() says how
// large). receive() belongs to one thread. The link can be
// taken away from us (BPF_LINK_DETACH), and given another program (BPF_LINK_UPDATE); one question
// about it shows both, in a microsecond. Rejected: asking which program the interface has
// (rtnetlink), which takes ten times as long and is the same, as nothing else replaces a link's
// program.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "bpf/match_reply.h"
#include "scanner/network/interface.h"
#include "scanner/process/refusal.h"
#include "scanner/receive/reply_source.h"
#include "scanner/receive/source/ring_size.h"

namespace echoscan {

class XdpReplyFilter : public ReplySource, public FilterAttachment {
 public:
  // Why neither native nor generic XDP could be had; the errno is that of the last try.
  struct NoXdp : Refusal {
    int native_error = 0;      // the errno of native XDP
    bool is_foreign = false;   // someone else's XDP program is there
    std::string remedy = {};   // what helps then, "detach it"; may be empty
    bool is_echoscan = false;  // and that is another scan's reply filter, which goes with its scan
  };

  // Loads the program for `config`, attaches it to `interface` and counts from then on.
  // Rings are smaller than `demand` says where the kernel has no memory for them.
  static tl::expected<std::unique_ptr<XdpReplyFilter>, NoXdp> attach(const Interface& interface,
                                                                     const match_config& config,
                                                                     const RingDemand& demand);
  // Why generic mode was taken; nothing when the mode is native.
  [[nodiscard]] const std::optional<Refusal>& why_not_native() const;
  ~XdpReplyFilter() override;

  std::size_t receive(std::span<reply> replies) override;
  void stop() override;
  [[nodiscard]] frame_counters outcomes() const override;
  // XDP sees every frame that the driver hands up.
  [[nodiscard]] std::uint64_t dropped_unseen() const override { return 0; }
  // Of the echo replies only those that prove nothing.
  [[nodiscard]] std::uint64_t passed_on() const override;
  [[nodiscard]] std::int64_t clock_drift_ns() const override;
  FilterAttachment* attachment() override { return this; }
  [[nodiscard]] bool is_attached() const override;
  [[nodiscard]] bool has_interface() const override;
  [[nodiscard]] std::uint64_t frames_seen() const override { return outcomes().seen; }
  tl::expected<void, Refusal> attach_again() override;
  // When any CPU's ring is a quarter full. In-kernel senders, which have targets in hand by then,
  // pause by themselves when it is half full. The rest is for replies that are on their way.
  [[nodiscard]] bool is_backlogged() const override;
  [[nodiscard]] ReplyRings rings() const override;
  [[nodiscard]] std::string mode() const override;

 private:
  struct Kernel;
  explicit XdpReplyFilter(std::unique_ptr<Kernel> kernel);
  std::unique_ptr<Kernel> kernel_;
};

}  // namespace echoscan
