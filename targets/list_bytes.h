// A list's bytes, in chunks, unpacked where they are packed (unpacker.h).
//
// Data that is cut or damaged is a failure, never a shorter list. Common formats that we do not
// read (xz, bzip2, zip) are named in the failure. A list of any size needs 128 KiB here. Reads a
// std::istream, so that a test's string, a file and standard input are the same. One thread.
#pragma once

#include <istream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace echoscan {

class Unpacker;

class ListBytes {
 public:
  // The stream must outlive this.
  explicit ListBytes(std::istream& in);
  ~ListBytes();
  ListBytes(const ListBytes&) = delete;
  ListBytes& operator=(const ListBytes&) = delete;

  // The next bytes, valid until the next call; empty at the end, and after a failure().
  std::string_view next();

  // The first byte that is neither white space nor of a byte order mark; 0 when there is none. Call
  // before next(); consumes nothing.
  char first_mark();

  // The first line that has more than blanks in it, from its first_mark() on; empty when it is
  // longer than `bytes_max`. Call before next(); consumes nothing, and is valid until the next
  // call.
  std::string_view first_line(std::size_t bytes_max);

  // Why the rest cannot be read, a clause ("the gzip data ends early"); empty: no failure.
  [[nodiscard]] const std::string& failure() const { return failure_; }

 private:
  std::string_view unpack_more();
  void refill();
  // Chooses the unpacker by the first bytes.
  void recognise();

  std::istream& in_;
  std::vector<char> packed_buffer_;
  std::vector<char> buffer_;
  std::string_view packed_;
  std::unique_ptr<Unpacker> unpacker_;
  std::string lead_;  // looked at by first_mark(), still to be given out
  std::string given_;
  std::string failure_;
  bool is_recognised_ = false;
  bool at_end_ = false;
};

}  // namespace echoscan
