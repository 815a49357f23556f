// The size of the reply filter's rings: that their half holds what is on its way, within limits.
#include "scanner/receive/source/ring_size.h"

#include <gtest/gtest.h>

#include <bit>
#include <limits>
#include <random>

namespace echoscan::ring_size_test {
namespace {

constexpr int kTries = 100'000;

TEST(RingSize, IsTheUsualOneAtUsualRates) {
  for (const std::uint64_t replies : {0, 1, 3'000, 52'428})
    EXPECT_EQ(reply_ring_bytes({replies}, 2), kRingBytesUsual) << replies;
  EXPECT_EQ(reply_ring_bytes({52'429}, 2), 2 * kRingBytesUsual);
}

TEST(RingSize, IsBoundedWithoutALimitOnTheRate) {
  constexpr std::uint64_t kEndless = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(reply_ring_bytes({kEndless}, 1), kRingBytesMax);
  EXPECT_EQ(reply_ring_bytes({kEndless}, 4), kRingBytesMax);
  EXPECT_EQ(reply_ring_bytes({kEndless}, 128), std::size_t{1} << 20);
  EXPECT_EQ(reply_ring_bytes({kEndless}, 8192), kRingBytesMin);
}

TEST(RingSize, LeavesAContainerItsMemory) {
  constexpr std::uint64_t kMany = 1'000'000;
  EXPECT_EQ(reply_ring_bytes({kMany}, 2, std::uint64_t{64} << 20), std::size_t{8} << 20);
  EXPECT_EQ(reply_ring_bytes({kMany}, 2, std::uint64_t{20} << 20), kRingBytesUsual);
  EXPECT_EQ(reply_ring_bytes({kMany}, 2, 0), kRingBytesUsual);
  EXPECT_EQ(reply_ring_bytes({kMany}, 64, std::uint64_t{64} << 20), std::size_t{2} << 20);
}

TEST(RingSize, HoldsWhatIsOnItsWayAsFarAsTheLimitsAllow) {
  std::mt19937_64 random(5);
  for (int i = 0; i < kTries; ++i) {
    const std::uint64_t replies = random() >> (random() % 64);
    const int cpu_count = 1 + static_cast<int>(random() % 1024);
    const int filter_count = 1 + static_cast<int>(random() % 4);
    const std::size_t bytes = reply_ring_bytes({replies, filter_count}, cpu_count);
    ASSERT_TRUE(std::has_single_bit(bytes));  // as the kernel demands
    ASSERT_GE(bytes, kRingBytesMin);
    ASSERT_LE(bytes, kRingBytesMax);
    const std::size_t all = bytes * static_cast<std::size_t>(cpu_count * filter_count);
    ASSERT_TRUE(all <= kRingsBytesMax || bytes == kRingBytesMin) << replies << " " << cpu_count;
    const bool is_limited = bytes == kRingBytesMax || 2 * all > kRingsBytesMax;
    ASSERT_TRUE(is_limited || bytes / 2 / kRingRecordBytes >= replies)
        << replies << " " << cpu_count;
    ASSERT_TRUE(bytes <= kRingBytesUsual || bytes / 4 / kRingRecordBytes <= replies)
        << "larger than needed";
  }
}

}  // namespace
}  // namespace echoscan::ring_size_test
