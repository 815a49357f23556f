// Why an attempt at something did not succeed, for whoever has another way to go.
//
// The error of tl::expected wherever the kernel was asked: the reason is written by whoever knows
// what was tried, and the errno stays beside it, since a caller that decided by the reason's words
// would depend on the C library's. Where text was read and no errno is behind it, the error is a
// std::string.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace echoscan {

struct Refusal {
  std::string reason;  // a clause for a sentence
  int error = 0;       // the errno behind it; 0: none
};

inline tl::unexpected<Refusal> refused(std::string reason, int error = 0) {
  return tl::make_unexpected(Refusal{std::move(reason), error});
}

}  // namespace echoscan
