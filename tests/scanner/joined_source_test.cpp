// Several sources of replies as one: nothing is lost between them, none waits for another, and the
// account is the sum.
#include "scanner/receive/source/joined_source.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <map>
#include <random>

#include "tests/scanner/fakes.h"

namespace echoscan::joined_source_test {
namespace {

// Has some replies of one target, and counts them as they are taken.
class Supply : public ReplySource {
 public:
  Supply(std::uint32_t target, std::size_t count) : target_(target), left_(count) {}

  std::size_t receive(std::span<reply> replies) override {
    const std::size_t count = std::min(replies.size(), left_);
    for (reply& each : replies.first(count)) each.target = target_;
    left_ -= count;
    taken_ += count;
    return count;
  }
  void stop() override { is_stopped = true; }
  [[nodiscard]] frame_counters outcomes() const override {
    frame_counters counters{};
    counters.seen = taken_ + 1;
    counters.outcome[FRAME_REPLY] = taken_;
    counters.outcome[FRAME_NOT_IPV4] = 1;
    return counters;
  }
  [[nodiscard]] std::uint64_t dropped_unseen() const override { return target_; }
  [[nodiscard]] std::uint64_t passed_on() const override { return 10 * target_; }
  FilterAttachment* attachment() override { return has_filter ? &filter : nullptr; }
  [[nodiscard]] bool is_backlogged() const override { return left_ > 1000; }
  [[nodiscard]] std::string mode() const override { return target_ == 1 ? "first" : "other"; }

  bool is_stopped = false;
  bool has_filter = false;
  FakeAttachment filter;

 private:
  std::uint32_t target_;
  std::size_t left_;
  std::size_t taken_ = 0;
};

TEST(JoinedSource, EverythingOfEachComesOutOnce) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 500; ++round) {
    std::vector<std::unique_ptr<ReplySource>> sources;
    std::map<std::uint32_t, std::size_t> expected;
    std::uint64_t sum = 0;
    const auto source_count = static_cast<std::uint32_t>(1 + random() % 5);
    for (std::uint32_t target = 1; target <= source_count; ++target) {
      const std::size_t count = 1 + random() % 300;
      expected[target] = count;
      sum += count;
      sources.push_back(std::make_unique<Supply>(target, count));
    }
    JoinedSource joined(std::move(sources), {});
    std::map<std::uint32_t, std::size_t> found;
    std::array<reply, 64> batch{};
    const std::span<reply> room = std::span(batch).first(1 + random() % batch.size());
    while (const std::size_t count = joined.receive(room))
      for (const reply& each : room.first(count)) {
        ++found[each.target];
        ASSERT_EQ(each.arrival + 1U, each.target) << "by the interface of its source";
      }
    EXPECT_EQ(found, expected);
    EXPECT_EQ(joined.outcomes().seen, sum + source_count);
    EXPECT_EQ(joined.outcomes().outcome[FRAME_REPLY], sum);
    EXPECT_EQ(joined.outcomes().outcome[FRAME_NOT_IPV4], source_count);
    EXPECT_EQ(joined.dropped_unseen(), source_count * (source_count + 1) / 2);
    EXPECT_EQ(joined.passed_on(), source_count * (source_count + 1) * 5);
  }
}

TEST(JoinedSource, AFloodOnOneDoesNotStarveAnother) {
  std::vector<std::unique_ptr<ReplySource>> sources;
  sources.push_back(std::make_unique<Supply>(1, 1'000'000));
  sources.push_back(std::make_unique<Supply>(2, 64));
  JoinedSource joined(std::move(sources), {});
  std::array<reply, 64> batch{};
  std::size_t of_second = 0;
  for (int call = 0; call < 2; ++call)
    for (const reply& each : std::span(batch).first(joined.receive(batch)))
      of_second += each.target == 2 ? 1 : 0;
  EXPECT_EQ(of_second, 64U);
  EXPECT_TRUE(joined.is_backlogged());
  while (joined.receive(batch) > 0) {
  }
  EXPECT_FALSE(joined.is_backlogged());
}

TEST(JoinedSource, StopsAllAndNamesThem) {
  auto first = std::make_unique<Supply>(1, 1);
  auto second = std::make_unique<Supply>(2, 1);
  const Supply& one = *first;
  const Supply& other = *second;
  std::vector<std::unique_ptr<ReplySource>> sources;
  sources.push_back(std::move(first));
  sources.push_back(std::move(second));
  JoinedSource joined(std::move(sources), {"e0", "e1"});
  EXPECT_EQ(joined.interfaces()[1], "e1");
  EXPECT_EQ(joined.mode(), "first, other on 1 other interface");
  joined.stop();
  EXPECT_TRUE(one.is_stopped);
  EXPECT_TRUE(other.is_stopped);
}

