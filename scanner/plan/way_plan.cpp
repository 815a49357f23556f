#include "scanner/plan/way_plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "scanner/network/dpdk_arguments.h"
#include "scanner/network/interface.h"
#include "scanner/network/own_address.h"
#include "scanner/process/log.h"
#include "scanner/process/user_error.h"

namespace echoscan {
namespace {

constexpr std::size_t kAskedSourcesMax = 256;
constexpr std::size_t kAskedSourcesMin = 2;  // of this host's own: the first and the last
// Of sources times prefixes: with the routes of the whole Internet each source takes seconds.
constexpr std::size_t kAskedPrefixesMax = 1'000'000;

// All targets by the one way that -i and --gateway-mac tell.
std::vector<WayShare> told_by_hand(const PathConfig& config, const Interface& interface,
                                   std::span<const AddressRange> targets) {
  WayShare share{{Way::Kind::gateway, interface.index, {}, config.source_ip}, interface.name};
  if (!share.way.source) share.way.source = find_source_address(interface);
  share.ranges.assign(targets.begin(), targets.end());
  share.targets = count_addresses(targets);
  return {std::move(share)};
}

// All targets by the gateway of a card that the kernel has no routes for, or is not asked for them.
std::vector<WayShare> told_for_port(const PathConfig& config,
                                    std::span<const AddressRange> targets) {
  WayShare share{{Way::Kind::gateway, 0, {}, config.source_ip}, config.interface_name};
  if (config.gateway) share.way.next_hop = *config.gateway;
  if (!share.way.source)
    share.way.source = find_source_address(find_interface(config.interface_name));
  share.ranges.assign(targets.begin(), targets.end());
  share.targets = count_addresses(targets);
  return {std::move(share)};
}

// What has no route is asked for once more, from the interface's own address.
void ask_from_own_address(std::vector<WayShare>& shares, const Interface& interface) {
  const auto lost = std::ranges::find_if(
      shares, [](const WayShare& share) { return share.way.kind == Way::Kind::no_route; });
  const std::optional<Ipv4> address = find_source_address(interface);
  if (lost == shares.end() || !address) return;
  const std::vector<AddressRange> ranges = std::move(lost->ranges);
  shares.erase(lost);
  for (WayShare& share : find_ways(ranges, {*address, interface.index})) {
    // The same way by another rule is another one: the kernel, where it routes, is to be told.
    const auto known = std::ranges::find_if(shares, [&share](const WayShare& other) {
      return other.way == share.way && other.is_by_source == share.is_by_source;
    });
    if (known == shares.end()) {
      shares.push_back(std::move(share));
      continue;
    }
    known->targets += share.targets;
    known->ranges.insert(known->ranges.end(), share.ranges.begin(), share.ranges.end());
    known->ranges = merge_ranges(std::move(known->ranges));
  }
  std::ranges::stable_sort(shares, std::greater(), &WayShare::targets);
}

// The targets of each way, whatever its source.
std::vector<std::pair<Way, std::vector<AddressRange>>> sourceless(std::vector<WayShare> shares) {
  std::vector<std::pair<Way, std::vector<AddressRange>>> ways;
  for (WayShare& share : shares) {
    share.way.source.reset();
    ways.emplace_back(share.way, std::move(share.ranges));
  }
  std::ranges::sort(ways);
  return ways;
}

// The sources to ask for: of this host's own as many as there is time for, and one of the others,
// for all of which the kernel is asked without a source.
std::vector<Ipv4> asked_sources(const SourcePool& pool, std::size_t prefixes) {
  const std::vector<Ipv4> own = own_addresses_of(pool.addresses());
  std::vector<Ipv4> asked =
      spread_sample(own, std::clamp(kAskedPrefixesMax / std::max<std::size_t>(prefixes, 1),
                                    kAskedSourcesMin, kAskedSourcesMax));
  const auto foreign = std::ranges::find_if_not(
      pool.addresses(), [&own](Ipv4 address) { return std::ranges::binary_search(own, address); });
  if (foreign != pool.addresses().end()) asked.push_back(*foreign);
  return asked;
}

// Equal-cost routes, whose hop the kernel picks by a hash of the source as well, are different.
void require_same_ways(const SourcePool& pool, std::span<const AddressRange> targets,
                       int interface_index) {
  const std::vector<AddressRange> prefixes = list_fib_prefixes();
  const std::vector<Ipv4> sources = asked_sources(pool, prefixes.size());
  const auto ways_from = [&](Ipv4 source) {
    const WayQuestion question{source, interface_index};
    return sourceless(partition_by_way(targets, prefixes, [&question](std::span<const Ipv4> asked) {
      return ask_ways(asked, question);
    }));
  };
  const auto ways = ways_from(sources.front());
  for (const Ipv4 other : std::span(sources).subspan(1)) {
    if (ways_from(other) == ways) continue;
    const auto text = [&](Ipv4 source) {
      const WayQuestion question{source, interface_index};
      return fmt::format("{}", fmt::join(way_lines(find_ways(targets, question)), "; "));
    };
    throw UserError(
        ExitCode::environment,
        fmt::format("--source-ip: all addresses of a pool have to take the same ways to the "
                    "targets, and {} takes others than {}: {} / {}; scan from each by itself, or "
                    "name the way by -i and --gateway-mac",
                    to_string(other), to_string(sources.front()), text(sources.front()),
                    text(other)));
  }
}

LabelMap map_ways(std::span<const WayShare> shares) {
  if (shares.size() < 2) return {};
  LabelTable table;
  std::vector<LabelledRange> entries;
  for (const WayShare& share : shares) {
    // The number keeps apart what the text may not.
    const LabelId label = table.id_of(fmt::format("{} {}", table.size(), way_text(share)));
    for (const AddressRange& range : share.ranges) entries.push_back({range, label});
  }
  return {std::move(table), entries};
}

}  // namespace

std::vector<WayShare> find_way_shares(const PathConfig& config,
                                      std::span<const AddressRange> targets) {
  if (config.method == Method::dpdk &&
      (config.gateway || !is_kernel_name(config.interface_name, config.dpdk_args)))
    return told_for_port(config, targets);
  const bool has_pool = !config.source_pool.empty();
  if (config.interface_name.empty()) {
    if (has_pool) require_same_ways(config.source_pool, targets, 0);
    return find_ways(targets, {config.source_ip, 0});
  }
  const Interface interface = find_interface(config.interface_name);
  if (config.gateway_mac) return told_by_hand(config, interface, targets);
  if (has_pool) require_same_ways(config.source_pool, targets, interface.index);
  std::vector<WayShare> shares = find_ways(targets, {config.source_ip, interface.index});
  if (!config.source_ip) ask_from_own_address(shares, interface);
  return shares;
}

WayPlan plan_ways(const PathConfig& config, std::span<const AddressRange> targets) {
  WayPlan plan;
  plan.shares = find_way_shares(config, targets);
  plan.map = map_ways(plan.shares);
  return plan;
}

void say_if_unknown(const std::function<void()>& find) {
  const auto say = [](const std::exception& error) {
    log_info("by which way the targets are reached from here is not known: {}", error.what());
  };
  try {
    find();
  } catch (const UserError& error) {
    say(error);
  } catch (const std::system_error& error) {
    say(error);
  }
}

}  // namespace echoscan
