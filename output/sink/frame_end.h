// Whether a compressed file ends where a frame (gzip: member) ends, and if not, where the half one
// begins that a killed scan has left.
//
// What is appended behind half a frame cannot be read by anybody. The last 8 MiB are searched for
// beginnings of frames, since ours hold 1 MiB of lines at most; a frame is believed when it can be
// measured from its beginning to the end of the file, or to the beginning of the next. Where older
// or other frames are longer than that, nobody can tell, and the file is taken as it is. Rejected:
// unpacking all of it, which takes minutes for a log of gigabytes.
#pragma once

#include <cstdint>
#include <optional>

#include "output/sink/encoder.h"

namespace echoscan {

// Reads the file of `size` bytes behind `descriptor`. nullopt: it ends whole, or nobody can tell.
std::optional<std::uint64_t> find_half_frame(int descriptor, std::uint64_t size,
                                             Compression compression);

}  // namespace echoscan
