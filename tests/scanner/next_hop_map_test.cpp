// The map of next hops against the map of ways itself: random ways of every size, those that share
// a block of 65,536 addresses, and more of them than a byte can number.
#include "scanner/transmit/next_hop_map.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

namespace echoscan::next_hop_map_test {
namespace {

TEST(NextHopMap, WithoutWaysAllLeaveByTheFirst) {
  EXPECT_TRUE(NextHopMap().is_one());
  EXPECT_TRUE(NextHopMap(LabelMap(), {0}, {0}).is_one());
}

TEST(NextHopMap, EachAddressHasTheWayThatTheMapSays) {
  std::mt19937_64 random(3);
  for (const std::size_t way_count : {2U, 3U, 16U, 254U, 255U, 256U, 1000U}) {
    for (int round = 0; round < 20; ++round) {
      std::vector<std::uint32_t> cuts{0};
      for (std::size_t i = 1; i < 3 * way_count; ++i)
        cuts.push_back(static_cast<std::uint32_t>(random() >> (32 + random() % 20)));
      std::ranges::sort(cuts);
      cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
      LabelTable table;
      std::vector<LabelledRange> entries;
      for (std::size_t i = 0; i + 1 < cuts.size(); ++i)
        entries.push_back({{Ipv4{cuts[i]}, Ipv4{cuts[i + 1] - 1}},
                           table.id_of(std::to_string(random() % way_count))});
      std::vector<std::uint8_t> next_hops;
      std::vector<std::uint8_t> parts;
      for (std::size_t label = 0; label < table.size(); ++label) {
        next_hops.push_back(static_cast<std::uint8_t>(random()));
        parts.push_back(static_cast<std::uint8_t>(random()));
      }
      const LabelMap ways(std::move(table), entries);
      const NextHopMap map(ways, next_hops, parts);
      ASSERT_FALSE(map.is_one());
      for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
        for (const std::uint32_t value :
             {cuts[i], cuts[i + 1] - 1,
              static_cast<std::uint32_t>(cuts[i] + random() % (cuts[i + 1] - cuts[i]))}) {
          const LabelId way = map.way_of(Ipv4{value});
          ASSERT_EQ(way, ways.label_of(Ipv4{value})) << value;
          ASSERT_EQ(map.next_hop_of_way(way), next_hops[way]);
          ASSERT_EQ(map.part_of_way(way), parts[way]);
        }
      }
    }
  }
}

}  // namespace
}  // namespace echoscan::next_hop_map_test
