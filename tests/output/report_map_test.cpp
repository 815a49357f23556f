// The map of a report: where networks stand, how cells are joined, how they are packed for a page,
// and that every pixel of the picture has the colour of its network's counts.
#include <gtest/gtest.h>
#include <png.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <map>
#include <random>
#include <vector>

#include "output/report/hilbert.h"
#include "output/report/map_colours.h"
#include "output/report/map_image.h"
#include "output/report/page_planes.h"
#include "output/report/reply_map.h"

namespace echoscan::report_map_test {
namespace {

using Cell = ReplyMap::Cell;

// Another way to the same curve: a square's four quarters, each with its own axes.
void walk_curve(double x, double y, double xi, double xj, double yi, double yj, unsigned order,
                std::vector<HilbertPoint>& points) {
  if (order == 0) {
    points.push_back({static_cast<std::uint32_t>(x + (xi + yi) / 2),
                      static_cast<std::uint32_t>(y + (xj + yj) / 2)});
    return;
  }
  walk_curve(x, y, yi / 2, yj / 2, xi / 2, xj / 2, order - 1, points);
  walk_curve(x + xi / 2, y + xj / 2, xi / 2, xj / 2, yi / 2, yj / 2, order - 1, points);
  walk_curve(x + xi / 2 + yi / 2, y + xj / 2 + yj / 2, xi / 2, xj / 2, yi / 2, yj / 2, order - 1,
             points);
  walk_curve(x + xi / 2 + yi, y + xj / 2 + yj, -yi / 2, -yj / 2, -xi / 2, -xj / 2, order - 1,
             points);
}

TEST(Hilbert, IsTheCurveOfXkcd195) {
  // 0/8 to 3/8 at the top left: 1 is to the right of 0, 2 below 1, 3 below 0.
  const std::array<HilbertPoint, 4> first = {{{0, 0}, {1, 0}, {1, 1}, {0, 1}}};
  for (std::uint32_t i = 0; i < first.size(); ++i) EXPECT_EQ(hilbert_point(i, 4, false), first[i]);
  EXPECT_EQ(hilbert_point(255, 4, false), (HilbertPoint{15, 0}));
  EXPECT_EQ(hilbert_point(255, 4, true), (HilbertPoint{0, 15}));
  EXPECT_EQ(hilbert_point(64, 4, false).y, 8U) << "64/8 is at the left, in the lower half";
}

TEST(Hilbert, IsWhatAnotherConstructionDraws) {
  for (const unsigned order : {2U, 4U, 6U, 8U}) {
    std::vector<HilbertPoint> points;
    const double side = 1U << order;
    walk_curve(0, 0, 0, side, side, 0, order, points);
    ASSERT_EQ(points.size(), std::size_t{1} << 2 * order);
    for (std::size_t i = 0; i < points.size(); ++i)
      ASSERT_EQ(hilbert_point(i, order, false), points[i]) << order << " " << i;
  }
}

TEST(Hilbert, OrdersAgreeOnWhereABlockStands) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 100'000; ++i) {
    const unsigned order = 1 + static_cast<unsigned>(random() % 12);
    const std::uint64_t number = random() % (std::uint64_t{1} << 2 * order);
    const bool is_transposed = random() % 2 == 0;
    const HilbertPoint block = hilbert_point(number, order, is_transposed);
    const HilbertPoint part = hilbert_point(number * 4 + random() % 4, order + 1, is_transposed);
    ASSERT_EQ((HilbertPoint{part.x / 2, part.y / 2}), block);
  }
}

