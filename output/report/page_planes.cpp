#include "output/report/page_planes.h"

#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <new>
#include <vector>

namespace echoscan {
namespace {

constexpr int kDeflateLevel = 6;
constexpr int kRawDeflate = -MAX_WBITS;
constexpr int kMemoryLevel = 9;

class Columns {
 public:
  void add(std::uint64_t number) {
    for (; number >= 128; number >>= 7) bytes_ += static_cast<char>((number & 127) | 128);
    bytes_ += static_cast<char>(number);
  }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

std::string deflated(const std::string& bytes) {
  z_stream stream{};
  if (deflateInit2(&stream, kDeflateLevel, Z_DEFLATED, kRawDeflate, kMemoryLevel,
                   Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::bad_alloc();
  std::string packed(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

}  // namespace

std::uint8_t rtt_code(std::uint32_t rtt_us) {
  if (rtt_us == 0) return 0;
  return static_cast<std::uint8_t>(std::clamp(1 + std::lround(10 * std::log2(rtt_us)), 1L, 255L));
}

std::string base64(std::string_view bytes) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::string_view group = bytes.substr(i, 3);
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k)
      bits = bits << 8 | (k < group.size() ? static_cast<unsigned char>(group[k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k)
      text += k <= group.size() ? kDigits[bits >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

std::string packed_cells(const ReplyMap& map) {
  Columns columns;
  columns.add(map.cells.size());
  std::uint32_t next = 0;
  for (const ReplyMap::Cell& cell : map.cells) {
    columns.add(cell.number - next);
    next = cell.number + 1;
  }
  for (const ReplyMap::Cell& cell : map.cells) columns.add(cell.population - cell.asked);
  for (const ReplyMap::Cell& cell : map.cells) columns.add(cell.asked);
  for (const ReplyMap::Cell& cell : map.cells) columns.add(cell.replies);
  for (const ReplyMap::Cell& cell : map.cells) columns.add(cell.later);
  for (const ReplyMap::Cell& cell : map.cells) columns.add(rtt_code(cell.rtt_p50_us));
  for (const ReplyMap::Cell& cell : map.cells) columns.add(cell.label);
  for (const ReplyMap::Cell& cell : map.cells) columns.add(cell.compared);
  for (const ReplyMap::Cell& cell : map.cells) columns.add(cell.gained);
  for (const ReplyMap::Cell& cell : map.cells) columns.add(cell.lost);
  return base64(deflated(columns.bytes()));
}

}  // namespace echoscan
