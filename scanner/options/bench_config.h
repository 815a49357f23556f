// What `echoscan bench` is to do: which methods, against whom, for how long.
//
// A bench is a flood, so nothing about its target is guessed: --dst has no default, must be one
// host, and must lie in a range that the public Internet does not route, unless --allow-public says
// that a public one is meant. The duration is bounded.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "scanner/network/mac_address.h"
#include "scanner/options/method.h"
#include "scanner/options/option_group.h"
#include "targets/address.h"

namespace echoscan {

struct BenchConfig {
  std::string interface_name;
  std::optional<Ipv4> destination;
  std::optional<MacAddress> gateway_mac;  // of the next hop to it; absent: asked of the kernel
  bool allow_public = false;
  std::vector<Method> methods;  // in the table's order
  double duration_s = 5;        // of each method
  unsigned streams = 1;         // queues and threads
  std::size_t frame_bytes = 60;
  std::string json_path;  // empty: none
  Verbosity verbosity = Verbosity::normal;
};

// Parses the arguments behind `echoscan bench`. nullopt when they asked for help, which is then
// printed. Throws UserError.
std::optional<BenchConfig> parse_bench_config(const std::vector<std::string>& arguments);

}  // namespace echoscan
