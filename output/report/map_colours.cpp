#include "output/report/map_colours.h"

#include <algorithm>
#include <cmath>

namespace echoscan {
namespace {

// Ten of viridis's colours, evenly spaced; between them it is straight enough to the eye.
constexpr std::array<std::uint32_t, 10> kViridis = {0x440154, 0x482878, 0x3e4a89, 0x31688e,
                                                    0x26828e, 0x1f9e89, 0x35b779, 0x6dcd59,
                                                    0xb4de2c, 0xfde725};
constexpr std::array<std::uint32_t, MapColours::kLabels> kMuted = {
    0x332288, 0x88ccee, 0x44aa99, 0x117733, 0x999933, 0xddcc77, 0xcc6677, 0x882255, 0xaa4499};
constexpr std::array<std::uint32_t, 7> kBrownToGreen = {0x8c510a, 0xbf812d, 0xdfc27d, 0xece7d8,
                                                        0x80cdc1, 0x35978f, 0x01665e};
constexpr std::uint32_t kPaper = 0xffffff;
constexpr std::uint32_t kSilentGrey = 0xb8bcc2;
constexpr std::uint32_t kUnknownGrey = 0x6f7680;
constexpr std::uint32_t kOtherGrey = 0x8d949e;

Colour colour(std::uint32_t rgb) {
  return {static_cast<std::uint8_t>(rgb >> 16), static_cast<std::uint8_t>(rgb >> 8),
          static_cast<std::uint8_t>(rgb)};
}

std::uint8_t between(std::uint8_t low, std::uint8_t high, double share) {
  return static_cast<std::uint8_t>(std::lround(low + (high - low) * share));
}

// Of evenly spaced colours, with straight lines between them.
template <std::size_t count>
Colour on_line(const std::array<std::uint32_t, count>& colours, double scale) {
  const double place = scale * (count - 1);
  const std::size_t below = std::min(static_cast<std::size_t>(place), count - 2);
  const Colour low = colour(colours[below]);
  const Colour high = colour(colours[below + 1]);
  const double share = place - static_cast<double>(below);
  return {between(low.red, high.red, share), between(low.green, high.green, share),
          between(low.blue, high.blue, share)};
}

std::array<Colour, MapColours::kCount> make_palette() {
  std::array<Colour, MapColours::kCount> palette;
  palette[MapColours::kNotAsked] = colour(kPaper);
  palette[MapColours::kSilent] = colour(kSilentGrey);
  palette[MapColours::kUnknown] = colour(kUnknownGrey);
  palette[MapColours::kOtherLabel] = colour(kOtherGrey);
  for (unsigned i = 0; i < MapColours::kLabels; ++i)
    palette[MapColours::kFirstLabel + i] = colour(kMuted[i]);
  for (unsigned i = 0; i < MapColours::kSteps; ++i)
    palette[MapColours::kFirstStep + i] = on_line(kViridis, i / (MapColours::kSteps - 1.0));
  for (unsigned i = 0; i < MapColours::kChanges; ++i)
    palette[MapColours::kFirstChange + i] =
        on_line(kBrownToGreen, i / (MapColours::kChanges - 1.0));
  return palette;
}

double clamped(double scale) {
  return std::clamp(scale, 0.0, 1.0);
}

std::uint8_t step(double scale) {
  return static_cast<std::uint8_t>(MapColours::kFirstStep +
                                   std::lround(scale * (MapColours::kSteps - 1)));
}

// Silent: nobody replied to either scan, so that nothing could change.
std::uint8_t colour_of_change(const ReplyMap::Cell& cell) {
  if (cell.replies + cell.lost == 0) return MapColours::kSilent;
  if (cell.compared == 0) return MapColours::kUnknown;
  const double change =
      (static_cast<double>(cell.gained) - static_cast<double>(cell.lost)) / cell.compared;
  return static_cast<std::uint8_t>(
      MapColours::kFirstChange + std::lround(scale_of_change(change) * (MapColours::kChanges - 1)));
}

}  // namespace

const std::array<Colour, MapColours::kCount>& map_palette() {
  static const std::array<Colour, MapColours::kCount> palette = make_palette();
  return palette;
}

double scale_of_share(double share) {
  return share <= 0 ? 0 : clamped(1 - std::log(share) / std::log(kSmallestShare));
}

double scale_of_rtt(double rtt_us) {
  return rtt_us <= 0 ? 0
                     : clamped(std::log(rtt_us / kShortestUs) / std::log(kLongestUs / kShortestUs));
}

double scale_of_loss(double loss) {
  return clamped(loss / kLargestLoss);
}

double scale_of_change(double change) {
  return clamped((change / kLargestChange + 1) / 2);
}

std::uint8_t colour_of(const ReplyMap& map, const ReplyMap::Cell& cell, MapLayer layer) {
  if (cell.asked == 0 && cell.replies == 0) return MapColours::kNotAsked;
  if (layer == MapLayer::label)
    return cell.label == 0 ? MapColours::kUnknown
           : cell.label <= MapColours::kLabels
               ? static_cast<std::uint8_t>(MapColours::kFirstLabel + cell.label - 1)
               : MapColours::kOtherLabel;
  if (layer == MapLayer::change) return colour_of_change(cell);
  if (cell.replies == 0) return MapColours::kSilent;
  switch (layer) {
    case MapLayer::rate:
      return map.knows_asked ? step(scale_of_share(double(cell.replies) / cell.asked))
                             : MapColours::kUnknown;
    case MapLayer::rtt:
      return cell.rtt_p50_us == 0 ? MapColours::kUnknown : step(scale_of_rtt(cell.rtt_p50_us));
    case MapLayer::loss:
      return map.has_several_passes ? step(scale_of_loss(double(cell.later) / cell.replies))
                                    : MapColours::kUnknown;
    case MapLayer::label:
    case MapLayer::change:
      break;
  }
  return MapColours::kUnknown;
}

}  // namespace echoscan
