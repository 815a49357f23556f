// The seam for receiving: proved replies and errors out, in batches, and the account of every frame
// that was seen.
//
// A source filters and proves where it stands (in XDP, or in this process for AF_PACKET); what
// crosses the seam is the record of bpf/reply.h. Receiving begins when the source is built and ends
// when it is destroyed. receive() belongs to the receiver thread; outcomes() and is_backlogged()
// are for any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "bpf/reply.h"

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
  // Frames that were lost before this source could look at them.
  [[nodiscard]] virtual std::uint64_t dropped_unseen() const = 0;

  // Whether so much waits to be received that senders have to pause: replies to what is on its way
  // already must still find room. Exact, however long ago receive() was called last, since a
  // receiver that gets no CPU cannot say so itself. Any thread.
  [[nodiscard]] virtual bool is_backlogged() const = 0;

  // How it receives, for people: "XDP native".
  [[nodiscard]] virtual std::string mode() const = 0;
};

}  // namespace echoscan
