// Fuzzer of the clouds' JSON: every input is taken for JSON, so that none is spent on finding the
// first brace.
#include <cstdint>
#include <cstdlib>
#include <sstream>
#include <string>

#include "targets/cloud_list.h"
#include "tests/targets/list_checks.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::istringstream in(std::string(reinterpret_cast<const char*>(data), size));
  echoscan::ListBytes bytes(in);
  echoscan::TargetList list;
  const tl::expected<void, std::string> is_read = echoscan::read_cloud_list(bytes, "fuzz", list);
  echoscan::check_list(list, is_read);
  return 0;
}
