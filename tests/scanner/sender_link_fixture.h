// The sender behind something that is lost, in virtual time: a link that takes the card's ring
// along, a reply filter that is off for a while, a gateway that is gone for good.
//
// The link, the watch on it and the card are a model: the card's ring is gone with the link though
// its frames count as sent, and until the loss is noticed the card goes on taking frames. A reply
// comes a round trip after its frame has left the wire, and is seen if link and filter are there.
#pragma once

#include "scanner/pipeline/sender.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <set>
#include <unordered_map>

#include "tests/scanner/fakes.h"
#include "tests/scanner/moments.h"
#include "tests/scanner/plan_of.h"

namespace echoscan {

// When the link is away, in ns since the start: [first, second).
using Outages = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

// Time, the link, and the watch on it that Control keeps: it looks every 10 ms as a rule, and takes
// a link for back when it has been up for 50 ms.
class LinkClock : public FakeClock {
 public:
  LinkClock(ScanState& state, Outages outages, std::uint64_t look_ns)
      : state_(state), outages_(std::move(outages)), look_ns_(look_ns) {
    state_.link_seen_up_ns = 0;
    state_.filter_seen_on_ns = 0;
    state_.next_hops_proved_ns = 0;
  }

  // Whether a reply that comes in then is seen.
  [[nodiscard]] bool filter_is_on(std::uint64_t at_ns) const {
    return std::ranges::none_of(filter_outages, [this, at_ns](const auto& outage) {
      return at_ns >= start_ns_ + outage.first && at_ns < start_ns_ + outage.second;
    });
  }

  [[nodiscard]] bool link_is_up(std::uint64_t at_ns) const {
    return std::ranges::none_of(outages_, [this, at_ns](const auto& outage) {
      return at_ns >= start_ns_ + outage.first && at_ns < start_ns_ + outage.second;
    });
  }
  void wait_until(std::uint64_t when_ns) override {
    FakeClock::wait_until(when_ns);
    watch();
  }
  void pass(std::uint64_t ns) {
    now += ns;
    watch();
  }

  std::uint64_t stop_ns = kNever;  // since the start
  Outages filter_outages;
  std::uint64_t round_trip_ns = 0;
  bool is_cooldown = false;  // the sender has ended

  // A gateway that is gone at some time, seen to be gone later, and then given up, or there again;
  // since the start.
  struct HopLoss {
    std::uint8_t next_hop = 0;
    std::uint64_t gone_ns = kNever;
    std::uint64_t noticed_ns = kNever;
    std::uint64_t given_up_ns = kNever;
    std::uint64_t back_ns = kNever;
  };
  HopLoss hop_loss;
  // Not null: routes lead to another one instead, as this map says.
  CurrentNextHops::Map moved_map;
  CurrentNextHops* next_hops = nullptr;
  [[nodiscard]] bool leads_on(const Target& target, std::uint64_t at_ns) const {
    return target.next_hop != hop_loss.next_hop || at_ns - start_ns_ < hop_loss.gone_ns ||
           at_ns - start_ns_ >= hop_loss.back_ns;
  }
  [[nodiscard]] std::uint64_t since_start_ns() const { return now - start_ns_; }

 private:
  // As FilterWatch does it: on again 50 ms after it was seen off, which is when it is attached.
  void watch_filter(std::uint64_t at_ns) {
    if (!filter_is_on(at_ns)) {
      if (!state_.filter_is_off) {
        state_.filter_is_off = true;
        const std::uint64_t seen_on_ns = std::max(filter_seen_on_ns_, start_ns_);
        state_.reply_losses.add(seen_on_ns - std::min(seen_on_ns, round_trip_ns));
      }
      filter_off_ns_ = at_ns;
    } else if (!state_.filter_is_off || at_ns - filter_off_ns_ > 50 * kMs) {
      state_.filter_is_off = false;
      state_.filter_seen_on_ns = filter_seen_on_ns_ = at_ns;
    }
  }

