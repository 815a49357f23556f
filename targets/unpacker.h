// Unpacking a stream of bytes, gzip or Zstandard, a piece at a time: for the lists of targets and
// for the results that `aggregate` reads back, so that one file is the same file to both.
//
// The format is known by the first bytes and not by the name, so that standard input and a FIFO
// work, and a misnamed file too. Several gzip members or Zstandard frames in a row are one stream,
// as gzip and zstd themselves read them; Zstandard's skippable frames, which pzstd writes in front
// of each frame, hold nothing and may stand anywhere. Damage and data that ends early are told
// apart from the end of the data: half a list is never taken for one. The formats' own libraries do
// the work; boost::iostreams knows neither skippable frames nor a cut stream. One thread.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace echoscan {

class Unpacker {
 public:
  // make_unpacker() wants to see this many bytes of a stream that has them.
  static constexpr std::size_t kMagicBytes = 4;

  virtual ~Unpacker() = default;

  // Unpacks from the front of `packed`, which it shortens, into `out`; returns how many bytes it
  // wrote. When that is 0 and there is no failure(), it wants more input.
  virtual std::size_t unpack(std::string_view& packed, std::span<char> out) = 0;
  // Tells that there is no more input. When the data ends early, failure() then says so.
  void finish();
  // Why the rest cannot be read, a clause ("the gzip data ends early"); empty while it can.
  [[nodiscard]] const std::string& failure() const { return failure_; }

 protected:
  explicit Unpacker(const char* format) : format_(format) {}
  void note_damage(const char* what);
  // Whether the data may end here: behind a whole member or frame.
  bool is_whole_ = false;

 private:
  const char* format_;
  std::string failure_;
};

// Chooses by the first kMagicBytes of a stream, or by all of it if it has fewer; null when they
// begin neither format.
std::unique_ptr<Unpacker> make_unpacker(std::string_view begin);

}  // namespace echoscan
