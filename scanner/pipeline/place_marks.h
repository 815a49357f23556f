// Where a sender stood when: its place in its history every 20 ms, for the last 20 s and more.
//
// When replies were lost since a time that the control says, the sender goes back to the place that
// it had then. One thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace echoscan {

class PlaceMarks {
 public:
  // How often a place is noted, and how many are remembered.
  static constexpr std::uint64_t kMarkNs = 20'000'000;
  static constexpr std::size_t kMarks = 1024;

  // All before `place` has left.
  void note(std::uint64_t now_ns, std::uint64_t place) {
    if (count_ > 0) {
      const Mark& newest = marks_[(count_ - 1) % kMarks];
      if (now_ns - newest.at_ns < kMarkNs || newest.place == place) return;
    }
    marks_[count_++ % kMarks] = {now_ns, place};
  }

  // The place before which all had left at that time; 0 when that is not remembered.
  [[nodiscard]] std::uint64_t place_at(std::uint64_t when_ns) const {
    const std::uint64_t forgotten = count_ - std::min<std::uint64_t>(count_, kMarks);
    for (std::uint64_t i = count_; i > forgotten; --i)
      if (const Mark& mark = marks_[(i - 1) % kMarks]; mark.at_ns <= when_ns) return mark.place;
    return 0;
  }

 private:
  struct Mark {
    std::uint64_t at_ns = 0;
    std::uint64_t place = 0;
  };

  std::vector<Mark> marks_ = std::vector<Mark>(kMarks);  // the newest is at (count_ - 1) % kMarks
  std::uint64_t count_ = 0;
};

}  // namespace echoscan
