// Which targets have answered an earlier leg of a resumed scan: nobody probes them again.
//
// Senders ask for the few steps that an earlier leg may have taken and not finished, so that the
// search by address (100 ns) costs nothing that shows. It is a bitmap beside the receiver's own,
// which changes while senders read: N/8 bytes more, of which only the pages with answers are
// touched. Filled before the senders start; then any thread reads it.
#pragma once

#include <optional>

#include "scanner/pipeline/target_bitmap.h"
#include "targets/target_set.h"

namespace echoscan {

class EarlierAnswers {
 public:
  // The set must outlive it.
  explicit EarlierAnswers(const TargetSet& targets)
      : targets_(targets), answered_(targets.size()) {}

  void add(std::uint64_t index) { answered_.test_and_set(index); }
  void prefetch(std::uint64_t index) const { answered_.prefetch(index); }
  [[nodiscard]] bool has(Ipv4 address) const {
    const std::optional<std::uint64_t> index = targets_.index_of(address);
    return index && answered_.test(*index);
  }

 private:
  const TargetSet& targets_;
  TargetBitmap answered_;
};

}  // namespace echoscan
