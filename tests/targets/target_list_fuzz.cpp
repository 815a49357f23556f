// Fuzzer of the list reader, from bytes to labelled ranges: text, or whatever the bytes make it
// (gzip, zstd, JSON, CSV, records). Whatever a file holds, the list read from it is sane.
#include <cstdint>
#include <cstdlib>
#include <sstream>
#include <string>

#include "tests/targets/list_checks.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  echoscan::check_both_uses([&text](echoscan::TargetList& list) {
    std::istringstream in(text);
    return echoscan::read_target_list(in, "fuzz", list);
  });
  return 0;
}
