// Compressing a stream of bytes: gzip and Zstandard behind one call.
//
// The levels are low, for lines that arrive by the million (result_bench has the speeds).
// Zstandard's frames carry a checksum, as gzip's members do. Both formats allow one stream behind
// another in a file, which is how a log is appended to. Not for two threads at once.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace echoscan {

enum class Compression { none, gzip, zstd };

// Chooses by the end of the name: .gz or .zst.
Compression compression_of(std::string_view path);

class Encoder {
 public:
  enum class Flush {
    none,
    sync,  // a reader can decode all bytes so far
    end,   // the stream is complete; what follows is a new one behind it
  };

  virtual ~Encoder() = default;
  // Encodes `bytes`, and appends to `out` what there is to write so far.
  virtual void encode(std::string_view bytes, Flush flush, std::string& out) = 0;
};

// Throws std::bad_alloc. `compression` is not none.
std::unique_ptr<Encoder> make_encoder(Compression compression);

}  // namespace echoscan
