// Fuzzer of the list reader, from bytes to labelled ranges: text, or whatever the first bytes make
// it (gzip, zstd, JSON). Whatever a file holds, the list read from it is sane.
#include <cstdint>
#include <cstdlib>
#include <sstream>
#include <string>

#include "tests/targets/list_checks.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::istringstream in(std::string(reinterpret_cast<const char*>(data), size));
  echoscan::TargetList list;
  const tl::expected<void, std::string> is_read = echoscan::read_target_list(in, "fuzz", list);
  echoscan::check_list(list, is_read);
  return 0;
}
