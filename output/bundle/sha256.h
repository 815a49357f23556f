// SHA-256 of what is added to it, piece by piece: of target ranges and of the files of a bundle.
//
// libmd computes it; its header stays in the .cpp file. A gigabyte takes 3.5 s of a core, without
// the CPU's own instructions for it, which libmd does not use: but a bundle's results are packed,
// and a list of ten million ranges is a second. Rejected: OpenSSL, which has these instructions and
// is a large dependency.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace echoscan {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void add(std::string_view bytes);
  // 32 bytes. Call it once, or the next; nothing can be added behind it.
  [[nodiscard]] std::string digest_bytes();
  // The same as 64 hexadecimal digits, lower case.
  [[nodiscard]] std::string digest();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The digest of a text.
std::string sha256_of(std::string_view text);

}  // namespace echoscan
