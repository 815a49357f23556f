// Two ways out of one sender: each target goes by its own, in order, and what one refuses stays
// with the sender.
#include "scanner/path/neighbour_split.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace echoscan {
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
  bool settle() override { return is_settled; }
  void link_changed(bool is_up) override { has_link = is_up; }
  void give_up() override { counters_.refused.add(1); }
  [[nodiscard]] std::string mode() const override { return name_; }

  std::size_t takes = ~std::size_t{0};
  bool is_settled = true;
  bool has_link = true;

 private:
  std::string name_;
  std::vector<std::uint32_t>& log_;
};

class NeighbourSplitTest : public testing::Test {
 protected:
  static constexpr std::uint32_t kNear = 100;  // 100 to 199 are neighbours, and 300

  std::vector<std::uint32_t> far_log;
  std::vector<std::uint32_t> near_log;
  std::unique_ptr<Recorder> far_owner = std::make_unique<Recorder>("far", far_log);
  std::unique_ptr<Recorder> near_owner = std::make_unique<Recorder>("near", near_log);
  Recorder& far = *far_owner;
  Recorder& near = *near_owner;
  NeighbourSplit split{std::move(far_owner),
                       std::move(near_owner),
                       {{Ipv4{kNear}, Ipv4{kNear + 99}}, {Ipv4{300}, Ipv4{300}}}};
  const std::vector<Target> batch{{Ipv4{1}},   {Ipv4{99}},  {Ipv4{100}}, {Ipv4{199}},
                                  {Ipv4{200}}, {Ipv4{300}}, {Ipv4{301}}};
};

TEST_F(NeighbourSplitTest, EachTargetGoesItsOwnWay) {
  EXPECT_EQ(split.send(batch), batch.size());
  EXPECT_EQ(far_log, (std::vector<std::uint32_t>{1, 99, 200, 301}));
  EXPECT_EQ(near_log, (std::vector<std::uint32_t>{100, 199, 300}));
}

TEST_F(NeighbourSplitTest, ARefusalStopsBothInOrder) {
  near.takes = 1;
  EXPECT_EQ(split.send(batch), 3U);
  EXPECT_EQ(far_log, (std::vector<std::uint32_t>{1, 99}));
  EXPECT_EQ(near_log, (std::vector<std::uint32_t>{100}));
  near.takes = 1;
  EXPECT_EQ(split.send(std::span(batch).subspan(3)), 2U);
  EXPECT_EQ(far_log.back(), 200U);
}

TEST_F(NeighbourSplitTest, IsSettledWhenBothAre) {
  far.is_settled = false;
  EXPECT_FALSE(split.settle());
  far.is_settled = true;
  near.is_settled = false;
  EXPECT_FALSE(split.settle());
  near.is_settled = true;
  EXPECT_TRUE(split.settle());
}

TEST_F(NeighbourSplitTest, BothLearnOfTheLink) {
  split.link_changed(false);
  EXPECT_FALSE(far.has_link);
  EXPECT_FALSE(near.has_link);
  split.link_changed(true);
  EXPECT_TRUE(far.has_link);
  EXPECT_TRUE(near.has_link);
}

TEST_F(NeighbourSplitTest, BothPartsAreCounted) {
  split.send(batch);
  split.give_up();
  std::uint64_t sent = 0;
  std::uint64_t refused = 0;
  split.visit_parts([&](const Transmitter& part) {
    sent += part.counters().sent.get();
    refused += part.counters().refused.get();
  });
  EXPECT_EQ(sent, batch.size());
  EXPECT_EQ(refused, 2U);
  EXPECT_EQ(split.mode(), "far, near to neighbours");
}

}  // namespace
}  // namespace echoscan
