// The colours of a map's layers, for the picture that this program draws and the one that the
// report's page does.
//
// Not asked, silent and answered are three things. Not asked is the paper, silent a grey, and what
// has a value a colour of viridis, which people with any kind of colour-blindness can order and
// which prints in greys. Labels have Tol's muted colours, the largest nine of them; further ones
// share a grey. A change has brown where more was lost and green where more was gained (BrBG). A
// value's colour is one of kSteps or kChanges, so that a picture has a palette of fewer than 256.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "output/report/reply_map.h"

namespace echoscan {

enum class MapLayer { rate, rtt, loss, label, change };
inline constexpr std::array<std::string_view, 5> kMapLayers = {"rate", "rtt", "loss", "label",
                                                               "change"};

// Places in a map's palette.
struct MapColours {
  static constexpr std::uint8_t kNotAsked = 0;
  static constexpr std::uint8_t kSilent = 1;
  static constexpr std::uint8_t kUnknown = 2;  // answered, and the layer's value is not known
  static constexpr std::uint8_t kFirstLabel = 3;
  static constexpr std::uint8_t kLabels = 9;
  static constexpr std::uint8_t kOtherLabel = kFirstLabel + kLabels;
  static constexpr std::uint8_t kFirstStep = kOtherLabel + 1;
  static constexpr unsigned kSteps = 200;
  static constexpr std::uint8_t kFirstChange = kFirstStep + kSteps;
  static constexpr unsigned kChanges = 41;  // the one in the middle is none
  static constexpr unsigned kCount = kFirstChange + kChanges;
};

struct Colour {
  std::uint8_t red = 0;
  std::uint8_t green = 0;
  std::uint8_t blue = 0;
  friend bool operator==(const Colour&, const Colour&) = default;
};

// kCount colours.
const std::array<Colour, MapColours::kCount>& map_palette();

// The ends of the scales.
inline constexpr double kSmallestShare = 1.0 / 256;
inline constexpr double kShortestUs = 100;
inline constexpr double kLongestUs = 1e7;
inline constexpr double kLargestLoss = 0.25;
inline constexpr double kLargestChange = 0.125;

// Where a value stands on a layer's scale, 0 to 1. Shares from 1/256 to 1 by their logarithm, as
// most networks answer little; times from 0.1 ms to 10 s likewise; losses from 0 to 1/4 as they
// are, and changes, of those compared, from -1/8 to 1/8.
double scale_of_share(double share);
double scale_of_rtt(double rtt_us);
double scale_of_loss(double loss);
double scale_of_change(double change);

// The place in the palette of a cell, which is one of the map's.
std::uint8_t colour_of(const ReplyMap& map, const ReplyMap::Cell& cell, MapLayer layer);

}  // namespace echoscan
