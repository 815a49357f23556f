// One bit per target: who has replied, or who had an error. It is exact, unlike a Bloom filter or a
// window of recent addresses.
//
// The bits are by index and not by address, so that 79 M targets take 10 MB and the whole Internet
// 463 MB. The kernel gives pages as they are touched, so that a scan with few replies stays small.
// One thread.
#pragma once

#include <cstdint>

#include "scanner/process/mapped_memory.h"
#include "scanner/process/system_error.h"

namespace echoscan {

class TargetBitmap {
 public:
  // All clear. Throws std::system_error when there is no address space for it.
  explicit TargetBitmap(std::uint64_t target_count)
      : words_(MappedMemory::zeros(target_count / 64 * 8 + 8, MAP_NORESERVE)) {
    if (!words_) throw_system_error("map the bitmap of replies");
  }

  // Sets the bit of an index below target_count; true if it was set before.
  bool test_and_set(std::uint64_t index) {
    const std::uint64_t mask = std::uint64_t{1} << index % 64;
    std::uint64_t& word = words_.as<std::uint64_t>()[index / 64];
    const bool was_set = (word & mask) != 0;
    word |= mask;
    return was_set;
  }

  // Brings a bit nearer that is asked for soon: each is a line of memory of its own.
  void prefetch(std::uint64_t index) const {
    __builtin_prefetch(&words_.as<std::uint64_t>()[index / 64], 1);
  }

  [[nodiscard]] bool test(std::uint64_t index) const {
    return (words_.as<std::uint64_t>()[index / 64] >> index % 64 & 1) != 0;
  }

 private:
  MappedMemory words_;
};

}  // namespace echoscan