  // As NextHopWatch does it, or WayWatch.
  void watch_gateway(std::uint64_t at_ns) {
    const std::uint64_t since_start_ns = at_ns - start_ns_;
    // One that no target is behind any more is not waited for.
    const bool is_gone = since_start_ns >= hop_loss.gone_ns && since_start_ns < hop_loss.back_ns &&
                         since_start_ns < hop_loss.given_up_ns &&
                         !(moved_map && hop_loss_is_noticed_);
    const bool is_missed_late = since_start_ns >= hop_loss.gone_ns && !hop_loss_is_noticed_;
    if (!is_gone && !is_missed_late) state_.next_hops_proved_ns = at_ns;
    if (since_start_ns < hop_loss.noticed_ns) return;
    if (!hop_loss_is_noticed_) {
      hop_loss_is_noticed_ = true;
      const std::uint64_t proved_ns = start_ns_ + hop_loss.gone_ns;
      if (moved_map) next_hops->replace(moved_map);
      state_.reply_losses.add(
          proved_ns - std::min(proved_ns, round_trip_ns),
          moved_map ? ReplyLosses::kEveryHop : std::uint64_t{1} << hop_loss.next_hop);
    }
    if (moved_map) return;
    const std::uint64_t next_hop = std::uint64_t{1} << hop_loss.next_hop;
    const bool is_given_up = since_start_ns >= hop_loss.given_up_ns;
    if (is_given_up) state_.lost_next_hops = next_hop;
    state_.awaited_next_hops = is_given_up || since_start_ns >= hop_loss.back_ns ? 0 : next_hop;
  }

  void watch() {
    if (now - start_ns_ >= stop_ns) state_.stop_sending = true;
    for (; looked_ns_ + look_ns_ <= now; looked_ns_ += look_ns_) {
      const std::uint64_t at_ns = looked_ns_ + look_ns_;
      watch_filter(at_ns);
      watch_gateway(at_ns);
      if (!link_is_up(at_ns)) {
        const std::uint64_t taken_ns = std::max(2 * round_trip_ns, Sender::kGoBackNs);
        if (!state_.link_is_down && (is_cooldown || taken_ns > Sender::kGoBackNs)) {
          const std::uint64_t seen_up_ns = state_.link_seen_up_ns;
          state_.reply_losses.add(seen_up_ns - std::min(seen_up_ns, taken_ns));
        }
        down_ns_ = at_ns;
        state_.link_is_down = true;
      } else if (state_.link_is_down && at_ns - down_ns_ > 50 * kMs) {
        state_.link_is_down = false;
      } else if (!state_.link_is_down) {
        state_.link_seen_up_ns = at_ns;
      }
    }
  }

  ScanState& state_;
  const Outages outages_;
  const std::uint64_t look_ns_;
  const std::uint64_t start_ns_ = now;
  std::uint64_t looked_ns_ = now;
  std::uint64_t down_ns_ = 0;
  std::uint64_t filter_seen_on_ns_ = 0;
  std::uint64_t filter_off_ns_ = 0;
  bool hop_loss_is_noticed_ = false;
};

// How a method treats what it took.
struct Manner {
  const char* name;
  std::size_t ring;      // frames in the card's ring that a lost link takes along
  bool counts_at_once;   // as sent when the card has it, else when the wire has it
  unsigned drops_every;  // one frame in so many is refused after the fact; 0: none
  bool refuses_if_down;  // the driver takes nothing without a link
  bool drops_if_down;    // it takes all, and says at once that it has dropped it
};
inline constexpr Manner kManners[] = {
    {"sendmmsg", 64, true, 0, true, false},
    {"swallows", 64, true, 0, false, false},
    {"zero-copy", 256, false, 0, false, false},
    {"copy mode", 64, false, 7, true, false},
    {"overloaded copy", 256, false, 2, true, false},
    {"swallowing copy", 256, false, 3, false, false},
    {"dropping copy", 64, false, 0, false, true},
};

// A card, its ring and its wire: a frame takes kFrameNs of the sender, and as long on the wire.
class Card : public Transmitter {
 public:
  static constexpr std::uint64_t kFrameNs = 10'000;

  Card(LinkClock& clock, const Manner& manner) : clock_(clock), manner_(manner) {}

