// When a frame came, on this process's CLOCK_MONOTONIC, from the CLOCK_REALTIME stamp of an
// AF_PACKET ring, whose kernel has no other.
//
// The difference of the clocks is read before each poll of the ring. When CLOCK_REALTIME has been
// set between two polls, frames that were stamped before that need the old difference, the others
// the new one. Each gives a time, and only one of them is possible as a rule: the old one
// behind the frame before it and before the second poll, the new one behind the first. Where both
// are possible, or none is, nobody knows, and there is no round-trip time. (A step of a second used
// to be one of a second, "proved".) Rejected: times of the poll, which are milliseconds late.
#pragma once

#include <cstdint>
#include <optional>

namespace echoscan {

class ArrivalClock {
 public:
  static constexpr std::uint64_t kInHandNs = 200'000'000;

  // Before the ring is polled: CLOCK_MONOTONIC, and by how much CLOCK_REALTIME is ahead of it.
  void look(std::uint64_t now_ns, std::int64_t offset_ns);

  // The ring is empty, but for frames of the last kInHandNs, which the kernel has in hand.
  void note_empty();

  // When a frame with that stamp came; nothing when that cannot be told. Stamps are given in the
  // order of the ring.
  [[nodiscard]] std::optional<std::uint64_t> when(std::int64_t stamp_ns);

  // Of the last look.
  [[nodiscard]] std::uint64_t now_ns() const { return now_ns_; }

 private:
  // A look that finds another difference than the one before it.
  struct Step {
    std::int64_t old_offset_ns = 0;
    std::uint64_t after_ns = 0;  // it was between these two looks
    std::uint64_t before_ns = 0;
    bool is_one = true;  // of several, nobody knows which stamps are between them
  };

  std::uint64_t now_ns_ = 0;  // 0: before the first look
  std::int64_t offset_ns_ = 0;
  std::uint64_t newest_ns_ = 0;  // when the last frame came whose time could be told
  std::optional<Step> step_;     // until a frame behind it has come
};

}  // namespace echoscan
