// In which passes each target has answered, proved by the pass in the reply's payload: what tells a
// loss from silence (docs/passes.md).
//
// A target's history is one bit a pass, and all bits of one target lie together, so that a reply
// touches one line of memory: N/8 bytes a pass, rounded up to 2, 4 or 8 passes, of which the kernel
// gives the pages that are touched. Counts by history follow each reply, over all and by label and
// way, so that nothing is walked at the end. Rejected: a bitmap for each pass, which is a miss for
// each (0.1 us a reply with 79 M targets); histories beyond 8 passes, whose counts nobody reads.
// One thread.
#pragma once

#include <cstdint>
#include <vector>

#include "scanner/process/mapped_memory.h"
#include "targets/label_map.h"

namespace echoscan {

class PassHistories {
 public:
  static constexpr unsigned kPassesMin = 2;
  static constexpr unsigned kPassesMax = 8;

  static bool are_kept_for(unsigned passes) { return passes >= kPassesMin && passes <= kPassesMax; }

  // Of so many passes, for which they are kept. The maps must outlive it. Throws std::system_error
  // when there is no address space for it.
  PassHistories(std::uint64_t target_count, unsigned passes, const LabelMap& labels,
                const LabelMap& ways);

  // The target, whose index is that, has proved an answer to the pass; true when it is the first
  // to it. A pass that the scan does not have is none of ours: false.
  bool add(Ipv4 target, std::uint64_t index, unsigned pass);

  [[nodiscard]] unsigned passes() const { return passes_; }
  // Which passes the target with that index has answered, by its bits.
  [[nodiscard]] unsigned history_of(std::uint64_t index) const;
  // How many targets have each history, by its bits: bit 0 is the first pass. Nobody counts those
  // that have answered none, so that the first is 0.
  [[nodiscard]] std::vector<std::uint64_t> counts() const { return all_.of_group(0); }
  // The same of each label by its number, and of each way; empty without labels, with one way.
  [[nodiscard]] std::vector<std::vector<std::uint64_t>> counts_by_label() const {
    return by_label_.of_groups();
  }
  [[nodiscard]] std::vector<std::vector<std::uint64_t>> counts_by_way() const {
    return by_way_.of_groups();
  }

 private:
  // How many targets of each group have each history.
  class Counts {
   public:
    Counts(std::uint64_t groups, unsigned passes);
    void move(std::uint64_t group, unsigned from, unsigned to);
    [[nodiscard]] std::vector<std::uint64_t> of_group(std::uint64_t group) const;
    [[nodiscard]] std::vector<std::vector<std::uint64_t>> of_groups() const;

   private:
    std::uint64_t groups_;
    unsigned histories_;
    MappedMemory counts_;
  };

  unsigned passes_;
  unsigned bits_;  // a target's, a power of 2
  const LabelMap& labels_;
  const LabelMap& ways_;
  MappedMemory histories_;
  Counts all_;
  Counts by_label_;
  Counts by_way_;
};

}  // namespace echoscan
