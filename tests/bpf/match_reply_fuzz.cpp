// Fuzzer of the matcher: any frame, as it came and with its checksums made right.
#include <cstdint>

#include "tests/bpf/match_checks.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  echoscan::Bytes frame(data, data + size);
  echoscan::check_match(frame);
  echoscan::repair_checksums(frame);
  echoscan::check_match(frame);
  return 0;
}
