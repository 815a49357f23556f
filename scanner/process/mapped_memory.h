// Memory that the kernel has mapped for us, unmapped with its owner: rings of sockets and BPF maps,
// and large tables of zeros.
//
// Like a FileDescriptor it is false when the kernel refused, with the reason in errno, so that
// set-up throws and an attempt steps down. Tables are mapped instead of allocated, because their
// pages then come as they are touched: of 463 MB of bits for the whole Internet, a scan pays for
// the pages that its replies touch. Move-only; the address stays through moves.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <utility>

namespace echoscan {

class MappedMemory {
 public:
  MappedMemory() = default;
  // The first `bytes` of what `descriptor` stands for, shared with whoever else maps it.
  static MappedMemory shared(int descriptor, std::size_t bytes,
                             int protection = PROT_READ | PROT_WRITE, int flags = 0) {
    return MappedMemory(bytes, protection, MAP_SHARED | flags, descriptor);
  }
  // Zeros of our own. MAP_NORESERVE in `flags` allows more of them than there is memory,
  // MAP_POPULATE touches all of them at once.
  static MappedMemory zeros(std::size_t bytes, int flags) {
    return MappedMemory(bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1);
  }
  MappedMemory(MappedMemory&& other) noexcept
      : data_(std::exchange(other.data_, MAP_FAILED)), bytes_(other.bytes_) {}
  MappedMemory& operator=(MappedMemory&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~MappedMemory() {
    if (data_ != MAP_FAILED) munmap(data_, bytes_);
  }

  explicit operator bool() const { return data_ != MAP_FAILED; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  // Where it begins, as a pointer to the values in it.
  template <typename Value>
  [[nodiscard]] Value* as() const {
    return static_cast<Value*>(data_);
  }

 private:
  MappedMemory(std::size_t bytes, int protection, int flags, int descriptor)
      : data_(mmap(nullptr, bytes, protection, flags, descriptor, 0)), bytes_(bytes) {}

  void* data_ = MAP_FAILED;
  std::size_t bytes_ = 0;
};

}  // namespace echoscan
