#include "scanner/path/kernel_way_survey.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <map>
#include <utility>

#include "scanner/network/neighbour.h"
#include "scanner/path/port_path.h"
#include "scanner/process/clock.h"
#include "scanner/process/user_error.h"

namespace echoscan {
namespace {

// The kernel asks three times, a second apart.
constexpr unsigned kSurveyGatewayTimeoutMs = 3500;
// Each way that was ever seen keeps its label, and routes that change for a week must not fill
// memory.
constexpr std::size_t kWaysMax = 10'000;

bool leaves(const Exit& exit) {
  return exit.next_hop < NextHopTable::kGone;
}

// An interface that is renamed stays the one that -i named.
PathConfig with_name_of_today(PathConfig config, const NetworkPath& path) {
  if (!config.interface_name.empty())
    config.interface_name = find_interface(path.interface.index).name;
  return config;
}

Way::Kind closed_kind(const Way& way) {
  return is_unroutable(way) ? way.kind : Way::Kind::unreachable;
}

// A way out of another interface than the scan's own leads nowhere while that one's link is down,
// though the kernel names it. The scan's own link is watched as such, and waited for.
void close_dead_ends(const NetworkPath& path, std::span<WayShare> shares) {
  std::map<int, bool> has_carrier;
  for (WayShare& share : shares) {
    const int index = share.way.interface_index;
    if (is_unroutable(share.way) || index == path.interface.index) continue;
    if (!has_carrier.contains(index)) has_carrier[index] = find_interface(index).has_carrier;
    if (!has_carrier[index]) share.way.kind = Way::Kind::unreachable;
  }
}

tl::expected<MacAddress, NoGateway> find_mac(const Gateway& gateway, const NetworkPath& path) {
  MonotonicClock clock;
  if (path.port) return find_port_gateway_mac(gateway, path, clock, kSurveyGatewayTimeoutMs / 1e3);
  const tl::expected<GatewayMac, NoGateway> resolved = resolve_gateway(
      find_interface(gateway.interface_index), gateway.address, clock, kSurveyGatewayTimeoutMs);
  if (!resolved) return tl::unexpected(resolved.error());
  return resolved->mac;
}

// The map that names each share's targets by its label.
std::shared_ptr<const LabelMap> label_ranges(std::size_t label_count,
                                             std::span<const WayShare> shares,
                                             std::span<const LabelId> labels) {
  LabelTable table;
  for (std::size_t i = 1; i < label_count; ++i) table.id_of(fmt::format("{}", i));
  std::vector<LabelledRange> entries;
  for (std::size_t i = 0; i < shares.size(); ++i)
    for (const AddressRange& range : shares[i].ranges) entries.push_back({range, labels[i]});
  return std::make_shared<const LabelMap>(std::move(table), entries);
}

}  // namespace

KernelWaySurvey::KernelWaySurvey(const PathConfig& config, NetworkPath path,
                                 std::vector<WayShare> planned, const LabelMap& ways,
                                 FindWays find_ways)
    : config_(config),
      find_ways_(std::move(find_ways)),
      // The plan's own map outlives the scan.
      state_{std::move(path), std::move(planned),
             std::shared_ptr<const LabelMap>(std::shared_ptr<const LabelMap>(), &ways)} {}

bool KernelWaySurvey::has_news() {
  return news_.has_news();
}

void KernelWaySurvey::ask() {
  asking_ = std::async(std::launch::async, [this] { return find_change(); });
}

std::optional<WayChange> KernelWaySurvey::answer() {
  if (!asking_.valid() || asking_.wait_for(std::chrono::seconds(0)) != std::future_status::ready)
    return std::nullopt;
  try {
    Answer answer = asking_.get();
    asked_ = std::move(answer.state);
    return std::move(answer.change);
  } catch (const std::exception& error) {
    WayChange unknown;
    unknown.error = error.what();
    return unknown;
  }
}

void KernelWaySurvey::accept() {
  state_ = std::move(asked_);
}

KernelWaySurvey::Answer KernelWaySurvey::find_change() const {
  Answer answer{{}, state_};
  WayChange& change = answer.change;
  State& state = answer.state;
  std::vector<WayShare> shares = find_ways_(with_name_of_today(config_, state_.path));
  close_dead_ends(state_.path, shares);
  std::vector<LabelId> labels;
  std::vector<WayShare> moved;
  change.is_any_left = false;
  for (const WayShare& share : shares) {
    labels.push_back(label_of(share, state, change));
    const Exit& exit = state.path.exit_of_way[labels.back()];
    const bool leads_on = leaves(exit);
    if (leads_on) change.next_hops |= std::uint64_t{1} << exit.next_hop;
    change.is_any_left = change.is_any_left || leads_on;
    change.targets += share.targets;
    WayShare part{share.way, share.interface_name};
    for (const LabelledRange& before : state_.map->label_ranges(share.ranges)) {
      const LabelId label = state_.map->empty() ? 1 : before.label;
      if (label == labels.back()) continue;
      part.targets += before.range.size();
      if (!leads_on && leaves(state_.path.exit_of_way[label]))
        change.without += before.range.size();
    }
    change.moved += part.targets;
    if (part.targets > 0) moved.push_back(std::move(part));
  }
  if (change.moved == 0) return answer;
  change.ways = fmt::format("{}", fmt::join(way_lines(moved), "; "));
  state.map = label_ranges(state.ways.size() + 1, shares, labels);
  // The map's labels live as long as it does.
  struct Held {
    std::shared_ptr<const LabelMap> labels;
    NextHopMap map;
  };
  const auto held = std::make_shared<Held>(Held{state.map, next_hop_map(state.path, *state.map)});
  change.map = std::shared_ptr<const NextHopMap>(held, &held->map);
  return answer;
}

LabelId KernelWaySurvey::label_of(const WayShare& share, State& state, WayChange& change) const {
  const auto known = std::ranges::find_if(state.ways, [&share](const WayShare& other) {
    return other.way == share.way && other.is_by_source == share.is_by_source;
  });
  if (known == state.ways.end()) {
    if (state.ways.size() >= kWaysMax)
      throw UserError(ExitCode::environment, fmt::format("there were more than {} ways", kWaysMax));
    state.ways.push_back({share.way, share.interface_name, {}, 0, share.is_by_source});
    state.path.exit_of_way.push_back(open_exit(share, state, change));
    // What cannot be opened now is another way than the one that can be, perhaps, the next time.
    if (!leaves(state.path.exit_of_way.back())) state.ways.back().way.kind = closed_kind(share.way);
    return static_cast<LabelId>(state.ways.size());
  }
  return static_cast<LabelId>(known - state.ways.begin() + 1);
}

Exit KernelWaySurvey::open_exit(const WayShare& share, State& state, WayChange& change) const {
  const Exit gone{0, NextHopTable::kGone};
  if (is_unroutable(share.way)) return gone;
  const std::size_t gateways = state.path.gateways.size();
  const tl::expected<Exit, std::string> exit =
      state.path.port ? find_port_exit(share, state.path) : find_opened_exit(share, state.path);
  if (!exit) {
    change.obstacle = "it " + exit.error();
    return gone;
  }
  if (state.path.gateways.size() == gateways) return *exit;
  Gateway& gateway = state.path.gateways.back();
  const tl::expected<MacAddress, NoGateway> mac = find_mac(gateway, state.path);
  if (!mac) {
    state.path.gateways.pop_back();
    return gone;
  }
  gateway.mac = *mac;
  change.gateways.push_back(gateway);
  return *exit;
}

tl::expected<Exit, std::string> KernelWaySurvey::find_opened_exit(const WayShare& share,
                                                                  NetworkPath& path) const {
  const Exit exit = find_exit(config_, share, find_interface(share.way.interface_index), path);
  if (exit.part > path.side_ways.size() + path.standby_ways.size())
    return tl::unexpected(fmt::format("has not opened {}", way_text(share)));
  return exit;
}

}  // namespace echoscan
