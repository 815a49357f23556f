// The seam for receiving: proved replies and errors come out in batches, with an account of every
// frame that was seen.
//
// A source filters and proves where it stands, in XDP or, for AF_PACKET, in this process; records
// of bpf/reply.h cross the seam. Receiving begins when the source is built and ends when it is
// destroyed. receive() and stop() belong to the receiver thread; what is const is for any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "bpf/reply.h"
#include "scanner/process/reply_rings.h"
#include "scanner/receive/filter_attachment.h"

namespace echoscan {

class ReplySource {
 public:
  virtual ~ReplySource() = default;

  // Fills `replies` from the front with what has arrived, without waiting; returns how many.
  virtual std::size_t receive(std::span<reply> replies) = 0;

  // Ends the receiving. What has arrived can still be taken, and outcomes() changes no more.
  virtual void stop() = 0;

  // What became of each frame so far, summed over CPUs.
  [[nodiscard]] virtual frame_counters outcomes() const = 0;
  // How many frames the kernel dropped before this source could look at them.
  [[nodiscard]] virtual std::uint64_t dropped_unseen() const = 0;
  // How many of all these the kernel may count as echo replies, too: those that this source leaves
  // to it, or takes a copy of. Never fewer than there are.
  [[nodiscard]] virtual std::uint64_t passed_on() const = 0;
  // By how much the clock that replies are stamped by and that of this process have moved apart
  // since receiving began; 0: not at all, as far as can be told. To ask takes a millisecond.
  [[nodiscard]] virtual std::int64_t clock_drift_ns() const { return 0; }
  // The hold on the interface that can be lost while the source stands; null when there is none.
  [[nodiscard]] virtual FilterAttachment* attachment() { return nullptr; }

  // Whether so much waits to be received that senders have to pause: replies to the probes that are
  // on their way must still find room. It looks at the rings themselves, so that it is right even
  // when the receiver gets no CPU and calls receive() late. Cheap enough to be asked before each
  // batch. Any thread.
  [[nodiscard]] virtual bool is_backlogged() const = 0;
  // Rings that a sender in the kernel can look at by itself.
  [[nodiscard]] virtual ReplyRings rings() const { return {}; }

  // The interfaces that it receives on, by the number that a reply's `arrival` is; empty when it is
  // one.
  [[nodiscard]] virtual std::span<const std::string> interfaces() const { return {}; }

  // How it receives, for people: "XDP native".
  [[nodiscard]] virtual std::string mode() const = 0;
};

}  // namespace echoscan
