// A list's lines, put together from its chunks and handed to whoever reads that kind of line.
//
// The first line that is neither blank nor a comment says which kind all lines are of
// (line_format.h); where it says nothing, they are text (target_line.h). Nearly every line lies in
// one chunk, and is read there without a copy. A line without an end would be read for ever, so
// that one of more than 16 MiB ends the reading, as a label too many does.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "targets/list_bytes.h"
#include "targets/target_list.h"

namespace echoscan {

// No line without its comment is longer.
inline constexpr std::size_t kListLineBytesMax = 64 << 10;

// Appends what the lines hold, as read_target_list does.
[[nodiscard]] tl::expected<void, std::string> read_list_lines(ListBytes& bytes,
                                                              std::string_view name,
                                                              TargetList& list);

}  // namespace echoscan