// Networks below 10.0.0.0/8, in clusters; some not asked, some silent.
ReplyMap random_map(std::mt19937_64& random, std::size_t count, std::uint32_t base = 10U << 16,
                    unsigned bits = 16) {
  std::map<std::uint32_t, Cell> cells;
  while (cells.size() < count) {
    Cell cell;
    cell.number = base + static_cast<std::uint32_t>(random() % (std::uint64_t{1} << bits));
    cell.population = 1 + static_cast<std::uint32_t>(random() % 256);
    cell.asked = random() % 5 == 0 ? 0 : 1 + static_cast<std::uint32_t>(random() % cell.population);
    cell.replies = random() % 3 == 0 ? 0 : static_cast<std::uint32_t>(random() % (cell.asked + 1));
    cell.later = static_cast<std::uint32_t>(random() % (cell.replies + 1));
    if (cell.replies > 0) cell.rtt_p50_us = static_cast<std::uint32_t>(random() % 10'000'000);
    cell.label = static_cast<std::uint32_t>(random() % 20);
    cell.compared = static_cast<std::uint32_t>(random() % (cell.asked + 1));
    cell.gained = static_cast<std::uint32_t>(random() % (cell.compared + 1) / 2);
    cell.lost = static_cast<std::uint32_t>(random() % (cell.compared + 1) / 2);
    cells[cell.number] = cell;
  }
  ReplyMap map;
  map.knows_asked = map.has_several_passes = true;
  map.labels.assign(20, "region");
  for (const auto& [number, cell] : cells) map.cells.push_back(cell);
  return map;
}

TEST(ReplyMap, CoarserCellsHaveTheSumsOfTheirParts) {
  std::mt19937_64 random(2);
  const ReplyMap map = random_map(random, 20'000);
  for (const unsigned prefix_length : {24U, 20U, 16U, 8U, 0U}) {
    const ReplyMap joined = coarser(map, prefix_length);
    std::map<std::uint32_t, Cell> sums;
    std::map<std::uint32_t, std::vector<std::uint32_t>> times;
    for (const Cell& cell : map.cells) {
      const std::uint32_t number = cell.number >> (24 - prefix_length);
      sums[number].population += cell.population;
      sums[number].asked += cell.asked;
      sums[number].replies += cell.replies;
      sums[number].later += cell.later;
      sums[number].compared += cell.compared;
      sums[number].gained += cell.gained;
      sums[number].lost += cell.lost;
      if (cell.rtt_p50_us > 0)
        times[number].insert(times[number].end(), cell.replies, cell.rtt_p50_us);
    }
    ASSERT_EQ(joined.cells.size(), sums.size());
    for (const Cell& cell : joined.cells) {
      const Cell& sum = sums.at(cell.number);
      ASSERT_EQ(cell.population, sum.population);
      ASSERT_EQ(cell.asked, sum.asked);
      ASSERT_EQ(cell.replies, sum.replies);
      ASSERT_EQ(cell.later, sum.later);
      ASSERT_EQ(cell.compared, sum.compared);
      ASSERT_EQ(cell.gained, sum.gained);
      ASSERT_EQ(cell.lost, sum.lost);
      std::vector<std::uint32_t>& sorted = times[cell.number];
      std::sort(sorted.begin(), sorted.end());
      ASSERT_EQ(cell.rtt_p50_us, sorted.empty() ? 0 : sorted[(sorted.size() - 1) / 2]);
    }
  }
}

TEST(ReplyMap, SquareIsTheSmallestThatHoldsAll) {
  ReplyMap map;
  EXPECT_EQ(square_of(map).prefix_length, 0U);
  const auto with = [&map](std::uint32_t first, std::uint32_t last) {
    map.cells = {Cell{.number = first, .asked = 1}, Cell{.number = last, .asked = 1}};
    return square_of(map);
  };
  EXPECT_EQ(with(0x0a0000, 0x0affff).prefix_length, 8U);
  EXPECT_EQ(with(0x0a0000, 0x0a0000).prefix_length, 24U);
  EXPECT_EQ(with(0x0a0000, 0x0a0001).prefix_length, 22U) << "a /23 is no square";
  EXPECT_EQ(with(0, 0xffffff).prefix_length, 0U);
}

std::string decoded(const std::string& text) {
  std::string bytes;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    if (c == '=') break;
    const std::uint32_t digit = c >= 'a'   ? static_cast<std::uint32_t>(c - 'a' + 26)
                                : c >= 'A' ? static_cast<std::uint32_t>(c - 'A')
                                : c >= '0' ? static_cast<std::uint32_t>(c - '0' + 52)
                                : c == '+' ? 62
                                           : 63;
    bits = bits << 6 | digit;
    if ((count += 6) >= 8) bytes += static_cast<char>(bits >> (count -= 8));
  }
  return bytes;
}

