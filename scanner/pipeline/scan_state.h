// What the threads of one scan tell each other: a few flags, each set by one side and read by the
// other.
//
// Everything else goes through rings and counters. Flags are relaxed atomics, since none guards
// data and a sender that sees one a batch late does no harm.
#pragma once

#include <atomic>
#include <cstdint>

namespace echoscan {

struct ScanState {
  std::atomic<bool> stop_sending = false;
  std::atomic<bool> stop_receiving = false;
  // What is sent now would not arrive.
  std::atomic<bool> link_is_down = false;
  // The link came back, took frames and sent none of them: all since its return is lost.
  std::atomic<bool> link_was_silent = false;
  // CLOCK_MONOTONIC when the link was last seen up; the largest number where nobody watches it.
  std::atomic<std::uint64_t> link_seen_up_ns = ~std::uint64_t{0};
  // The user has asked twice to stop: lines that the reader does not take stay unwritten.
  std::atomic<bool> abandon_output = false;
  // CLOCK_MONOTONIC when the last probe had left; 0 while sending.
  std::atomic<std::uint64_t> sending_ended_ns = 0;
};

}  // namespace echoscan
