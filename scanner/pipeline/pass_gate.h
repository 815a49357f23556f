// When the next pass may begin: so long after the last probe of the one before as --pass-gap says.
//
// Losses come in bursts, so that two probes of a target tell more when they are apart in time than
// when the second follows the first (Wan et al., IMC 2020). Blocks are taken in the order of their
// passes: once a sender has one of a pass, the blocks of the passes before are all taken, and who
// asks for the next has handed over what it had of them. So the gate knows that a pass has ended
// when each sender has asked for a later one, or has nothing more to ask for. Rejected: to count
// what is sent, which a target that is given up would hold up for ever. Any thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>
#include <vector>

namespace echoscan {

class PassGate {
 public:
  static constexpr std::uint64_t kNotYet = std::numeric_limits<std::uint64_t>::max();
  // Behind all passes: the sender asks for nothing more.
  static constexpr unsigned kNoPass = std::numeric_limits<unsigned>::max();

  PassGate(std::size_t senders, unsigned passes, std::uint64_t gap_ns)
      : gap_ns_(gap_ns), wanted_(senders), opens_ns_(passes) {}

  // The sender has nothing left of the passes before that one. Returns when it may begin with it;
  // kNotYet while others have something left, and for kNoPass.
  std::uint64_t ask(std::size_t sender, unsigned pass, std::uint64_t now_ns) {
    wanted_[sender].store(pass, std::memory_order_relaxed);
    if (pass == kNoPass) return kNotYet;
    if (pass == 0) return 0;
    std::atomic<std::uint64_t>& opens_ns = opens_ns_[pass];
    std::uint64_t known_ns = opens_ns.load(std::memory_order_relaxed);
    if (known_ns != 0) return known_ns;
    if (std::ranges::any_of(wanted_, [pass](const std::atomic<unsigned>& wanted) {
          return wanted.load(std::memory_order_relaxed) < pass;
        }))
      return kNotYet;
    // The first to see it says when.
    const std::uint64_t from_now_ns = now_ns + gap_ns_;
    return opens_ns.compare_exchange_strong(known_ns, from_now_ns) ? from_now_ns : known_ns;
  }

 private:
  const std::uint64_t gap_ns_;
  std::vector<std::atomic<unsigned>> wanted_;         // by sender
  std::vector<std::atomic<std::uint64_t>> opens_ns_;  // by pass; 0: it has not ended before
};

}  // namespace echoscan
