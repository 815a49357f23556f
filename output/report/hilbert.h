// Where an address stands on a Hilbert map: networks that are near each other in number are near
// each other in the picture, and every aligned block of 4^k networks is a square.
//
// The orientation is that of xkcd 195 and ipv4-heatmap: 0.0.0.0 at the top left, 255.255.255.255 at
// the top right; transposed, at the bottom left, as bgp.tools has it. Maps of this kind are taken
// for a bug without that sentence, so whoever draws one says it. Rejected: the Z order, whose
// squares jump. Pure; source: Hacker's Delight, chapter 16.
#pragma once

#include <cstdint>

namespace echoscan {

struct HilbertPoint {
  std::uint32_t x = 0;  // from the left
  std::uint32_t y = 0;  // from the top
  friend bool operator==(const HilbertPoint&, const HilbertPoint&) = default;
};

// The place of the number `index` in a square of 2^order by 2^order; order <= 16. All orders agree
// on where a block stands: that of a number's quarters is the number's own, at twice the side.
constexpr HilbertPoint hilbert_point(std::uint64_t index, unsigned order, bool is_transposed) {
  HilbertPoint point;
  for (unsigned bit = 0; bit < order; ++bit, index >>= 2) {
    const auto x_part = static_cast<std::uint32_t>(index >> 1 & 1);
    const auto y_part = static_cast<std::uint32_t>((index ^ index >> 1) & 1);
    const std::uint32_t side = std::uint32_t{1} << bit;
    if (y_part == 0) {
      if (x_part == 1) point = {side - 1 - point.x, side - 1 - point.y};
      point = {point.y, point.x};
    }
    point.x += x_part * side;
    point.y += y_part * side;
  }
  return is_transposed ? HilbertPoint{point.y, point.x} : point;
}

}  // namespace echoscan
