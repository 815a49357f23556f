// A map as a PNG file: one pixel, or a square of pixels, for each cell, along the Hilbert curve.
//
// The picture is cut to the smallest square that holds all cells. Its text chunks say what it is:
// the prefix, the layer, what a pixel is and how it lies, since a map without that is taken for a
// bug. The pixels are places in a palette (map_colours.h), which makes a file of a few hundred
// kilobytes where true colour makes megabytes. libpng writes it; the same map gives the same bytes.
#pragma once

#include <string>
#include <tl/expected.hpp>

#include "output/report/map_colours.h"
#include "output/report/reply_map.h"

namespace echoscan {

struct MapImageForm {
  MapLayer layer = MapLayer::rate;
  bool is_transposed = false;
  unsigned side_px_min = 1024;  // cells become squares to fill it
};

// The file's bytes. The error is a clause: what libpng refuses.
tl::expected<std::string, std::string> map_image(const ReplyMap& map, const MapImageForm& form);

}  // namespace echoscan
