// The partition of targets by way, against a look-up address by address in random tables.
#include "scanner/network/way_partition.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "targets/target_set.h"

namespace echoscan::way_partition_test {
namespace {

constexpr std::uint32_t kWorldBits = 12;  // small enough to look at every address
constexpr std::uint32_t kWorld = 0x0a000000;

using Random = std::mt19937_64;

std::uint32_t below(Random& random, std::uint32_t limit) {
  return static_cast<std::uint32_t>(random() % limit);
}

// A table of prefixes, each with a way of its own number of gateway; the longest match decides.
struct Table {
  std::vector<AddressRange> prefixes;
  std::vector<std::uint32_t> gateways;  // of each prefix; that of no prefix is 0
  std::size_t questions = 0;

  [[nodiscard]] Way way_of(Ipv4 address) const {
    std::uint32_t gateway = 0;
    std::uint64_t size = std::uint64_t{1} << 33;
    for (std::size_t i = 0; i < prefixes.size(); ++i) {
      const bool is_inside = prefixes[i].first <= address && address <= prefixes[i].last;
      if (!is_inside || prefixes[i].size() >= size) continue;
      size = prefixes[i].size();
      gateway = gateways[i];
    }
    if (gateway == 0) return {};
    return {Way::Kind::gateway, 1, Ipv4{gateway}, Ipv4{7}};
  }

  AskWays asker() {
    return [this](std::span<const Ipv4> destinations) {
      questions += destinations.size();
      std::vector<Way> ways;
      for (const Ipv4 destination : destinations) ways.push_back(way_of(destination));
      return ways;
    };
  }
};

Table random_table(Random& random) {
  Table table;
  const std::uint32_t count = below(random, 40);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t hosts = (1U << below(random, kWorldBits + 1)) - 1;
    const std::uint32_t first = (kWorld + below(random, 1U << kWorldBits)) & ~hosts;
    table.prefixes.push_back({Ipv4{first}, Ipv4{first + hosts}});
  }
  std::sort(table.prefixes.begin(), table.prefixes.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first < b.first : a.last > b.last;
  });
  table.prefixes.erase(std::unique(table.prefixes.begin(), table.prefixes.end()),
                       table.prefixes.end());
  for (std::size_t i = 0; i < table.prefixes.size(); ++i)
    table.gateways.push_back(below(random, 5));
  return table;
}

std::vector<AddressRange> random_targets(Random& random) {
  std::vector<AddressRange> ranges;
  const std::uint32_t count = 1 + below(random, 20);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t first = below(random, 1U << kWorldBits);
    const std::uint32_t size = 1 + below(random, (1U << kWorldBits) - first);
    const std::uint32_t length =
        below(random, 3) == 0 ? size : 1 + below(random, std::min(size, 30U));
    ranges.push_back({Ipv4{kWorld + first}, Ipv4{kWorld + first + length - 1}});
  }
  return merge_ranges(std::move(ranges));
}

TEST(WayPartition, EveryTargetHasItsOwnWayAndNoOtherAddressHasOne) {
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    Random random(seed);
    Table table = random_table(random);
    const std::vector<AddressRange> targets = random_targets(random);
    const std::vector<WayShare> shares = partition_by_way(targets, table.prefixes, table.asker());
    std::vector<AddressRange> together;
    for (const WayShare& share : shares) {
      EXPECT_EQ(share.targets, count_addresses(share.ranges));
      EXPECT_EQ(share.ranges, merge_ranges(share.ranges));
      together.insert(together.end(), share.ranges.begin(), share.ranges.end());
      for (const AddressRange& range : share.ranges)
        for (std::uint64_t i = 0; i < range.size(); ++i)
          ASSERT_EQ(table.way_of(Ipv4{range.first.value + static_cast<std::uint32_t>(i)}),
                    share.way)
              << "seed " << seed;
    }
    std::sort(together.begin(), together.end());
    ASSERT_EQ(count_addresses(together), count_addresses(targets)) << "seed " << seed;
    ASSERT_EQ(merge_ranges(together), targets) << "seed " << seed;
    ASSERT_LE(table.questions, table.prefixes.size() + 1);

    const std::vector<WayShare> counted =
        partition_by_way(targets, table.prefixes, table.asker(), WayRanges::counted);
    ASSERT_EQ(counted.size(), shares.size());
    for (std::size_t i = 0; i < shares.size(); ++i) {
      EXPECT_EQ(counted[i].way, shares[i].way);
      EXPECT_EQ(counted[i].targets, shares[i].targets);
      EXPECT_TRUE(counted[i].ranges.empty());
    }
  }
}

