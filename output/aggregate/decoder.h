// Decompressing a stream of bytes: gzip and Zstandard behind one call; the other side of encoder.h.
//
// Streams that follow each other are one. Damage and a stream that ends early are told apart from
// the end, so that a killed scan's file gives its lines and then says that it is cut.
#pragma once

#include <memory>
#include <string_view>

namespace echoscan {

class Decoder {
 public:
  struct Progress {
    std::size_t bytes = 0;    // written to the output
    bool is_damaged = false;  // and nothing more will come
  };

  virtual ~Decoder() = default;
  // Decodes from the front of `input`, which is shortened, into `out`. No bytes and no damage: more
  // input is wanted.
  virtual Progress decode(std::string_view& input, char* out, std::size_t room) = 0;
  // Whether the input may end here.
  [[nodiscard]] virtual bool is_complete() const = 0;
};

// By the first bytes of a file; null when they are those of neither.
std::unique_ptr<Decoder> make_decoder(std::string_view begin);

}  // namespace echoscan