  std::size_t send(std::span<const Target> batch) override {
    settle_ring();
    std::size_t taken = 0;
    for (const Target& target : batch) {
      if (ring_.size() >= manner_.ring) break;
      if (manner_.refuses_if_down && !clock_.link_is_up(clock_.now)) break;
      ++taken;
      EXPECT_LT(target.next_hop, NextHopTable::kMax) << "a frame has somebody's MAC";
      clock_.pass(kFrameNs);
      const bool is_dropped = manner_.drops_if_down && !clock_.link_is_up(clock_.now);
      if (is_dropped || (manner_.drops_every != 0 && ++frames_ % manner_.drops_every == 0)) {
        refused_.push_back(target);
      } else {
        ring_.push_back(target);
        if (manner_.counts_at_once) counters_.sent.add(1);
      }
      settle_ring();
    }
    return taken;
  }
  std::size_t take_back(std::span<Target> room) override {
    const std::size_t count = std::min(room.size(), refused_.size());
    std::copy_n(refused_.begin(), count, room.begin());
    refused_.erase(refused_.begin(), refused_.begin() + static_cast<std::ptrdiff_t>(count));
    counters_.taken_back.add(count);
    return count;
  }
  bool settle() override {
    settle_ring();
    return ring_.empty();
  }
  void give_up() override {
    settle_ring();
    for (const Target& target : refused_) lose(target, counters_.refused);
    if (!manner_.counts_at_once)
      for (const Target& target : ring_) lose(target, counters_.unconfirmed);
  }
  [[nodiscard]] std::string mode() const override { return manner_.name; }

  std::unordered_map<std::uint32_t, int> arrived;  // how often, and was answered to us
  std::uint64_t first_hop_ns = 0;  // when the last one arrived by the next hop 0, since the start

 private:
  void note_arrival(const Target& target) {
    ++arrived[target.address.value];
    if (target.next_hop == 0) first_hop_ns = clock_.since_start_ns();
  }
  // The wire takes a frame each kFrameNs; without a link the ring is cleaned, and all in it counts
  // as sent.
  void settle_ring() {
    for (; !ring_.empty() && wire_ns_ + kFrameNs <= clock_.now; wire_ns_ += kFrameNs) {
      const bool is_up = clock_.link_is_up(wire_ns_ + kFrameNs);
      while (!ring_.empty()) {
        const std::uint64_t answered_ns = wire_ns_ + kFrameNs + clock_.round_trip_ns;
        if (is_up && clock_.leads_on(ring_.front(), wire_ns_) && clock_.link_is_up(answered_ns) &&
            clock_.filter_is_on(answered_ns))
          note_arrival(ring_.front());
        if (!manner_.counts_at_once) counters_.sent.add(1);
        ring_.pop_front();
        if (is_up) break;
      }
    }
    if (ring_.empty()) wire_ns_ = clock_.now;
  }

  LinkClock& clock_;
  Manner manner_;
  std::deque<Target> ring_;
  std::deque<Target> refused_;
  std::uint64_t frames_ = 0;
  std::uint64_t wire_ns_ = clock_.now;
};

class SenderLinkTest : public testing::Test {
 protected:
  SenderLinkTest()
      : plan_(plan_of({"9.0.0.0/22", "--seed", "4"})),
        source_({{}, 0xc0000201, 0}),
        writer_(sink_) {}

  struct Run {
    int most = 0;             // how often the target that arrived most often did
    std::size_t missing = 0;  // were handed over, did not arrive, and are not given up
    std::size_t twice = 0;    // arrived more than once
    std::uint64_t in_doubt = 0;
    std::uint64_t gone_back = 0;
    std::uint64_t handed_over = 0;
    std::uint64_t accepted = 0;
    std::uint64_t given_up = 0;
    std::uint64_t way_lost = 0;
    std::uint64_t first_hop_ns = 0;
    std::size_t done_in_vain = 0;  // their steps count as done, and they did not arrive
  };