TEST(WayPartition, EachWayStandsOnceThatOfMostTargetsFirst) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Random random(seed);
    Table table = random_table(random);
    const std::vector<WayShare> shares =
        partition_by_way(random_targets(random), table.prefixes, table.asker());
    for (std::size_t i = 1; i < shares.size(); ++i) {
      EXPECT_GE(shares[i - 1].targets, shares[i].targets);
      for (std::size_t j = 0; j < i; ++j) EXPECT_NE(shares[i].way, shares[j].way);
    }
  }
}

// A host with one default route, an address, and a country's list.
TEST(WayPartition, OneDefaultRouteIsOneQuestion) {
  Table table;
  table.prefixes = {{Ipv4{0}, Ipv4{0xffffff}},
                    {Ipv4{0x7f000000}, Ipv4{0x7fffffff}},
                    {Ipv4{0xc0000200}, Ipv4{0xc00002ff}},
                    {Ipv4{0xc0000201}, Ipv4{0xc0000201}},
                    {Ipv4{0xe0000000}, Ipv4{0xefffffff}}};
  table.gateways.assign(table.prefixes.size(), 1);
  std::vector<AddressRange> targets;
  for (std::uint32_t i = 0; i < 100'000; ++i)
    targets.push_back({Ipv4{0x01000000 + i * 20'000}, Ipv4{0x01000000 + i * 20'000 + 255}});
  std::erase_if(targets, [](const AddressRange& range) { return range.last.value >> 24 == 0x7f; });
  const std::vector<WayShare> shares = partition_by_way(targets, table.prefixes, table.asker());
  EXPECT_EQ(table.questions, 1U);
  ASSERT_EQ(shares.size(), 1U);
  EXPECT_EQ(shares[0].ranges, targets);
}

TEST(WayPartition, TheWholeAddressSpaceEndsWhereItEnds) {
  Table table;
  table.prefixes = {{Ipv4{0}, Ipv4{0}}, {Ipv4{0xffffffff}, Ipv4{0xffffffff}}};
  table.gateways = {1, 2};
  const std::vector<AddressRange> all{{Ipv4{0}, Ipv4{0xffffffff}}};
  const std::vector<WayShare> shares = partition_by_way(all, table.prefixes, table.asker());
  ASSERT_EQ(shares.size(), 3U);
  EXPECT_EQ(shares[0].targets, (std::uint64_t{1} << 32) - 2);
  EXPECT_EQ(shares[0].way.kind, Way::Kind::no_route);
}

TEST(WayPartition, AWayIsSaidInOneLine) {
  EXPECT_EQ(way_text({{Way::Kind::gateway, 2, Ipv4{0xc0000201}, Ipv4{0xc0000207}}, "eth0"}),
            "eth0 via 192.0.2.1 from 192.0.2.7");
  Ipv6 router;
  router.bytes = {0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2};
  EXPECT_EQ(way_text({{Way::Kind::gateway, 2, router, std::nullopt}, "eth0"}), "eth0 via fe80::2");
  EXPECT_EQ(way_text({{Way::Kind::direct, 2, {}, Ipv4{0xc0000207}}, "wg0"}),
            "wg0 direct from 192.0.2.7");
  EXPECT_EQ(way_text({{Way::Kind::local, 1, {}, Ipv4{0xc0000207}}, "lo"}),
            "lo (local) from 192.0.2.7");
  EXPECT_EQ(way_text({{Way::Kind::blackhole, 0, {}, {}}}), "blackhole");
  EXPECT_EQ(way_text({{Way::Kind::no_route, 0, {}, {}}}), "no route");
}

}  // namespace
}  // namespace echoscan::way_partition_test
