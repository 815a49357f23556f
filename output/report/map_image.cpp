#include "output/report/map_image.h"

#include <fmt/format.h>
#include <png.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <vector>

#include "output/report/hilbert.h"

namespace echoscan {
namespace {

constexpr int kPngLevel = 9;

struct Pixels {
  std::uint32_t side = 0;
  std::vector<std::uint8_t> places;  // in the palette, row by row
};

std::uint32_t scale_of(unsigned order, unsigned side_px_min) {
  const std::uint32_t side = std::uint32_t{1} << order;
  return std::max(std::uint32_t{1}, side_px_min / side);
}

Pixels draw(const ReplyMap& map, const MapSquare& square, const MapImageForm& form) {
  const unsigned order = (map.prefix_length - square.prefix_length) / 2;
  const std::uint32_t scale = scale_of(order, form.side_px_min);
  Pixels pixels{scale << order, {}};
  pixels.places.resize(std::size_t{pixels.side} * pixels.side, MapColours::kNotAsked);
  // A square's own turn depends on where it stands, so places are those of the whole map.
  const unsigned whole_order = map.prefix_length / 2;
  const std::uint32_t first = square.first.value >> (32 - map.prefix_length);
  const HilbertPoint corner = hilbert_point(first, whole_order, form.is_transposed);
  const std::uint32_t mask = ~((std::uint32_t{1} << order) - 1);
  for (const ReplyMap::Cell& cell : map.cells) {
    const HilbertPoint point = hilbert_point(cell.number, whole_order, form.is_transposed);
    const std::uint32_t left = (point.x - (corner.x & mask)) * scale;
    const std::uint32_t top = (point.y - (corner.y & mask)) * scale;
    const std::uint8_t place = colour_of(map, cell, form.layer);
    for (std::uint32_t row = top; row < top + scale; ++row)
      std::fill_n(pixels.places.data() + std::size_t{row} * pixels.side + left, scale, place);
  }
  return pixels;
}

struct Description {
  std::string prefix;
  std::string layer;
  std::string pixel;
  std::string orientation;
};

extern "C" void keep_png_error(png_structp png, png_const_charp text) {
  *static_cast<std::string*>(png_get_error_ptr(png)) = text;
  png_longjmp(png, 1);
}
extern "C" void append_png_bytes(png_structp png, png_bytep bytes, std::size_t count) {
  static_cast<std::string*>(png_get_io_ptr(png))
      ->append(reinterpret_cast<const char*>(bytes), count);
}
extern "C" void flush_nothing(png_structp) {}

void write_head(png_structp png, png_infop info, const Pixels& pixels,
                std::array<png_text, 4>& texts) {
  png_set_IHDR(png, info, pixels.side, pixels.side, 8, PNG_COLOR_TYPE_PALETTE, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  std::array<png_color, MapColours::kCount> palette;
  for (std::size_t i = 0; i < palette.size(); ++i)
    palette[i] = {map_palette()[i].red, map_palette()[i].green, map_palette()[i].blue};
  png_set_PLTE(png, info, palette.data(), palette.size());
  png_set_text(png, info, texts.data(), static_cast<int>(texts.size()));
  png_set_compression_level(png, kPngLevel);
  png_set_filter(png, 0, PNG_FILTER_NONE);
  png_write_info(png, info);
}

png_text text_chunk(const char* key, std::string& text) {
  png_text chunk{};
  chunk.compression = PNG_TEXT_COMPRESSION_NONE;
  chunk.key = const_cast<png_charp>(key);
  chunk.text = text.data();
  chunk.text_length = text.size();
  return chunk;
}

// All that has a destructor stands outside, since libpng leaves by longjmp when it fails.
bool write_png(png_structp png, png_infop info, Pixels& pixels, std::array<png_text, 4>& texts) {
  if (setjmp(png_jmpbuf(png)) != 0) return false;
  write_head(png, info, pixels, texts);
  for (std::uint32_t row = 0; row < pixels.side; ++row)
    png_write_row(png, pixels.places.data() + std::size_t{row} * pixels.side);
  png_write_end(png, nullptr);
  return true;
}

}  // namespace

tl::expected<std::string, std::string> map_image(const ReplyMap& map, const MapImageForm& form) {
  const MapSquare square = square_of(map);
  Pixels pixels = draw(map, square, form);
  const unsigned order = (map.prefix_length - square.prefix_length) / 2;
  const std::uint32_t scale = scale_of(order, form.side_px_min);
  Description what = {
      fmt::format("{}/{}", to_string(square.first), square.prefix_length),
      std::string(kMapLayers[static_cast<std::size_t>(form.layer)]),
      fmt::format("a /{} is {} by {}", map.prefix_length, scale, scale),
      form.is_transposed
          ? "Hilbert curve, of all IPv4: 0.0.0.0 top left, 255.255.255.255 bottom left"
          : "Hilbert curve, of all IPv4: 0.0.0.0 top left, 255.255.255.255 top right"};
  std::array<png_text, 4> texts = {text_chunk("Prefix", what.prefix),
                                   text_chunk("Layer", what.layer), text_chunk("Pixel", what.pixel),
                                   text_chunk("Orientation", what.orientation)};
  std::string bytes;
  std::string error;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &error, keep_png_error, nullptr);
  png_infop info = png == nullptr ? nullptr : png_create_info_struct(png);
  bool is_written = false;
  if (info != nullptr) {
    png_set_write_fn(png, &bytes, append_png_bytes, flush_nothing);
    is_written = write_png(png, info, pixels, texts);
  }
  png_destroy_write_struct(&png, &info);
  if (!is_written) return tl::make_unexpected(error.empty() ? "no memory for libpng" : error);
  return bytes;
}

}  // namespace echoscan
