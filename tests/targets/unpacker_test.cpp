// Packed streams: whatever the pieces they come in and go out in, and wherever they are cut; and
// that `targets` and `aggregate` read one file alike.
#include "targets/unpacker.h"

#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <set>
#include <sstream>
#include <vector>

#include "output/aggregate/line_source.h"
#include "targets/target_list.h"
#include "tests/targets/list_checks.h"
#include "tests/targets/packed_text.h"

namespace echoscan::unpacker_test {
namespace {

struct Unpacked {
  std::string text;
  std::string failure;
};

Unpacked unpack(std::string_view packed, std::size_t piece_bytes, std::size_t room_bytes) {
  Unpacked result;
  const std::unique_ptr<Unpacker> unpacker = make_unpacker(packed);
  if (!unpacker) return {"", "not packed"};
  std::vector<char> room(room_bytes);
  std::string_view piece;
  while (unpacker->failure().empty()) {
    const std::size_t bytes = unpacker->unpack(piece, room);
    result.text.append(room.data(), bytes);
    if (bytes > 0 || !piece.empty() || !unpacker->failure().empty()) continue;
    if (packed.empty()) {
      unpacker->finish();
      break;
    }
    piece = packed.substr(0, piece_bytes);
    packed.remove_prefix(piece.size());
  }
  result.failure = unpacker->failure();
  return result;
}

// Lines of addresses, which packs badly: each cut takes a line or more. Ascending, as a list of
// targets gives them back.
std::string addresses(std::size_t count) {
  std::mt19937 random(1);
  std::set<Ipv4> drawn;
  while (drawn.size() < count) drawn.insert(Ipv4{static_cast<std::uint32_t>(random())});
  std::string text;
  for (const Ipv4 address : drawn) text += to_string(address) + "\n";
  return text;
}

struct Stream {
  const char* name;
  std::string packed;
};

// Each holds the same text.
std::vector<Stream> streams_of(const std::string& text) {
  const std::string front = text.substr(0, text.size() / 3);
  const std::string rest = text.substr(front.size());
  const std::string gap = skippable_frame("0123");
  std::vector<Stream> streams = {
      {"gzip", gzip(text)},
      {"gzip members", gzip(front) + gzip("") + gzip(rest)},
      {"zstd", zstd(text)},
      {"zstd frames", zstd(front) + zstd("") + zstd(rest)},
      {"skippable in front", gap + zstd(front) + zstd(rest)},
      {"skippable in the middle", zstd(front) + gap + zstd(rest)},
      {"skippable at the end", zstd(text) + gap},
      {"skippable everywhere, as pzstd", gap + zstd(front) + gap + gap + zstd(rest) + gap},
      {"skippable and empty", skippable_frame("") + zstd(text) + skippable_frame("")},
      {"skippable and long", skippable_frame(std::string(300'000, 'x')) + zstd(text)}};
  for (int nibble = 0; nibble < 16; ++nibble)
    streams.push_back({"each skippable magic", skippable_frame("xyz", nibble) + zstd(text)});
  return streams;
}

TEST(Unpacker, PiecesOfAnySizeGiveTheSameText) {
  const std::string text = addresses(40);
  for (const Stream& stream : streams_of(text)) {
    const std::string& packed = stream.packed;
    for (std::size_t bytes = 1; bytes <= std::min<std::size_t>(packed.size(), 400); ++bytes) {
      for (const auto& [piece, room] : {std::pair{bytes, std::size_t{4096}},
                                        std::pair{packed.size(), bytes}, std::pair{bytes, bytes}}) {
        if (packed.size() > 100'000 && piece < 50) continue;
        const Unpacked result = unpack(packed, piece, room);
        ASSERT_EQ(result.failure, "") << stream.name << " " << piece << " " << room;
        ASSERT_EQ(result.text, text) << stream.name << " " << piece << " " << room;
      }
    }
  }
}

// Every cut is told, but for those between two members or frames: what is left there is a stream.
TEST(Unpacker, EveryCutIsAFailureUnlessItIsAStream) {
  const std::string text = addresses(40);
  const std::string front = addresses(6);
  const std::string gap = skippable_frame("0123");
  for (const auto pack : {gzip, zstd}) {
    const std::string first = pack(front);
    const std::string whole = first + (pack == zstd ? gap : "") + pack(text);
    for (std::size_t bytes = Unpacker::kMagicBytes; bytes < whole.size(); ++bytes) {
      const bool is_stream =
          bytes == first.size() || (pack == zstd && bytes == first.size() + gap.size());
      for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, whole.size()}) {
        const Unpacked result = unpack(std::string_view(whole).substr(0, bytes), piece, 64);
        ASSERT_EQ(result.failure.empty(), is_stream) << bytes;
        const std::string front_or_less = is_stream ? front : result.text;
        ASSERT_EQ(result.text, front_or_less) << bytes;
        ASSERT_TRUE(is_stream || result.failure.ends_with("data ends early")) << result.failure;
        ASSERT_TRUE((front + text).starts_with(result.text)) << bytes;
      }
    }
  }
}

// A bit that flips is told, or changes nothing: gzip's header has a time and a system in it. Zstd
// is not tested so: a frame need not have a checksum (encoder.h's do), and ZSTD_compress() adds
// none.
TEST(Unpacker, EveryFlippedBitOfGzipIsDamageOrNothing) {
  const std::string text = addresses(40);
  const std::string packed = gzip(text);
  for (std::size_t bit = 16; bit < packed.size() * 8; ++bit) {
    std::string damaged = packed;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << bit % 8);
    const Unpacked result = unpack(damaged, damaged.size(), 256);
    ASSERT_TRUE(!result.failure.empty() || result.text == text) << bit;
  }
}

// A frame that needs a window of 1 GiB was unpacked when it came as a whole, and refused in pieces.
TEST(Unpacker, AWindowOfMoreThan128MiBIsRefusedInAnyPieces) {
  // RFC 8878: 4 bytes of size, a window of 2^(10 + 20), one raw block.
  const std::string wide("\x28\xb5\x2f\xfd\x80\xa0\x05\0\0\0\x29\0\0hello", 18);
  std::string allowed = wide;
  allowed[5] = static_cast<char>(17 << 3);
  for (std::size_t piece = 1; piece <= 2 * wide.size(); ++piece) {
    for (const std::size_t room : {std::size_t{1}, std::size_t{3}, std::size_t{4096}}) {
      EXPECT_EQ(unpack(allowed + allowed, piece, room).text, "hellohello") << piece;
      const Unpacked refused = unpack(allowed + wide, piece, room);
      EXPECT_EQ(refused.failure,
                "the zstd data is damaged (Frame requires too much memory for decoding)")
          << piece;
      EXPECT_EQ(refused.text, "hello") << piece;
    }
  }
}

std::string path_of(const std::string& name) {
  return testing::TempDir() + "/unpacker_" + name;
}

struct ReadTwice {
  std::string list;       // what the reader of lists found
  std::string list_says;  // its failure, or its first error
  std::string lines;      // what aggregate's reader found
  std::string lines_say;
};

ReadTwice read_twice(const std::string& packed) {
  ReadTwice result;
  std::istringstream in(packed);
  TargetList list;
  const tl::expected<void, std::string> is_read = read_target_list(in, "list", list);
  if (!is_read) {
    result.list_says = is_read.error();
  } else if (!list.errors.empty()) {
    result.list_says = list.errors.front();
  }
  for (const LabelledRange& entry : entries_of(list)) result.list += to_string(entry.range) + "\n";

  std::ofstream(path_of("stream")) << packed;
  const auto source = LineSource::open(path_of("stream"));
  if (!source) {
    result.lines_say = source.error();
    return result;
  }
  for (std::string_view line; (*source)->next(line);) result.lines += std::string(line) + "\n";
  result.lines_say = (*source)->error();
  return result;
}

TEST(Unpacker, ListsAndResultsAreReadAlike) {
  const std::string text = addresses(3000);
  for (const Stream& stream : streams_of(text)) {
    const ReadTwice result = read_twice(stream.packed);
    EXPECT_EQ(result.list_says, "") << stream.name;
    EXPECT_EQ(result.lines_say, "") << stream.name;
    EXPECT_TRUE(result.list == text) << stream.name;
    EXPECT_TRUE(result.lines == text) << stream.name;
  }
}

TEST(Unpacker, HalfAListIsNeverTakenForOne) {
  const std::string text = addresses(40);
  for (const auto pack : {gzip, zstd}) {
    const std::string packed = (pack == zstd ? skippable_frame("0123") : "") + pack(text);
    for (std::size_t bytes = 1; bytes < packed.size(); ++bytes) {
      // What ends with the skippable frame is whole, and has no text.
      if (pack == zstd && bytes == skippable_frame("0123").size()) continue;
      const ReadTwice result = read_twice(packed.substr(0, bytes));
      ASSERT_NE(result.list_says, "") << bytes;
      // Too short to be known for packed: a line that is no result, which aggregate counts.
      const bool is_counted = bytes < Unpacker::kMagicBytes && !result.lines.empty();
      ASSERT_TRUE(is_counted || result.lines_say == result.list_says) << bytes;
    }
  }
}

}  // namespace
}  // namespace echoscan::unpacker_test
