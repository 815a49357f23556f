// A list's bytes, unpacked: gzip and zstd are known by their first bytes, anything else is as it
// is.
//
// By content and not by name, so that standard input and a FIFO work, and a misnamed file too.
// Several members or frames one behind the other are one list, as gzip and zstd themselves read
// them. Data that is cut or damaged is a failure, never a shorter list. Read in chunks: a list of
// any size needs 128 KiB here. One thread.
#pragma once

#include <istream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace echoscan {

class ListBytes {
 public:
  // The stream must outlive this.
  explicit ListBytes(std::istream& in);
  ~ListBytes();
  ListBytes(const ListBytes&) = delete;
  ListBytes& operator=(const ListBytes&) = delete;

  // The next bytes, valid until the next call; none at the end, or when failure() says why.
  std::string_view next();

  // The first byte that is neither white space nor a byte order mark, 0 when there is none. To be
  // asked before next(), which it takes nothing from.
  char first_mark();

  // Why the rest cannot be read, a clause ("the gzip data ends early"); empty: no failure.
  [[nodiscard]] const std::string& failure() const { return failure_; }

  // How one format is unpacked.
  class Unpacker;

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
