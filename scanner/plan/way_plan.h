// The ways of a scan's targets: asked as the options say, and an address's way to be looked up.
//
// `-i` and `--source-ip` narrow the question. Where `-i` finds no route, it is asked once more from
// the interface's own address: an uplink with rules by source has its routes in a table of its own.
// What no way leads to is not sent and counts as unroutable; taking it out of the set would change
// the order, which the lists and the seed alone name. All sources of a pool have to take the same
// ways, since a target has one way in all of the scan's account. `-i` with `--gateway-mac` asks
// nothing, nor does a card that the kernel does not drive: the way is told by hand.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "scanner/network/way_partition.h"
#include "scanner/options/path_config.h"
#include "targets/label_map.h"
#include "targets/target_set.h"

namespace echoscan {

struct WayPlan {
  std::vector<WayShare> shares = {};  // of all targets, that of the most first
  // By way: the label of an address is 1 + the number of its share. Empty when there is one way
  // for all.
  LabelMap map = {};
};

// The ways of targets, that of the most first. Throws UserError when the interface named is not
// there or the pool's sources take different ways, std::system_error when the kernel gives no
// answer. Any thread.
std::vector<WayShare> find_way_shares(const PathConfig& config,
                                      std::span<const AddressRange> targets);
// The same, with the map of them.
WayPlan plan_ways(const PathConfig& config, std::span<const AddressRange> targets);

// Calls `find`, which finds ways; where it cannot, that is logged and no more: a report or a dry
// run does without them.
void say_if_unknown(const std::function<void()>& find);

}  // namespace echoscan
