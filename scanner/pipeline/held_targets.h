// Targets whose gateway does not answer, kept by their sender until it does or is given up, while
// all others go on.
//
// They are a line, which is gone through once whenever gateways or routes have changed: whoever is
// still waited for stays in it. There is room for kMax, 6 MiB a sender that are touched only when
// they are needed; a sender without room waits, as it would without any other gateway. Rejected: to
// skip them and come back at the end of the order, since the order cannot be asked who was skipped;
// a line for each gateway, of which there may be 63. One thread; nothing here allocates but the
// constructor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "scanner/transmit/target.h"
#include "scanner/transmit/transmitter.h"

namespace echoscan {

// Where the targets of a sender's batch come from; all of one batch come from one place.
enum class BatchKind : std::uint8_t {
  from_order,
  from_line,   // of the order, and kept back until now
  taken_back,  // by the transmitter, which had not sent them
  gone_back,   // sent, and perhaps lost
};

class HeldTargets {
 public:
  static constexpr std::size_t kMax = std::size_t{1} << 19;

  struct Held {
    Target target;
    BatchKind kind = BatchKind::from_order;
  };

  HeldTargets() { line_.reserve(kMax + Transmitter::kBatchSize); }

  [[nodiscard]] bool is_empty() const { return line_.empty(); }
  [[nodiscard]] std::size_t size() const { return line_.size(); }
  // Whether there is room for a batch, and for one more that was drawn already.
  [[nodiscard]] bool has_room() const { return line_.size() + Transmitter::kBatchSize <= kMax; }
  // There must be room.
  void push(const Target& target, BatchKind kind) { line_.push_back({target, kind}); }

  // Gateways or routes have changed: all are to be gone through.
  void look_again() {
    close_gap();
    kept_ = read_ = 0;
  }
  // Whom nobody has gone through; the next stays in the line, or leaves it.
  [[nodiscard]] bool has_next() const { return read_ != line_.size(); }
  [[nodiscard]] Held& next() { return line_[read_]; }
  void keep_next() {
    line_[kept_++] = line_[read_++];
    if (!has_next()) close_gap();
  }
  void remove_next() {
    ++read_;
    if (!has_next()) close_gap();
  }

  // All that are in the line, for who gives them up.
  [[nodiscard]] const std::vector<Held>& all() {
    look_again();
    return line_;
  }

 private:
  void close_gap() {
    line_.erase(line_.begin() + static_cast<std::ptrdiff_t>(kept_),
                line_.begin() + static_cast<std::ptrdiff_t>(read_));
    read_ = kept_;
  }

  std::vector<Held> line_;  // those gone through and kept, a gap, and the others
  std::size_t kept_ = 0;    // where the gap begins
  std::size_t read_ = 0;    // where it ends
};

}  // namespace echoscan
