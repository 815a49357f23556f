// Fuzzer of geo databases: whatever the file holds, it is refused with a reason, or gives a table
// without gaps whose texts can be looked up.
//
// libmaxminddb 1.7 leaks its list of languages when one of them is no text (MMDB_open, which then
// fails). The program reads a few databases once and ends, so that is left to the library; what we
// forget to close, geo_test would show under the address sanitizer.
#include <cstdint>

#include "output/geo/geo_table.h"
#include "tests/memory_file.h"
#include "tests/targets/list_checks.h"

extern "C" const char* __lsan_default_suppressions() {
  return "leak:libmaxminddb.so";
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace echoscan;
  const MemoryFile file(data, size);
  GeoTable table;
  const tl::expected<void, std::string> added = table.add_database(file.path());
  require(added || !added.error().empty(), "a refusal has a reason");
  require(added || table.is_empty(), "what is refused leaves the table as it was");
  Ipv4 before{};
  for (const GeoTable::Network& network : table.networks()) {
    require(before <= network.first, "networks ascend");
    before = network.first;
    require(network.record < table.record_count(), "records are there");
    const GeoRecord record = table.find(network.first);
    require(record.country == table.record(network.record).country, "a look-up finds its network");
  }
  return 0;
}