// Three sources, of which those whose bit is set have a filter.
struct Filtered {
  explicit Filtered(unsigned with_filter) {
    std::vector<std::unique_ptr<ReplySource>> sources;
    for (unsigned i = 0; i < 3; ++i) {
      auto source = std::make_unique<Supply>(1, 1);
      source->has_filter = (with_filter >> i & 1U) != 0;
      supplies.push_back(source.get());
      sources.push_back(std::move(source));
    }
    joined = std::make_unique<JoinedSource>(std::move(sources),
                                            std::vector<std::string>{"e0", "e1", "e2"});
  }
  std::vector<Supply*> supplies;
  std::unique_ptr<JoinedSource> joined;
};

// Whichever are taken off, those are named and attached again, and no other.
TEST(JoinedSource, NamesEachModeWithItsInterfaces) {
  std::vector<std::unique_ptr<ReplySource>> sources;
  for (const std::uint32_t kind : {1U, 1U, 2U, 2U})
    sources.push_back(std::make_unique<Supply>(kind, 1));
  const JoinedSource joined(std::move(sources), {"e0", "e1", "e2", "e3"});
  EXPECT_EQ(joined.mode(), "first, first on 1 other interface, other on 2 other interfaces");
}

TEST(JoinedSource, WatchesAllFiltersThatThereAre) {
  for (unsigned with_filter = 0; with_filter < 8; ++with_filter) {
    for (unsigned off = 0; off < 8; ++off) {
      if ((off & ~with_filter) != 0) continue;
      const Filtered filtered(with_filter);
      FilterAttachment* attachment = filtered.joined->attachment();
      ASSERT_EQ(attachment == nullptr, with_filter == 0);
      if (attachment == nullptr) continue;
      for (unsigned i = 0; i < 3; ++i) filtered.supplies[i]->filter.is_on = (off >> i & 1U) == 0;
      EXPECT_EQ(attachment->is_attached(), off == 0);
      if (off == 0) continue;
      const unsigned first = static_cast<unsigned>(std::countr_zero(off));
      EXPECT_EQ(attachment->further_interface(), first == 0 ? "" : fmt::format("e{}", first));
      EXPECT_TRUE(attachment->attach_again());
      EXPECT_TRUE(attachment->is_attached());
      for (unsigned i = 0; i < 3; ++i)
        EXPECT_EQ(filtered.supplies[i]->filter.tries, (off >> i & 1U) != 0 ? 1 : 0);
    }
  }
}

TEST(JoinedSource, AFilterThatDoesNotRunIsThePathsOwn) {
  const Filtered filtered(7);
  FilterAttachment* attachment = filtered.joined->attachment();
  filtered.supplies[0]->filter.runs = false;
  EXPECT_TRUE(attachment->attach_again());
  EXPECT_TRUE(filtered.supplies[0]->filter.runs);
  EXPECT_EQ(filtered.supplies[1]->filter.tries, 0);
}

// What another interface's filter has not seen may have been seen by the path's own source.
TEST(JoinedSource, ComparesTheCountsOfOneInterface) {
  const Filtered own(3);
  own.supplies[1]->filter.sees_frame();
  EXPECT_EQ(own.joined->attachment()->frames_seen(), 0U);
  own.supplies[0]->filter.sees_frame();
  EXPECT_EQ(own.joined->attachment()->frames_seen(), 1U);
  const Filtered other(2);
  EXPECT_EQ(other.joined->attachment()->frames_seen(), other.joined->outcomes().seen);
}

// The path's own interface is the watch's, whose end ends the scan; of a further one the routes
// know.
TEST(JoinedSource, DoesNotMissTheFilterOfAFurtherInterfaceThatIsGone) {
  const Filtered filtered(7);
  for (const unsigned gone : {2U, 0U}) {
    filtered.supplies[gone]->filter.is_on = false;
    filtered.supplies[gone]->filter.is_gone = true;
    EXPECT_EQ(filtered.joined->attachment()->is_attached(), gone == 2);
  }
}

TEST(JoinedSource, SaysWhyAFilterIsRefused) {
  const Filtered filtered(7);
  filtered.supplies[2]->filter.refuses = true;
  filtered.supplies[2]->filter.is_on = false;
  EXPECT_FALSE(filtered.joined->attachment()->is_attached());
  EXPECT_EQ(filtered.joined->attachment()->attach_again().error().reason,
            "another XDP program is there");
}

}  // namespace
}  // namespace echoscan::joined_source_test
