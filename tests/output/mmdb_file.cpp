// mmdb_file FILE KIND: writes a MaxMind DB file for the end-to-end tests, from lines "CIDR JSON" on
// standard input. `mmdb_file FILE synthetic-country|synthetic-asn NETWORKS`: one of real size.
#include <fmt/format.h>

#include <cstdlib>
#include <iostream>
#include <string>

#include "targets/prefix.h"
#include "tests/output/mmdb_writer.h"

namespace echoscan {
namespace {

int write_listed(const std::string& file, const std::string& kind) {
  MmdbWriter writer(kind);
  for (std::string line; std::getline(std::cin, line);) {
    const std::size_t space = line.find(' ');
    const std::size_t slash = line.find('/');
    const tl::expected<AddressRange, std::string> range = parse_range(line.substr(0, space));
    if (!range || slash > space) {
      fmt::print(stderr, "mmdb_file: '{}' is not of the form CIDR JSON{}{}\n", line,
                 range ? "" : ": ", range ? "" : range.error());
      return 2;
    }
    writer.add(range->first, static_cast<unsigned>(std::stoul(line.substr(slash + 1))),
               nlohmann::json::parse(line.substr(space + 1)));
  }
  writer.write(file);
  return 0;
}

}  // namespace
}  // namespace echoscan

int main(int argc, char** argv) {
  using namespace echoscan;
  if (argc == 3) return write_listed(argv[1], argv[2]);
  if (argc == 4) {
    const SyntheticKind kind =
        std::string(argv[2]) == "synthetic-asn" ? SyntheticKind::asn : SyntheticKind::country;
    const std::uint64_t seed = kind == SyntheticKind::asn ? 2 : 1;
    synthetic_mmdb(kind, static_cast<std::uint32_t>(std::stoul(argv[3])), seed).write(argv[1]);
    return 0;
  }
  fmt::print(
      stderr,
      "usage: mmdb_file FILE KIND | mmdb_file FILE synthetic-country|synthetic-asn NETWORKS\n");
  return 2;
}