TEST(PagePlanes, Base64IsThatOfTheRfc) {
  const std::vector<std::pair<std::string, std::string>> vectors = {{"", ""},
                                                                    {"f", "Zg=="},
                                                                    {"fo", "Zm8="},
                                                                    {"foo", "Zm9v"},
                                                                    {"foob", "Zm9vYg=="},
                                                                    {"fooba", "Zm9vYmE="},
                                                                    {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : vectors) EXPECT_EQ(base64(bytes), text);
  EXPECT_EQ(base64("\xfb\xff"), "+/8=");
}

TEST(PagePlanes, TimesKeepTheirSizeInOneByte) {
  EXPECT_EQ(rtt_code(0), 0);
  EXPECT_EQ(rtt_code(1), 1);
  for (std::uint32_t us = 2; us < 40'000'000; us += 1 + us / 50) {
    const double back = std::exp2((rtt_code(us) - 1) / 10.0);
    ASSERT_NEAR(back, us, 0.036 * us);
  }
  EXPECT_EQ(rtt_code(~std::uint32_t{0}), 255);
}

TEST(PagePlanes, CellsComeBackAsTheyWere) {
  std::mt19937_64 random(3);
  for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{5'000}}) {
    const ReplyMap map = random_map(random, count);
    const std::string packed = decoded(packed_cells(map));
    std::string bytes(1 << 20, '\0');
    z_stream stream{};
    ASSERT_EQ(inflateInit2(&stream, -MAX_WBITS), Z_OK);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    stream.avail_in = static_cast<uInt>(packed.size());
    stream.next_out = reinterpret_cast<Bytef*>(bytes.data());
    stream.avail_out = static_cast<uInt>(bytes.size());
    ASSERT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
    bytes.resize(stream.total_out);
    inflateEnd(&stream);
    std::size_t at = 0;
    const auto next = [&] {
      std::uint64_t value = 0;
      for (unsigned shift = 0;; shift += 7) {
        const auto byte = static_cast<unsigned char>(bytes.at(at++));
        value |= std::uint64_t{byte & 127U} << shift;
        if (byte < 128) return value;
      }
    };
    ASSERT_EQ(next(), count);
    std::uint64_t number = 0;
    for (const Cell& cell : map.cells) {
      ASSERT_EQ(number + next(), cell.number);
      number = cell.number + std::uint64_t{1};
    }
    for (const Cell& cell : map.cells) ASSERT_EQ(next(), cell.population - cell.asked);
    for (const Cell& cell : map.cells) ASSERT_EQ(next(), cell.asked);
    for (const Cell& cell : map.cells) ASSERT_EQ(next(), cell.replies);
    for (const Cell& cell : map.cells) ASSERT_EQ(next(), cell.later);
    for (const Cell& cell : map.cells) ASSERT_EQ(next(), rtt_code(cell.rtt_p50_us));
    for (const Cell& cell : map.cells) ASSERT_EQ(next(), cell.label);
    for (const Cell& cell : map.cells) ASSERT_EQ(next(), cell.compared);
    for (const Cell& cell : map.cells) ASSERT_EQ(next(), cell.gained);
    for (const Cell& cell : map.cells) ASSERT_EQ(next(), cell.lost);
    EXPECT_EQ(at, bytes.size());
  }
}

struct Picture {
  std::uint32_t side = 0;
  std::vector<std::uint8_t> rgb;
  [[nodiscard]] Colour at(std::uint32_t x, std::uint32_t y) const {
    const std::uint8_t* pixel = rgb.data() + 3 * (std::size_t{y} * side + x);
    return {pixel[0], pixel[1], pixel[2]};
  }
};

Picture read_picture(const std::string& bytes) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  EXPECT_EQ(png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()), 1);
  image.format = PNG_FORMAT_RGB;
  Picture picture{image.width, std::vector<std::uint8_t>(PNG_IMAGE_SIZE(image))};
  EXPECT_EQ(image.width, image.height);
  EXPECT_EQ(png_image_finish_read(&image, nullptr, picture.rgb.data(), 0, nullptr), 1);
  return picture;
}

