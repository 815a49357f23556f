// Which targets have answered an earlier leg of a resumed scan: nobody probes them again. Where
// passes are told apart (pass_histories.h), which of them each has answered.
//
// Senders ask for the few steps that an earlier leg may have taken and not finished, so that the
// search by address (100 ns) costs nothing that shows. It is a bitmap beside the receiver's own,
// which changes while senders read: N/8 bytes more for each pass that is told apart, of which only
// the pages with answers are touched. Filled before the senders start; then any thread reads it.
#pragma once

#include <optional>

#include "scanner/pipeline/target_bitmap.h"
#include "targets/target_set.h"

namespace echoscan {

class EarlierAnswers {
 public:
  // So many passes are told apart; 1: an answer to one is an answer to all. The set must outlive
  // it.
  explicit EarlierAnswers(const TargetSet& targets, unsigned passes = 1)
      : targets_(targets), passes_(passes), answered_(targets.size() * passes) {}

  [[nodiscard]] bool tells_passes_apart() const { return passes_ > 1; }
  void add(std::uint64_t index, unsigned pass = 0) { answered_.test_and_set(place(index, pass)); }
  void prefetch(std::uint64_t index) const { answered_.prefetch(place(index, 0)); }
  [[nodiscard]] bool has(Ipv4 address, unsigned pass) const {
    const std::optional<std::uint64_t> index = targets_.index_of(address);
    return index && answered_.test(place(*index, pass));
  }

 private:
  [[nodiscard]] std::uint64_t place(std::uint64_t index, unsigned pass) const {
    return index * passes_ + (passes_ > 1 ? pass : 0);
  }

  const TargetSet& targets_;
  const unsigned passes_;
  TargetBitmap answered_;
};

}  // namespace echoscan
