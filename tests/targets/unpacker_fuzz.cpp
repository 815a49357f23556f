// Fuzzer of the unpacking of gzip and Zstandard: whatever the bytes are, pieces of any size give
// the same text and the same end, and nothing runs away.
//
// The truth is the libraries' own, asked in one call for each member or for all frames. Of damaged
// Zstandard data one thing cannot be compared: how much text comes out before the damage is found.
// The library forgets what it wrote in the call that finds it, and that depends on the pieces.
// There the texts are beginnings of one another, and none passes for a whole.
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "targets/unpacker.h"
#include "tests/targets/list_checks.h"

namespace {

using echoscan::require;

constexpr std::size_t kTextMax = 1 << 18;  // a bomb is cut off there

enum class End { whole, not_whole, cut };

struct Unpacked {
  std::string text;
  End end = End::not_whole;

  bool operator==(const Unpacked&) const = default;
};

Unpacked unpack(std::string_view packed, std::size_t piece, std::size_t room) {
  const auto unpacker = echoscan::make_unpacker(packed.substr(0, 4));
  std::string text;
  std::vector<char> out(room);
  std::size_t fed = 0;
  std::string_view input;
  while (text.size() < kTextMax && unpacker->failure().empty()) {
    const std::size_t before = input.size();
    const std::size_t bytes = unpacker->unpack(input, out);
    require(bytes <= room, "no more is unpacked than there is room for");
    text.append(out.data(), bytes);
    if (bytes > 0 || input.size() < before) continue;
    // Behind the last piece there is nothing to wait for.
    if (fed == packed.size()) break;
    const std::size_t next = std::min(piece, packed.size() - fed);
    input = packed.substr(fed - input.size(), input.size() + next);
    fed += next;
  }
  if (text.size() >= kTextMax) return {text.substr(0, kTextMax), End::cut};
  unpacker->finish();
  return {text, unpacker->failure().empty() ? End::whole : End::not_whole};
}

// Each member by a stream of its own, which has all of the data and all of the room at once.
Unpacked gunzip(std::string_view packed) {
  Unpacked truth{std::string(kTextMax, '\0')};
  std::size_t text_bytes = 0;
  int result = Z_STREAM_END;
  while (result == Z_STREAM_END && !packed.empty() && text_bytes < kTextMax) {
    z_stream stream{};
    require(inflateInit2(&stream, 15 + 16) == Z_OK, "there is memory for zlib");
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    stream.avail_in = static_cast<uInt>(packed.size());
    stream.next_out = reinterpret_cast<Bytef*>(truth.text.data() + text_bytes);
    stream.avail_out = static_cast<uInt>(kTextMax - text_bytes);
    result = inflate(&stream, Z_NO_FLUSH);
    packed.remove_prefix(packed.size() - stream.avail_in);
    text_bytes = kTextMax - stream.avail_out;
    inflateEnd(&stream);
  }
  truth.text.resize(text_bytes);
  if (result == Z_STREAM_END) truth.end = End::whole;
  if (text_bytes == kTextMax) truth.end = End::cut;
  return truth;
}

// Whether a frame asks for a window of more than 128 MiB, which is refused: RFC 8878, 3.1.1.1.
bool has_wide_window(std::string_view packed) {
  while (!packed.empty()) {
    const std::size_t bytes = ZSTD_findFrameCompressedSize(packed.data(), packed.size());
    if (ZSTD_isError(bytes) != 0 || bytes > packed.size()) return false;
    const bool is_zstd = packed.starts_with("\x28\xb5\x2f\xfd") && bytes > 5;
    if (is_zstd && (packed[4] & 0x20) == 0) {
      const auto window = static_cast<unsigned char>(packed[5]);
      const std::uint64_t base = std::uint64_t{1} << (10 + (window >> 3));
      if (base + base / 8 * (window & 7) > (1 << 27) + 1) return true;
    }
    packed.remove_prefix(bytes);
  }
  return false;
}

// By one call for all of the frames. Not whole also when it is longer than a text that is cut.
Unpacked unzstd(std::string_view packed) {
  std::string text(kTextMax, '\0');
  const std::size_t bytes = ZSTD_decompress(text.data(), text.size(), packed.data(), packed.size());
  if (ZSTD_isError(bytes) != 0 || bytes == kTextMax || has_wide_window(packed)) return {};
  return {text.substr(0, bytes), End::whole};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view packed(reinterpret_cast<const char*>(data), size);
  if (!echoscan::make_unpacker(packed.substr(0, 4))) return 0;
  const bool is_gzip = packed.starts_with("\x1f\x8b");
  const Unpacked truth = is_gzip ? gunzip(packed) : unzstd(packed);
  std::string longest;
  for (const auto& [piece, room] :
       {std::pair<std::size_t, std::size_t>{size, 4096}, {size, 1 << 16}, {7, 333}, {1, 1000}}) {
    const Unpacked unpacked = unpack(packed, piece, room);
    if (is_gzip || truth.end == End::whole) {
      require(unpacked == truth, "pieces give the text and the end that the library gives");
      continue;
    }
    require(unpacked.end != End::whole, "what the library does not unpack is no whole text");
    const std::size_t both = std::min(unpacked.text.size(), longest.size());
    require(unpacked.text.substr(0, both) == longest.substr(0, both), "pieces give one text");
    if (unpacked.text.size() > longest.size()) longest = unpacked.text;
  }
  return 0;
}
