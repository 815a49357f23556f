// Throwing what the kernel refused in set-up: the errno, and what was being done.
//
// This is the one place where an errno becomes an exception, so that all of them read alike: "open
// a packet socket: Operation not permitted". `main` catches it and exits with code environment. It
// is for set-up alone: an attempt that can be followed by another returns its Refusal instead
// (refusal.h), and the data plane counts.
#pragma once

#include <sys/socket.h>

#include <cerrno>
#include <system_error>

namespace echoscan {

// `what` says what was being done, as an infinitive: "open a packet socket".
[[noreturn]] inline void throw_system_error(const char* what, int error = errno) {
  throw std::system_error(error, std::generic_category(), what);
}

// setsockopt, or throws.
template <typename Value>
void set_socket_option(int socket, int level, int option, const Value& value, const char* what) {
  if (setsockopt(socket, level, option, &value, sizeof(value)) != 0) throw_system_error(what);
}

}  // namespace echoscan
