// Several ways out of one sender: each target goes by its own, and what one refuses waits for it.
#include "scanner/path/way_split.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace echoscan::way_split_test {
namespace {

// Writes down what it is given, as far as it takes it.
class Recorder : public Transmitter {
 public:
  Recorder(std::string name, std::vector<std::uint32_t>& log) : name_(std::move(name)), log_(log) {}

  std::size_t send(std::span<const Target> batch) override {
    const std::size_t count = std::min(batch.size(), takes);
    takes -= count;
    for (const Target& target : batch.first(count)) log_.push_back(target.address.value);
    counters_.sent.add(count);
    return count;
  }
  std::size_t take_back(std::span<Target> room) override {
    const std::size_t count = std::min(room.size(), refused.size());
    std::copy_n(refused.begin(), count, room.begin());
    refused.erase(refused.begin(), refused.begin() + static_cast<std::ptrdiff_t>(count));
    return count;
  }
  bool settle() override { return is_settled; }
  void rest() override { is_resting = true; }
  void give_up() override { counters_.refused.add(1); }
  [[nodiscard]] std::string mode() const override { return name_; }

  std::size_t takes = ~std::size_t{0};
  bool is_settled = true;
  bool is_resting = false;
  std::vector<Target> refused;

 private:
  std::string name_;
  std::vector<std::uint32_t>& log_;
};

class WaySplitTest : public testing::Test {
 protected:
  // Label 1: far, though the map names only some of those; label 2: near.
  static LabelMap near_ways() {
    LabelTable table;
    const LabelId far_label = table.id_of("far");
    const LabelId near_label = table.id_of("near");
    return {std::move(table),
            {{{Ipv4{1}, Ipv4{99}}, far_label},
             {{Ipv4{kNear}, Ipv4{kNear + 99}}, near_label},
             {{Ipv4{300}, Ipv4{300}}, near_label}}};
  }
  std::vector<std::unique_ptr<Transmitter>> parts() {
    std::vector<std::unique_ptr<Transmitter>> both;
    both.push_back(std::move(far_owner));
    both.push_back(std::move(near_owner));
    return both;
  }

  static constexpr std::uint32_t kNear = 100;  // 100 to 199 are neighbours, and 300

