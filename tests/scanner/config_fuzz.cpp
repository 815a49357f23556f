// Fuzzer of the files of --config: whatever one holds, the options are parsed or refused by a
// sentence.
#include <cstdint>
#include <cstdlib>

#include "scanner/options/scan_config.h"
#include "scanner/process/user_error.h"
#include "tests/memory_file.h"
#include "tests/targets/list_checks.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace echoscan;
  const MemoryFile file(data, size);
  try {
    parse_scan_config({"--config", file.path(), "192.0.2.1"});
  } catch (const UserError& error) {
    require(*error.what() != '\0', "a refusal is a sentence");
  }
  return 0;
}
