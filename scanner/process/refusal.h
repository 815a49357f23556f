// Why an attempt did not succeed, for a caller who has something else to try.
//
// It is the error of tl::expected wherever the kernel was asked. The code that knows what was tried
// writes the reason. The errno stays beside it, so that callers decide by a number and not by the C
// library's words. Reading text fails without an errno; there the error is a std::string.
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
