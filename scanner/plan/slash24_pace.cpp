#include "scanner/plan/slash24_pace.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "output/summary/figure_text.h"
#include "scanner/options/rate_text.h"
#include "scanner/process/user_error.h"
#include "scanner/transmit/pacer.h"
#include "targets/permutation.h"

namespace echoscan {
namespace {

// From about so many probes a second on, a /24 begins to answer less (docs/design.md).
constexpr double kWellTakenPps = 1;
// What a control group is asked at: a part of the rate, and so much less than networks take well
// that chance, which brings two probes close together, does not matter.
constexpr std::uint64_t kControlPart = 10;
constexpr double kControlPps = 0.1;

}  // namespace

Slash24Density find_density(const TargetPlan& plan) {
  if (plan.ways.shares.empty())
    return {plan.targets.size(), count_in_densest_slash24(plan.targets.ranges())};
  std::vector<AddressRange> ranges;
  for (const WayShare& share : plan.ways.shares)
    if (!is_unroutable(share.way))
      ranges.insert(ranges.end(), share.ranges.begin(), share.ranges.end());
  ranges = merge_ranges(std::move(ranges));
  return {count_addresses(ranges), count_in_densest_slash24(ranges)};
}

ProbeRate allowed_rate(const PaceConfig& pace, const Slash24Density& density, const Shard& shard) {
  if (!pace.per_slash24_pps || density.in_densest == 0) return pace.rate_pps;
  // Below 2^40 thousandths by 2^32 targets, and in the end below 2^72.
  const Uint128 in_densest = Uint128{density.in_densest} * shard.count;
  const Uint128 bound = Uint128{pace.per_slash24_pps->thousandths()} * density.targets / in_densest;
  if (bound == 0)
    throw UserError(ExitCode::bad_usage,
                    fmt::format("--per-slash24 {} leaves each of {} shards less than 0.001 probes "
                                "a second",
                                rate_text(pace.per_slash24_pps->pps()), shard.count));
  const bool is_bounded = pace.rate_pps != Pacer::kUnlimited;
  if (is_bounded && bound >= pace.rate_pps.thousandths()) return pace.rate_pps;
  const ProbeRate most = kRateMaxPps;
  if (bound >= most.thousandths()) return most;
  return ProbeRate::of_thousandths(static_cast<std::uint64_t>(bound));
}

ProbeRate control_rate(ProbeRate rate_pps, const Slash24Density& density, const Shard& shard) {
  const auto tenth =
      ProbeRate::of_thousandths(std::max<std::uint64_t>(rate_pps.thousandths() / kControlPart, 1));
  const double densest_pps = rate_of_densest(tenth, density, shard);
  if (densest_pps <= kControlPps) return tenth;
  const double slower = static_cast<double>(tenth.thousandths()) * kControlPps / densest_pps;
  return ProbeRate::of_thousandths(std::max<std::uint64_t>(static_cast<std::uint64_t>(slower), 1));
}

double rate_of_densest(ProbeRate rate_pps, const Slash24Density& density, const Shard& shard) {
  return rate_pps.pps() * static_cast<double>(density.in_densest) /
         static_cast<double>(std::max<std::uint64_t>(density.targets, 1)) * shard.count;
}

std::string slash24_line(const PaceConfig& pace, const Slash24Density& density,
                         const Shard& shard) {
  const std::string dense =
      fmt::format("{} of {} targets are in the densest /24", with_thousands(density.in_densest),
                  with_thousands(density.targets));
  const std::string of_shards =
      shard.count > 1 ? fmt::format(", by {} shards at once", shard.count) : "";
  if (!pace.per_slash24_pps) {
    if (pace.rate_pps == Pacer::kUnlimited) return {};
    const double pps = rate_of_densest(pace.rate_pps, density, shard);
    if (pps <= kWellTakenPps) return {};
    return fmt::format(
        "{}, which gets {} probes a second{}: from about 1 on networks begin to "
        "answer less, and --per-slash24 keeps to that",
        dense, rate_text(std::round(pps * 10) / 10), of_shards);
  }
  const ProbeRate allowed = allowed_rate(pace, density, shard);
  const std::string bound = rate_text(pace.per_slash24_pps->pps());
  if (allowed == pace.rate_pps)
    return fmt::format("--per-slash24 {} leaves the rate as it is: {}{}", bound, dense, of_shards);
  return fmt::format("--per-slash24 {} lowers the rate to {} a second: {}{}", bound,
                     rate_text(allowed.pps()), dense, of_shards);
}

}  // namespace echoscan
