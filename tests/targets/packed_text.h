// Texts as gzip and zstd pack them, for the tests that unpack.
//
// The formats' own libraries pack them and not output/sink/, so that the reader is not tested
// against our own writer alone.
#pragma once

#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <string>

namespace echoscan {

// One member.
inline std::string gzip(const std::string& text) {
  std::string packed(compressBound(text.size()) + 64, '\0');
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

// One frame.
inline std::string zstd(const std::string& text) {
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), 3));
  return packed;
}

// One of Zstandard's skippable frames, `nibble` in its magic number's last four bits: no text.
inline std::string skippable_frame(const std::string& content, int nibble = 0) {
  std::string frame = "\x50\x2a\x4d\x18";
  frame[0] = static_cast<char>(0x50 + nibble);
  for (int shift = 0; shift < 32; shift += 8)
    frame += static_cast<char>(content.size() >> shift & 0xff);
  return frame + content;
}

}  // namespace echoscan
