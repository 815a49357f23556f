// What a scan found, network by network: the cells of its map.
//
// A cell is a /24, or a coarser network where a file may not be larger. It keeps apart what other
// maps paint alike: a network that was not asked, one that was and is silent, and one that has
// answered. A cell takes 40 bytes, so that the map of all 16.7 million /24s takes 670 MB.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "targets/address.h"

namespace echoscan {

struct ReplyMap {
  struct Cell {
    std::uint32_t number = 0;      // of the network: its first address less the host bits
    std::uint32_t population = 0;  // targets of the lists
    std::uint32_t asked = 0;       // of those
    std::uint32_t replies = 0;     // of those
    std::uint32_t later = 0;       // of the replies, first ones that prove a pass behind the first
    std::uint32_t rtt_p50_us = 0;  // 0: without a round-trip time
    std::uint32_t label = 0;       // place in `labels`, of most of its targets
    std::uint32_t compared = 0;    // targets that this scan and the one before have asked
    std::uint32_t gained = 0;      // of those, who replied to this one alone
    std::uint32_t lost = 0;        // and to the one before alone
  };

  unsigned prefix_length = 24;
  std::vector<Cell> cells;          // by number
  std::vector<std::string> labels;  // the first is "", of networks without one
  bool knows_asked = false;         // else only cells with results are here, and nobody was asked
  bool has_several_passes = false;
  bool is_compared = false;  // with an earlier scan
};

// An aligned block of networks that the Hilbert curve makes a square.
struct MapSquare {
  Ipv4 first;
  unsigned prefix_length = 0;  // even
};

// The smallest square that holds all cells; all of IPv4 when there are none.
MapSquare square_of(const ReplyMap& map);

// The same map with cells of a prefix that is not longer. The median of a cell is the median of
// those of its parts, by their replies; its label is that of most targets.
ReplyMap coarser(const ReplyMap& map, unsigned prefix_length);

}  // namespace echoscan
