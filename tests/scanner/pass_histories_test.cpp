// Histories of passes against a map of sets, and the gate between passes against senders that come
// in any order.
#include "scanner/pipeline/pass_histories.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <vector>

#include "scanner/pipeline/pass_gate.h"
#include "targets/target_set.h"

namespace echoscan::pass_histories_test {
namespace {

constexpr Ipv4 kFirst{0x0a000000};

// The even /28s have one label, the odd ones another, and some have none.
LabelMap stripes(std::uint32_t count) {
  LabelTable table;
  std::vector<LabelledRange> ranges;
  for (std::uint32_t begin = 0; begin + 15 < count; begin += 16) {
    if (begin % 80 == 0) continue;
    ranges.push_back({{Ipv4{kFirst.value + begin}, Ipv4{kFirst.value + begin + 15}},
                      table.id_of(begin % 32 == 0 ? "even" : "odd")});
  }
  return {std::move(table), ranges};
}

TEST(PassHistories, AgreeWithSets) {
  std::mt19937_64 random(1);
  for (unsigned passes = PassHistories::kPassesMin; passes <= PassHistories::kPassesMax; ++passes) {
    const std::uint32_t count = 1 + static_cast<std::uint32_t>(random() % 3000);
    const LabelMap labels = stripes(count);
    const LabelMap ways = stripes(count / 2);
    PassHistories histories(count, passes, labels, ways);
    std::map<std::uint32_t, unsigned> truth;
    for (int i = 0; i < 20'000; ++i) {
      const auto index = static_cast<std::uint32_t>(random() % count);
      const auto pass = static_cast<unsigned>(random() % (passes + 2));
      unsigned& history = truth[index];
      const bool is_new = pass < passes && (history >> pass & 1) == 0;
      if (pass < passes) history |= 1U << pass;
      ASSERT_EQ(histories.add(Ipv4{kFirst.value + index}, index, pass), is_new);
    }
    std::vector<std::uint64_t> counts(std::size_t{1} << passes);
    std::vector<std::vector<std::uint64_t>> by_label(labels.empty() ? 0 : labels.label_count(),
                                                     counts);
    std::vector<std::vector<std::uint64_t>> by_way(ways.empty() ? 0 : ways.label_count(), counts);
    for (const auto& [index, history] : truth) {
      if (history == 0) continue;
      ++counts[history];
      const Ipv4 address{kFirst.value + index};
      if (!by_label.empty()) ++by_label[labels.label_of(address)][history];
      if (!by_way.empty()) ++by_way[ways.label_of(address)][history];
    }
    EXPECT_EQ(histories.counts(), counts);
    EXPECT_EQ(histories.counts_by_label(), by_label);
    EXPECT_EQ(histories.counts_by_way(), by_way);
  }
}

TEST(PassHistories, AreKeptForTwoToEight) {
  for (unsigned passes = 0; passes < 300; ++passes)
    EXPECT_EQ(PassHistories::are_kept_for(passes), passes >= 2 && passes <= 8);
}

// Senders that go from pass to pass at random, skip some, and end: none begins a pass before so
// long after the last of them has left the one before, nor much later.
TEST(PassGate, OpensOnceTheLastHasLeft) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 500; ++round) {
    const std::size_t senders = 1 + random() % 5;
    const unsigned passes = 2 + static_cast<unsigned>(random() % 4);
    const std::uint64_t gap_ns = 1 + random() % 1000;
    PassGate gate(senders, passes, gap_ns);
    std::vector<unsigned> at(senders, 0);
    std::vector<unsigned> asked(senders, 0);
    std::vector<std::uint64_t> left_ns(passes, 0);  // when the last one left what is before it
    std::uint64_t now_ns = 1;
    for (int i = 0; i < 2000; ++i) {
      now_ns += random() % 100;
      const std::size_t sender = random() % senders;
      if (at[sender] == PassGate::kNoPass) continue;
      // The pass that it asks for: the next one, or one behind it, or none any more.
      const bool ends = at[sender] + 1 >= passes || random() % 20 == 0;
      const unsigned wanted = ends ? PassGate::kNoPass : at[sender] + 1;
      const std::uint64_t opens_ns = gate.ask(sender, wanted, now_ns);
      asked[sender] = wanted;
      if (ends) {
        at[sender] = PassGate::kNoPass;
        continue;
      }
      const bool all_have_left =
          std::ranges::all_of(asked, [wanted](unsigned other) { return other >= wanted; });
      EXPECT_EQ(opens_ns == PassGate::kNotYet, !all_have_left);
      if (!all_have_left) continue;
      if (left_ns[wanted] == 0) {
        left_ns[wanted] = now_ns;
        EXPECT_EQ(opens_ns, now_ns + gap_ns);
      }
      EXPECT_EQ(opens_ns, left_ns[wanted] + gap_ns);
      if (opens_ns <= now_ns) at[sender] = wanted;
    }
  }
}

}  // namespace
}  // namespace echoscan::pass_histories_test
