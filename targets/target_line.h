// One line of a text list: its targets, and the label behind them.
//
// What is written as a target is one or an error, and never a part of a label: `A B` that is read
// as A with the label `B` leaves out of a scan what was listed and, worse, out of the exclusions
// what was to be left alone. So what can only mean one thing is read (`A - B`, `A /24`, `A,B,C`,
// `A 255.255.255.0`), and what can mean two is refused with both said (`A B`, which is two targets
// or the ends of a range). Rejected: a fixed separator between targets and label, which published
// lists do not have. Measured by list_bench.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "targets/prefix.h"

namespace echoscan {

// What is wrong with a line: the part of it, and a clause about that.
struct LineFault {
  std::string_view text;
  std::string what;
};

// Reads a line without its end. Puts its targets into `ranges` (none for a blank line or a comment)
// and returns the label, which is not checked (label_table.h); "" without one. The label and the
// fault's text point into `line`.
tl::expected<std::string_view, LineFault> read_target_line(std::string_view line,
                                                           std::vector<AddressRange>& ranges);

// Whether a line is a comment in text alone: it begins with `;`, as in Spamhaus' lists, or with
// `//` or `--`, as masscan has them. A `#` begins one in any list of lines.
bool is_text_comment(std::string_view line);

// Whether a word is written as a target, right or wrong: an address, block, mask or range, IPv6
// too. `1.2.3.4.example.net`, `2024-01-01` and `3/8` are not.
bool is_written_as_target(std::string_view word);

// The first part of any text that is written as a target and is not IPv6; empty when none is.
std::string_view ipv4_target_in(std::string_view text);

// Whether the targets of a line are all IPv6, and nothing behind them is written as a target.
bool is_ipv6_line(std::string_view line);

}  // namespace echoscan