  std::vector<std::uint32_t> far_log;
  std::vector<std::uint32_t> near_log;
  std::unique_ptr<Recorder> far_owner = std::make_unique<Recorder>("far", far_log);
  std::unique_ptr<Recorder> near_owner = std::make_unique<Recorder>("near", near_log);
  Recorder& far = *far_owner;
  Recorder& near = *near_owner;
  const LabelMap ways = near_ways();
  CurrentNextHops next_hops{NextHopMap(ways, {0, 0, 0}, {0, 0, 1})};
  WaySplit split{parts(), next_hops, 2};
  // Most know their way; those that do not are looked up.
  static Target far_target(std::uint32_t address) { return {Ipv4{address}, 0, false, 0, 1}; }
  static Target near_target(std::uint32_t address) { return {Ipv4{address}, 0, false, 0, 2}; }
  static Target unknown(std::uint32_t address) {
    return {Ipv4{address}, 0, false, 0, Target::kWayUnknown};
  }
  const std::vector<Target> batch{far_target(1), unknown(99),      unknown(100),   near_target(199),
                                  unknown(200),  near_target(300), far_target(301)};
};

TEST_F(WaySplitTest, EachTargetGoesItsOwnWay) {
  EXPECT_EQ(split.send(batch), batch.size());
  EXPECT_EQ(far_log, (std::vector<std::uint32_t>{1, 99, 200, 301}));
  EXPECT_EQ(near_log, (std::vector<std::uint32_t>{100, 199, 300}));
}

TEST_F(WaySplitTest, WhatOneRefusesWaitsAndHoldsUpTheNextBatch) {
  near.takes = 1;
  EXPECT_EQ(split.send(batch), batch.size());
  EXPECT_EQ(far_log, (std::vector<std::uint32_t>{1, 99, 200, 301}));
  EXPECT_EQ(near_log, (std::vector<std::uint32_t>{100}));
  EXPECT_EQ(split.send(batch), 0U);
  EXPECT_FALSE(split.settle());
  EXPECT_EQ(far_log.size(), 4U);
  near.takes = 1;
  EXPECT_FALSE(split.settle());
  near.takes = 1;
  EXPECT_TRUE(split.settle());
  EXPECT_EQ(near_log, (std::vector<std::uint32_t>{100, 199, 300}));
}

// Where all go by the first part, what it does not take stays with the sender, and nothing waits; a
// part that stands by sends once routes lead there, and what was taken before has left by the
// first.
TEST_F(WaySplitTest, APartStandsByUntilRoutesLeadThere) {
  std::vector<std::uint32_t> standby_log;
  std::vector<std::unique_ptr<Transmitter>> both;
  both.push_back(std::make_unique<Recorder>("first", far_log));
  both.push_back(std::make_unique<Recorder>("standby", standby_log));
  Recorder& first = static_cast<Recorder&>(*both.front());
  CurrentNextHops current{NextHopMap(ways, {0, 0, 0}, {0, 0, 0})};
  WaySplit one(std::move(both), current, 1);
  EXPECT_EQ(one.mode(), "first");
  first.takes = 3;
  EXPECT_EQ(one.send(batch), 3U) << "the sender keeps the rest";
  EXPECT_EQ(far_log, (std::vector<std::uint32_t>{1, 99, 100}));
  first.takes = 1;
  EXPECT_EQ(one.send(std::span(batch).subspan(3)), 1U);
  current.replace(std::make_shared<const NextHopMap>(ways, std::vector<std::uint8_t>{0, 0, 7},
                                                     std::vector<std::uint8_t>{0, 0, 1}));
  first.takes = 10;
  EXPECT_EQ(one.send(std::span(batch).subspan(4)), 3U);
  EXPECT_EQ(far_log, (std::vector<std::uint32_t>{1, 99, 100, 199, 200, 301}));
  EXPECT_EQ(standby_log, (std::vector<std::uint32_t>{300}));
  EXPECT_EQ(one.mode(), "first");
}

// A link that is down takes nothing until the routes through it are gone: what waits for it must
// not hold up the other way for ever.
TEST_F(WaySplitTest, WhatWaitsFollowsItsWay) {
  near.takes = 0;
  far.takes = 0;
  EXPECT_EQ(split.send(batch), batch.size());
  far.takes = 100;
  next_hops.replace(
      std::make_shared<const NextHopMap>(ways, std::vector<std::uint8_t>{0, 0, NextHopTable::kGone},
                                         std::vector<std::uint8_t>{0, 0, 1}));
  EXPECT_TRUE(split.settle());
  EXPECT_EQ(far_log, (std::vector<std::uint32_t>{1, 99, 200, 301}));
  EXPECT_EQ(near.counters().unroutable.get(), 3U);
  EXPECT_EQ(near.given_up().size(), 3U);
  // And the other way round: all go by the first.
  near.takes = 0;
  next_hops.replace(std::make_shared<const NextHopMap>(ways, std::vector<std::uint8_t>{0, 0, 5},
                                                       std::vector<std::uint8_t>{0, 0, 1}));
  EXPECT_EQ(split.send(batch), batch.size());
  next_hops.replace(std::make_shared<const NextHopMap>(ways, std::vector<std::uint8_t>{0, 0, 5},
                                                       std::vector<std::uint8_t>{0, 0, 0}));
  EXPECT_TRUE(split.settle());
  EXPECT_EQ(far_log.size(), 4 + batch.size());
  EXPECT_TRUE(near_log.empty());
}

// Whatever parts take, and whenever: each target that was accepted leaves once, by its part and in
// its part's order, or is named.
TEST_F(WaySplitTest, EachTargetEndsOnce) {
  std::mt19937_64 random(3);
  std::vector<std::uint32_t> far_sent;
  std::vector<std::uint32_t> near_sent;
  std::uint32_t next = 1000;
  for (int turn = 0; turn < 20'000; ++turn) {
    far.takes = random() % 70;
    near.takes = random() % 70;
    std::vector<Target> targets;
    for (std::size_t i = random() % 100; i > 0; --i)
      targets.push_back(random() % 3 == 0 ? near_target(next++) : far_target(next++));
    if (random() % 4 == 0) split.settle();
    for (const Target& target : std::span(targets).first(split.send(targets)))
      (target.way == 2 ? near_sent : far_sent).push_back(target.address.value);
  }
  split.give_up();
  for (const Target& target : far.given_up()) far_log.push_back(target.address.value);
  for (const Target& target : near.given_up()) near_log.push_back(target.address.value);
  EXPECT_EQ(far_log, far_sent);
  EXPECT_EQ(near_log, near_sent);
  EXPECT_EQ(far.counters().refused.get(), far.given_up().size() + 1);
  EXPECT_EQ(near.counters().refused.get(), near.given_up().size() + 1);
}

TEST_F(WaySplitTest, IsSettledWhenBothAre) {
  far.is_settled = false;
  EXPECT_FALSE(split.settle());
  far.is_settled = true;
  near.is_settled = false;
  EXPECT_FALSE(split.settle());
  near.is_settled = true;
  EXPECT_TRUE(split.settle());
}

TEST_F(WaySplitTest, BothRest) {
  split.rest();
  EXPECT_TRUE(far.is_resting);
  EXPECT_TRUE(near.is_resting);
}

// However the room is cut, each refused target comes back once, whichever way it went.
TEST_F(WaySplitTest, WhatEitherRefusesComesBack) {
  for (std::size_t room_size = 1; room_size <= 9; ++room_size) {
    far.refused = {{Ipv4{1}}, {Ipv4{2}}, {Ipv4{3}}};
    near.refused = {{Ipv4{100}}, {Ipv4{101}, 7, true}};
    std::vector<std::uint32_t> back;
    std::vector<Target> room(room_size);
    while (const std::size_t count = split.take_back(room))
      for (const Target& target : std::span(room).first(count)) {
        back.push_back(target.address.value);
        EXPECT_EQ(target.is_again, target.address.value == 101);
      }
    EXPECT_EQ(back, (std::vector<std::uint32_t>{1, 2, 3, 100, 101})) << room_size;
  }
}

TEST_F(WaySplitTest, BothPartsAreCounted) {
  split.send(batch);
  split.give_up();
  std::uint64_t sent = 0;
  std::uint64_t refused = 0;
  for (const Transmitter* part : split.parts()) {
    sent += part->counters().sent.get();
    refused += part->counters().refused.get();
  }
  EXPECT_EQ(sent, batch.size());
  EXPECT_EQ(refused, 2U);
  EXPECT_EQ(split.mode(), "far, near by other ways");
}

}  // namespace
}  // namespace echoscan::way_split_test
