// What the kernel tells of its routes without being asked: that something has changed.
//
// What exactly is not read, since a prefix, a rule, a nexthop object, an interface that goes or an
// address that is taken away all end in the same question, which way each target has now. Routes
// that go with their interface are not told at all, so that news of interfaces and addresses count.
// Messages that found no room (ENOBUFS) are news as well.
#pragma once

#include <atomic>
#include <cstdint>

#include "scanner/process/file_descriptor.h"

namespace echoscan {

// One thread.
class RouteNews {
 public:
  // Throws std::system_error.
  RouteNews();

  // Whether there were any since the last call. Throws nothing.
  bool has_news() noexcept;

 private:
  FileDescriptor socket_;
};

// The same for several threads: how often there were some so far.
class RouteChanges {
 public:
  std::uint32_t count() noexcept {
    if (news_.has_news()) count_.fetch_add(1, std::memory_order_relaxed);
    return count_.load(std::memory_order_relaxed);
  }

 private:
  RouteNews news_;
  std::atomic<std::uint32_t> count_ = 0;
};

}  // namespace echoscan
