// Fuzzer of the clouds' JSON: every input is taken for JSON, so that none is spent on finding the
// first brace.
#include <cstdint>
#include <cstdlib>
#include <sstream>
#include <string>

#include "targets/cloud_list.h"
#include "tests/targets/list_checks.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  echoscan::check_both_uses([&text](echoscan::TargetList& list) {
    std::istringstream in(text);
    echoscan::ListBytes bytes(in);
    return echoscan::read_cloud_list(bytes, "fuzz", list);
  });
  return 0;
}
