// What the plan of ways costs on the host that it runs on: seconds and peak memory, for random
// ranges of targets and for the whole Internet. tests/bench/ways_bench.sh gives it a host with the
// full BGP table.
#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdlib>
#include <random>

#include "scanner/network/way_partition.h"
#include "targets/target_set.h"

namespace echoscan {
namespace {

// Each of 256 to 65,536 addresses, as the lists of registries have them.
std::vector<AddressRange> random_ranges(std::size_t count) {
  std::mt19937_64 random(1);
  std::vector<AddressRange> ranges;
  while (ranges.size() < count) {
    const auto hosts = static_cast<std::uint32_t>((1U << (8 + random() % 9)) - 1);
    const auto first = static_cast<std::uint32_t>(0x01000000 + random() % 0xde000000) & ~hosts;
    ranges.push_back({Ipv4{first}, Ipv4{first + hosts}});
  }
  return merge_ranges(std::move(ranges));
}

void measure(const char* name, const std::vector<AddressRange>& targets) {
  const auto start = std::chrono::steady_clock::now();
  const std::vector<AddressRange> prefixes = list_fib_prefixes();
  const auto listed = std::chrono::steady_clock::now();
  std::size_t questions = 0;
  const std::vector<WayShare> shares =
      partition_by_way(targets, prefixes, [&questions](std::span<const Ipv4> destinations) {
        questions = destinations.size();
        return ask_ways(destinations, {});
      });
  const auto end = std::chrono::steady_clock::now();
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const std::chrono::duration<double> dump_s = listed - start;
  const std::chrono::duration<double> all_s = end - start;
  fmt::print(
      "{}: {} ranges, {} addresses, {} prefixes, {} questions, {} ways: {:.2f} s, of them {:.2f} s "
      "of dump; peak {} MB\n",
      name, targets.size(), count_addresses(targets), prefixes.size(), questions, shares.size(),
      all_s.count(), dump_s.count(), usage.ru_maxrss / 1024);
}

}  // namespace
}  // namespace echoscan

int main(int argc, char** argv) {
  using namespace echoscan;
  const std::size_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1000;
  measure("random ranges", random_ranges(count));
  measure("the Internet", {{Ipv4{0x01000000}, Ipv4{0xdfffffff}}});
}