// What a pixel should show, by the words of docs/report.md and not by colour_of().
Colour expected_colour(const Cell* cell, MapLayer layer) {
  const auto& palette = map_palette();
  if (cell == nullptr || cell->asked == 0) return {255, 255, 255};
  const auto step = [&palette](double scale) {
    return palette[static_cast<std::size_t>(13 + std::lround(199 * std::clamp(scale, 0.0, 1.0)))];
  };
  if (layer == MapLayer::label)
    return palette[cell->label == 0 ? 2 : cell->label <= 9 ? 2 + cell->label : 12];
  if (layer == MapLayer::change && cell->replies + cell->lost > 0) {
    if (cell->compared == 0) return palette[2];
    const double change = (double(cell->gained) - cell->lost) / cell->compared;
    return palette[static_cast<std::size_t>(
        213 + std::lround(40 * std::clamp(0.5 + 4 * change, 0.0, 1.0)))];
  }
  if (cell->replies == 0) return {0xb8, 0xbc, 0xc2};
  switch (layer) {
    case MapLayer::rate:
      return step(std::log2(256.0 * cell->replies / cell->asked) / 8);
    case MapLayer::rtt:
      return cell->rtt_p50_us == 0 ? palette[2] : step(std::log10(cell->rtt_p50_us / 100.0) / 5);
    default:
      return step(4.0 * cell->later / cell->replies);
  }
}

TEST(MapImage, EveryPixelHasTheColourOfItsCounts) {
  std::mt19937_64 random(4);
  const ReplyMap map = random_map(random, 30'000);
  std::map<std::uint32_t, const Cell*> cells;
  for (const Cell& cell : map.cells) cells[cell.number] = &cell;
  for (const MapLayer layer :
       {MapLayer::rate, MapLayer::rtt, MapLayer::loss, MapLayer::label, MapLayer::change}) {
    for (const bool is_transposed : {false, true}) {
      const auto bytes = map_image(map, {layer, is_transposed});
      ASSERT_TRUE(bytes) << bytes.error();
      EXPECT_EQ(bytes, map_image(map, {layer, is_transposed})) << "same input, same bytes";
      const Picture picture = read_picture(*bytes);
      ASSERT_EQ(picture.side, 1024U) << "10.0.0.0/8, four pixels a /24 along an edge";
      const HilbertPoint corner = hilbert_point(10, 4, is_transposed);
      for (int i = 0; i < 10'000; ++i) {
        const auto number = static_cast<std::uint32_t>((10U << 16) + random() % (1U << 16));
        const HilbertPoint point = hilbert_point(number, 12, is_transposed);
        const auto x = (point.x - corner.x * 256) * 4 + static_cast<std::uint32_t>(random() % 4);
        const auto y = (point.y - corner.y * 256) * 4 + static_cast<std::uint32_t>(random() % 4);
        const auto found = cells.find(number);
        ASSERT_EQ(picture.at(x, y),
                  expected_colour(found == cells.end() ? nullptr : found->second, layer))
            << to_string(Ipv4{number << 8}) << " " << int(layer);
      }
    }
  }
}

TEST(MapImage, AllOfIpv4HasAPixelForEachSlash24) {
  std::mt19937_64 random(5);
  const ReplyMap map = random_map(random, 20'000, 0, 24);
  const auto bytes = map_image(map, {});
  ASSERT_TRUE(bytes);
  EXPECT_LT(bytes->size(), std::size_t{2'000'000});
  const Picture picture = read_picture(*bytes);
  ASSERT_EQ(picture.side, 4096U);
  for (const Cell& cell : map.cells) {
    const HilbertPoint point = hilbert_point(cell.number, 12, false);
    ASSERT_EQ(picture.at(point.x, point.y), expected_colour(&cell, MapLayer::rate));
  }
}

TEST(MapImage, WithoutListsNobodyIsCalledSilent) {
  ReplyMap map;
  map.cells = {Cell{.number = 0x0a0000, .replies = 3, .rtt_p50_us = 700}};
  EXPECT_EQ(colour_of(map, map.cells[0], MapLayer::rate), MapColours::kUnknown);
  EXPECT_EQ(colour_of(map, map.cells[0], MapLayer::loss), MapColours::kUnknown);
  EXPECT_GE(colour_of(map, map.cells[0], MapLayer::rtt), MapColours::kFirstStep);
}

}  // namespace
}  // namespace echoscan::report_map_test
