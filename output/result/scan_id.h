// Which scan a result is of: a name that each scan draws at random and writes into all its lines.
//
// 16 hexadecimal digits, of which the first is a letter. It is in every line, so it is short; but
// results of many scans meet in one database, and of a million scans no two should have the same:
// with 62 bits that happens once in 10 million times, with 32 it would nearly surely. It begins
// with a letter because readers of CSV guess types, and digits alone, or 1e5, are numbers to them.
// Rejected: a UUID, which is 36 bytes of a line of 230; a hash of seed and lists, which two scans
// of the same targets would share.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace echoscan {

class ScanId {
 public:
  static constexpr std::size_t kBytes = 16;

  // None: the field is absent.
  constexpr ScanId() = default;
  // The one that these bits make.
  explicit constexpr ScanId(std::uint64_t random_bits) {
    digits_[0] = "abcdef"[(random_bits & 0xffff) % 6];
    for (std::size_t i = 1; i < kBytes; ++i)
      digits_[i] = "0123456789abcdef"[random_bits >> (4 * i) & 0xf];
  }

  // nullopt: no scan is called so.
  static std::optional<ScanId> parse(std::string_view text) {
    if (text.size() != kBytes || text.find_first_not_of("0123456789abcdef") != text.npos ||
        text[0] < 'a')
      return std::nullopt;
    ScanId id;
    text.copy(id.digits_.data(), kBytes);
    return id;
  }

  [[nodiscard]] constexpr bool is_empty() const { return digits_[0] == '\0'; }
  // Empty when there is none.
  [[nodiscard]] std::string_view text() const { return {digits_.data(), is_empty() ? 0 : kBytes}; }
  // Of one that is not empty; returns the end. Its length is a constant: 16 bytes are two moves.
  char* write(char* out) const {
    std::memcpy(out, digits_.data(), kBytes);
    return out + kBytes;
  }

  bool operator==(const ScanId&) const = default;

 private:
  std::array<char, kBytes> digits_{};
};

}  // namespace echoscan
