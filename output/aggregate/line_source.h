// Lines out of a file: plain, gzip or Zstandard, by its first bytes (unpacker.h).
//
// Streams of any length take fixed memory: blocks are unpacked into one buffer, which keeps the
// line that a block has cut in two. Of a file that a killed scan has left, all lines are given
// before error() says that it is cut. kPaddingBytes behind each line may be read, since simdjson
// does so. A line longer than the buffer, 1 MiB, is given in pieces: no result is that long.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace echoscan {

class Unpacker;

class LineSource {
 public:
  static constexpr std::size_t kPaddingBytes = 64;

  // "-" is standard input. The error is a sentence without a full stop that names the file.
  static tl::expected<std::unique_ptr<LineSource>, std::string> open(const std::string& path);
  // Of a file that is open, which it closes; `name` is for the error.
  static tl::expected<std::unique_ptr<LineSource>, std::string> take(int descriptor,
                                                                     const std::string& name);
  ~LineSource();
  LineSource(const LineSource&) = delete;
  LineSource& operator=(const LineSource&) = delete;

  // The next line without its end, valid until the next call. False at the end; then error() says
  // whether that was the end of the file. A last line without an end is a line.
  bool next(std::string_view& line);

  // The number of the last line that next() gave; from 1.
  [[nodiscard]] std::uint64_t line_number() const { return line_number_; }
  // Why reading ended before the file did; empty when it did not.
  [[nodiscard]] const std::string& error() const { return error_; }

 private:
  explicit LineSource(int descriptor);
  // Brings more behind what is left in the buffer; false when there is no more.
  bool refill();
  // Fills input_ from the file; false at its end.
  bool read_input();

  int descriptor_;
  std::unique_ptr<Unpacker> unpacker_;  // null: plain
  std::string input_;
  std::string buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool is_at_end_ = false;
  std::uint64_t line_number_ = 0;
  std::string error_;
};

}  // namespace echoscan