  // One scan, and its sums.
  Run run(const Manner& manner, const Outages& outages, std::uint64_t rate_pps,
          std::uint64_t stop_ns = kNever) {
    ScanState state;
    LinkClock clock(state, outages, look_ns);
    clock.stop_ns = stop_ns;
    clock.filter_outages = filter_outages;
    clock.round_trip_ns = round_trip_ns;
    clock.hop_loss = hop_loss;
    clock.moved_map = moved_map;
    CurrentNextHops next_hops(first_map_);
    clock.next_hops = &next_hops;
    Card card(clock, manner);
    Pacer pacer(rate_pps, clock.now);
    ShardBlocks blocks(plan_.steps.begin, plan_.steps.end, 1, 100);
    Sender sender(TargetCursor(plan_.targets, plan_.permutation), blocks, pacer, card, clock,
                  source_, writer_, state, plan_.labels, ways_, next_hops, rate_pps);
    OrderProgress progress(Sender::kHistory);
    if (keeps_progress) sender.keep_progress(&progress, nullptr);
    EXPECT_TRUE(sender.run());
    sender.end();
    clock.is_cooldown = true;
    while (clock.now < cooldown_until_ns) clock.pass(kMs);
    sender.note_late_loss();
    const SenderCounters& counters = sender.counters();
    const TransmitCounters& ended = card.counters();
    std::set<std::uint32_t> named;
    for (const Target& target : sender.given_up()) named.insert(target.address.value);
    for (const Target& target : card.given_up()) named.insert(target.address.value);
    EXPECT_EQ(named.size(), sender.given_up().size() + card.given_up().size());
    EXPECT_EQ(counters.handed_over.get() + counters.retried.get() + counters.gone_back.get(),
              ended.ended());
    const std::uint64_t lost_again = counters.lost_again.get() + ended.lost_again.get();
    EXPECT_EQ(ended.sent.get() - (counters.gone_back.get() - lost_again) + named.size(),
              counters.handed_over.get());
    Run result;
    std::size_t reached = 0;
    for (const auto& [address, times] : card.arrived) {
      if (!named.contains(address)) ++reached;
      if (times > 1) ++result.twice;
      result.most = std::max(result.most, times);
    }
    result.accepted = ended.ended();
    result.handed_over = counters.handed_over.get();
    result.missing = result.handed_over - named.size() - reached;
    result.in_doubt = counters.in_doubt.get();
    result.gone_back = counters.gone_back.get();
    result.given_up = named.size();
    result.way_lost = counters.way_lost.get();
    result.first_hop_ns = card.first_hop_ns;
    if (keeps_progress) result.done_in_vain = done_in_vain(progress, blocks, card);
    return result;
  }

  // What a checkpoint would never have asked again, by the order itself.
  [[nodiscard]] std::size_t done_in_vain(const OrderProgress& progress, const ShardBlocks& blocks,
                                         const Card& card) const {
    std::size_t count = 0;
    const std::uint64_t end = plan_.steps.begin + blocks.end_of(blocks.claimed());
    const std::vector<StepRange> pending = progress.published().pending;
    for (const StepRange& done : steps_outside(pending, {plan_.steps.begin, end})) {
      TargetCursor cursor(plan_.targets, plan_.permutation);
      cursor.seek(done.begin, done.end);
      Ipv4 address;
      while (cursor.next(std::span(&address, 1)) == 1)
        if (!card.arrived.contains(address.value)) ++count;
    }
    return count;
  }

  class NullSink : public ByteSink {
   public:
    Outcome write_some(std::string_view bytes) override { return {bytes.size(), 0}; }
    void wait_writable(int) override {}
  };

  std::uint64_t look_ns = 10 * kMs;
  bool keeps_progress = false;
  Outages filter_outages;
  LinkClock::HopLoss hop_loss;
  std::uint64_t round_trip_ns = 0;
  std::uint64_t cooldown_until_ns = 0;

  TargetPlan plan_;
  FakeReplySource source_;
  NullSink sink_;
  ResultWriter writer_;
  LabelMap ways_;
  NextHopMap first_map_;
  CurrentNextHops::Map moved_map;
};

}  // namespace echoscan
