#include "scanner/pipeline/order_draw.h"

#include <algorithm>

namespace echoscan {

void HandedOver::add(std::span<const Target> targets, bool is_planned) {
  if (targets.empty()) return;
  by_pass[targets.front().pass] += targets.size();
  if (!by_label.empty())
    for (const Target& target : targets) by_label.add(target.address);
  if (by_way.empty()) return;
  for (const Target& target : targets) {
    if (target.way != Target::kWayUnknown && is_planned) {
      by_way.add_label(target.way);
    } else {
      by_way.add(target.address);
    }
  }
}

std::optional<OrderDraw::Drawn> OrderDraw::next(std::span<Ipv4> room, std::uint64_t now_ns,
                                                SenderCounters& counters, HandedOver& handed_over) {
  if (rules_.gate != nullptr && !may_go_on(now_ns)) return std::nullopt;
  Pacer* pacer = nullptr;
  if (rules_.control != nullptr && walk_.upcoming_pass()) {
    const std::uint64_t steps = rules_.control->steps_from(walk_.rest().begin);
    // What is drawn leaves at one rate.
    if (steps > 0) {
      pacer = &rules_.control->pacer();
      room = room.first(std::min<std::size_t>(room.size(), steps));
    }
  }
  const std::optional<OrderWalk::Draw> draw = walk_.next(room);
  if (!draw) return std::nullopt;
  counters.drawn.add(draw->addresses.size());
  std::span<Ipv4> left = draw->addresses;
  if (rules_.replied != nullptr && draw->pass > 0)
    left = left.first(leave_out_replied(left, counters));
  if (draw->was_reached)
    left = left.first(leave_out_earlier(left, draw->pass, counters, handed_over));
  return Drawn{left, draw->steps, static_cast<std::uint8_t>(draw->pass), pacer};
}

bool OrderDraw::may_go_on(std::uint64_t now_ns) {
  waits_until_ns_ = 0;
  const std::optional<std::uint32_t> pass = walk_.upcoming_pass();
  if (pass && *pass <= open_pass_) return true;
  const std::uint64_t opens_ns =
      rules_.gate->ask(sender_, pass.value_or(PassGate::kNoPass), now_ns);
  if (!pass) return false;
  if (opens_ns > now_ns) {
    waits_until_ns_ = opens_ns;
    return false;
  }
  open_pass_ = *pass;
  return true;
}

bool OrderDraw::is_at_end_of_pass() {
  if (rules_.gate == nullptr) return false;
  const std::optional<std::uint32_t> pass = walk_.upcoming_pass();
  return !pass || *pass > open_pass_;
}

void OrderDraw::end() {
  waits_until_ns_ = 0;
  if (rules_.gate != nullptr) rules_.gate->ask(sender_, PassGate::kNoPass, 0);
}

// They count as sent, since they have been: their answers are there.
std::size_t OrderDraw::leave_out_earlier(std::span<Ipv4> addresses, unsigned pass,
                                         SenderCounters& counters, HandedOver& handed_over) const {
  std::size_t left = 0;
  for (const Ipv4 address : addresses) {
    if (earlier_ == nullptr || !earlier_->has(address, pass)) {
      addresses[left++] = address;
      continue;
    }
    counters.answered_earlier.add(1);
    if (pass == 0) counters.first_pass.add(1);
    ++handed_over.by_pass[pass];
    handed_over.by_label.add(address);
    handed_over.by_way.add(address);
  }
  counters.drawn_again.add(left);
  return left;
}

std::size_t OrderDraw::leave_out_replied(std::span<Ipv4> addresses,
                                         SenderCounters& counters) const {
  std::size_t left = 0;
  for (const Ipv4 address : addresses) {
    const std::optional<std::uint64_t> index = rules_.targets->index_of(address);
    if (!index || !rules_.replied->test(*index)) addresses[left++] = address;
  }
  counters.replied_already.add(addresses.size() - left);
  return left;
}

}  // namespace echoscan
