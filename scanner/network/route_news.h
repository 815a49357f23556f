// What the kernel tells of its routes without being asked: that something has changed.
//
// What exactly is not read, since a prefix, a rule, a nexthop object, an interface that goes or an
// address that is taken away all end in the same question, which way each target has now. Routes
// that go with their interface are not told at all, so that news of interfaces and addresses count.
// Messages that found no room (ENOBUFS) are news as well. One thread.
#pragma once

#include "scanner/process/file_descriptor.h"

namespace echoscan {

class RouteNews {
 public:
  // Throws std::system_error.
  RouteNews();

  // Whether there were any since the last call. Throws nothing.
  bool has_news() noexcept;

 private:
  FileDescriptor socket_;
};

}  // namespace echoscan
