// One bit per target: who has replied, or who had an error. Exact, unlike a Bloom filter or a
// window of recent addresses.
//
// Over index space, so 79 M targets take 10 MB and the whole Internet 463 MB; the pages come from
// the kernel as they are touched, so that a scan with few replies stays small. One thread.
#pragma once

#include <sys/mman.h>

#include <cstdint>

#include "scanner/process/system_error.h"

namespace echoscan {

class TargetBitmap {
 public:
  // All clear. Throws std::system_error when there is no address space for it.
  explicit TargetBitmap(std::uint64_t target_count) : bytes_(target_count / 64 * 8 + 8) {
    void* words = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (words == MAP_FAILED) throw_system_error("map the bitmap of replies");
    words_ = static_cast<std::uint64_t*>(words);
  }
  ~TargetBitmap() { munmap(words_, bytes_); }
  TargetBitmap(const TargetBitmap&) = delete;
  TargetBitmap& operator=(const TargetBitmap&) = delete;

  // Sets the bit of an index below target_count; true if it was set before.
  bool test_and_set(std::uint64_t index) {
    const std::uint64_t mask = std::uint64_t{1} << index % 64;
    std::uint64_t& word = words_[index / 64];
    const bool was_set = (word & mask) != 0;
    word |= mask;
    return was_set;
  }

  [[nodiscard]] bool test(std::uint64_t index) const {
    return (words_[index / 64] >> index % 64 & 1) != 0;
  }

 private:
  std::size_t bytes_;
  std::uint64_t* words_ = nullptr;
};

}  // namespace echoscan
