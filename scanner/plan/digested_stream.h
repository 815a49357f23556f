// A stream that is read as it comes, with the SHA-256 of the bytes that were read.
//
// The summary says of each list which bytes it was. They are hashed on their way to the reader of
// lists, packed or not, because a FIFO or standard input can be read only once, and because a file
// that is opened a second time may be another one by then. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <istream>
#include <streambuf>
#include <string>

#include "output/bundle/sha256.h"

namespace echoscan {

class DigestedStream {
 public:
  // `in` must outlive it, and nobody else may read it meanwhile.
  explicit DigestedStream(std::istream& in) : buffer_(*in.rdbuf()), stream_(&buffer_) {}

  [[nodiscard]] std::istream& stream() { return stream_; }
  [[nodiscard]] std::uint64_t bytes() const { return buffer_.bytes; }
  // 64 hexadecimal digits, over all bytes: what the reader has left is read here. Call it once.
  [[nodiscard]] std::string digest();

 private:
  struct Buffer : std::streambuf {
    explicit Buffer(std::streambuf& from) : in(from) {}
    int_type underflow() override;
    std::streamsize xsgetn(char* out, std::streamsize count) override;

    std::streambuf& in;
    Sha256 hash;
    std::uint64_t bytes = 0;
    std::array<char, 1 << 12> block;  // for who reads by single bytes

   private:
    std::streamsize read(char* out, std::streamsize count);

    // A terminal's end is one reading, and behind it there is more to read.
    bool is_at_end_ = false;
  };

  Buffer buffer_;
  std::istream stream_;
};

}  // namespace echoscan
