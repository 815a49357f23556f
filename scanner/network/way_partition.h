// The targets by the way that the kernel would take to them, before anything is sent.
//
// A scan that takes one way for all targets would call a host silent that is behind another
// interface or router, or to which no way leads. Prefixes nest, and the innermost one around an
// address decides its way: so the targets are cut along the prefixes, and the kernel is asked once
// for each innermost prefix that holds any. One default route is one question, however many targets
// there are; 1,000,000 routes and 1,000 ranges of targets take 1.5 s and 14 MB, nearly all of it
// the dump. Rejected: a question for each range (a list of a country's ranges has 100,000), and a
// route look-up of our own.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "scanner/network/fib.h"
#include "targets/prefix.h"

namespace echoscan {

// A way, and the targets that it leads to.
struct WayShare {
  Way way;
  std::string interface_name = {};        // empty where the way is refused
  std::vector<AddressRange> ranges = {};  // merged; empty where they are only counted
  std::uint64_t targets = 0;              // addresses in them
  bool is_by_source = false;              // holds for packets from the way's source alone
};

// Whether the shares are to have their ranges, which take as much memory as the targets' own.
enum class WayRanges { kept, counted };

// Gives the way of each destination, in their order: ask_ways, or a test's own.
using AskWays = std::function<std::vector<Way>(std::span<const Ipv4>)>;

// The ranges of each way, merged; the way of the most targets first. `prefixes` are as
// list_fib_prefixes gives them. Leaves interface_name empty.
std::vector<WayShare> partition_by_way(std::span<const AddressRange> targets,
                                       std::span<const AddressRange> prefixes, const AskWays& ask,
                                       WayRanges wanted = WayRanges::kept);

// The same by asking this host's kernel, with the interfaces' names. Throws std::system_error.
std::vector<WayShare> find_ways(std::span<const AddressRange> targets, const WayQuestion& question,
                                WayRanges wanted = WayRanges::kept);

// "eth0 via 192.0.2.1 from 192.0.2.7", "eth0 on the link", "blackhole".
std::string way_text(const WayShare& share);
// A line for each of the first ten ways, "eth0 via 192.0.2.1 from 192.0.2.7: 4,096 targets", and
// one for the rest.
std::vector<std::string> way_lines(std::span<const WayShare> shares);

}  // namespace echoscan
