// Prefixes, ranges and list files: text in, address ranges out, and a sentence for each line that
// is wrong.
//
// A target is an address, a CIDR block or `first-last`. Nothing is guessed: host bits in a CIDR are
// an error that names the network that may have been meant, since masking them silently (as zmap
// does) pings what nobody listed. Errors are collected, not thrown, so that one run shows all that
// is wrong in a list; the first kListErrorsMax are kept, the rest are counted. Depends on std only.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "targets/address.h"

namespace echoscan {

// Both ends included; first <= last.
struct AddressRange {
  Ipv4 first;
  Ipv4 last;

  // At least 1, at most 2^32.
  [[nodiscard]] constexpr std::uint64_t size() const {
    return std::uint64_t{last.value} - first.value + 1;
  }
  friend constexpr auto operator<=>(const AddressRange&, const AddressRange&) = default;
};

// Reads one target, the whole of `text`. On nullopt `error` says what is wrong with it, without the
// text itself and without a full stop: "host bits are set; the network is 1.2.3.0/24".
std::optional<AddressRange> parse_range(std::string_view text, std::string& error);

inline constexpr std::size_t kListErrorsMax = 20;

// What lists hold, in the order read.
struct TargetList {
  std::vector<AddressRange> ranges;
  std::vector<std::string> errors;  // "file:line: text: what is wrong", at most kListErrorsMax
  std::uint64_t error_count = 0;

  // Adds an error, or only counts it when there are enough.
  void add_error(std::string error);
};

// Appends the targets of a list: one a line; `#` starts a comment; blank lines, CRLF and white
// space around are fine. `name` is what errors call the list ("targets.txt"). Reads to the end; the
// caller looks at the stream's state for read errors.
void read_target_list(std::istream& in, std::string_view name, TargetList& list);

}  // namespace echoscan
