// The pace of --per-slash24: which rate keeps every /24 network below so many probes a second.
//
// The order is a random permutation, so that a network with d of N targets gets d/N of the probes
// at all times, give or take chance: at the rate R N/d, the densest gets R a second on average, and
// in any one second a number as random as a Poisson variable of mean R. Only targets to which
// something is sent count, since the others take no time. Of m shards, which may all run at once,
// each gets a part of the rate. It never rounds up. Rejected: to count what each network got and
// put targets off, since that needs memory for each network (16 million of them) and changes the
// order, in which a shard and a resumed scan have to find their place by arithmetic.
#pragma once

#include <cstdint>
#include <string>

#include "scanner/options/scan_config.h"
#include "scanner/plan/target_plan.h"

namespace echoscan {

// How the targets that have a way lie in networks; of all shards together.
struct Slash24Density {
  std::uint64_t targets = 0;
  std::uint64_t in_densest = 0;  // of those, in the /24 that has most
};

// As far as ways are known: add_ways() and drop_ways() tell which targets have none.
Slash24Density find_density(const TargetPlan& plan);

// The rate to send at: --rate, or less where --per-slash24 asks for less. Throws UserError when
// that is below what can be kept.
ProbeRate allowed_rate(const PaceConfig& pace, const Slash24Density& density, const Shard& shard);

// The rate at which a control group is asked (--control), when the scan has that rate: a tenth of
// it, and no more than 0.1 a second to any /24, as far as a rate can be that low.
ProbeRate control_rate(ProbeRate rate_pps, const Slash24Density& density, const Shard& shard);

// What the densest network gets a second at this rate from all shards together. Not without a
// limit.
double rate_of_densest(ProbeRate rate_pps, const Slash24Density& density, const Shard& shard);

// A line for people: what --per-slash24 makes of the rate; or, without that option, what the
// densest network gets, where that is more than networks take well. Else empty.
std::string slash24_line(const PaceConfig& pace, const Slash24Density& density, const Shard& shard);

}  // namespace echoscan
