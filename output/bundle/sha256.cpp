#include "output/bundle/sha256.h"

#include <fmt/format.h>
#include <sha2.h>

#include <array>
#include <cstdint>

namespace echoscan {

struct Sha256::State {
  SHA2_CTX context{};
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  SHA256Init(&state_->context);
}

Sha256::~Sha256() = default;

void Sha256::add(std::string_view bytes) {
  SHA256Update(&state_->context, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

std::string Sha256::digest_bytes() {
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest{};
  SHA256Final(digest.data(), &state_->context);
  return {digest.begin(), digest.end()};
}

std::string Sha256::digest() {
  std::string digits;
  for (const char byte : digest_bytes())
    digits += fmt::format("{:02x}", static_cast<std::uint8_t>(byte));
  return digits;
}

std::string sha256_of(std::string_view text) {
  Sha256 hash;
  hash.add(text);
  return hash.digest();
}

}  // namespace echoscan
