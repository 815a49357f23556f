// One bit per target: who has replied, or who had an error. It is exact, unlike a Bloom filter or a
// window of recent addresses.
//
// The bits are by index and not by address, so that 79 M targets take 10 MB and the whole Internet
// 463 MB. The kernel gives pages as they are touched, so that a scan with few replies stays small.
// One thread sets bits; any thread may test them, and sees each a moment late at worst.
#pragma once

#include <atomic>
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
    const std::atomic_ref<std::uint64_t> word(words_.as<std::uint64_t>()[index / 64]);
    const std::uint64_t before = word.load(std::memory_order_relaxed);
    word.store(before | mask, std::memory_order_relaxed);
    return (before & mask) != 0;
  }

  // Brings a bit nearer that is asked for soon: each is a line of memory of its own.
  void prefetch(std::uint64_t index) const {
    __builtin_prefetch(&words_.as<std::uint64_t>()[index / 64], 1);
  }

  [[nodiscard]] bool test(std::uint64_t index) const {
    const std::atomic_ref<std::uint64_t> word(words_.as<std::uint64_t>()[index / 64]);
    return (word.load(std::memory_order_relaxed) >> index % 64 & 1) != 0;
  }

 private:
  MappedMemory words_;
};

}  // namespace echoscan
