// Fuzzer of the unpacking of gzip and Zstandard: whatever the bytes are, pieces of any size give
// the same text and the same end, and nothing runs away.
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "targets/unpacker.h"
#include "tests/targets/list_checks.h"

namespace {

constexpr std::size_t kTextMax = 1 << 20;  // a bomb is cut off there

std::string unpack(std::string_view packed, std::size_t piece, std::size_t room) {
  const auto unpacker = echoscan::make_unpacker(packed.substr(0, 4));
  if (!unpacker) return {};
  std::string text;
  std::vector<char> out(room);
  std::size_t fed = 0;
  std::string_view input;
  while (text.size() < kTextMax && unpacker->failure().empty()) {
    const std::size_t before = input.size();
    const std::size_t bytes = unpacker->unpack(input, out);
    echoscan::require(bytes <= room, "no more is unpacked than there is room for");
    text.append(out.data(), bytes);
    if (bytes > 0 || input.size() < before) continue;
    // Behind the last piece there is nothing to wait for.
    if (fed == packed.size()) break;
    const std::size_t next = std::min(piece, packed.size() - fed);
    input = packed.substr(fed - input.size(), input.size() + next);
    fed += next;
  }
  if (text.size() >= kTextMax) return text.substr(0, kTextMax);
  unpacker->finish();
  return text + (unpacker->failure().empty() ? "|whole" : "|not whole");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view packed(reinterpret_cast<const char*>(data), size);
  const std::string whole = unpack(packed, size + 1, 4096);
  echoscan::require(whole == unpack(packed, 7, 333) || whole.ends_with("|not whole"),
                    "pieces give the same text");
  return 0;
}
