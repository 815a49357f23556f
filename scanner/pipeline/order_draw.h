// What a sender takes of the order: the next targets, less those that are not to be probed now.
//
// Three kinds are left out or held back. Of a resumed scan, those whose answer is in the results
// already, among the few that an earlier leg may have sent to. With --retry, in every pass but the
// first, those that have replied by now: the receiver's own bitmap is asked, so that an answer that
// is a moment old counts. And a pass that may not begin yet (pass_gate.h) waits. The search by
// address costs 100 ns, and only where a target may have to be left out. One thread, the sender's.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "scanner/pipeline/control_group.h"
#include "scanner/pipeline/earlier_answers.h"
#include "scanner/pipeline/pass_gate.h"
#include "scanner/pipeline/target_bitmap.h"
#include "scanner/process/counter.h"
#include "scanner/transmit/target.h"
#include "targets/label_tally.h"
#include "targets/order_walk.h"
#include "targets/target_set.h"

namespace echoscan {

// What holds for all senders of a scan with several passes.
struct PassRules {
  PassGate* gate = nullptr;         // null: no pass waits
  ControlGroup* control = nullptr;  // null: all leave at one rate
  // With --retry: who has replied so far, by the index in the set.
  const TargetSet* targets = nullptr;
  const TargetBitmap* replied = nullptr;
};

// What a sender's transmitter accepted, each probe once. Its passes are read when the sender has
// ended.
struct HandedOver {
  static constexpr std::size_t kPasses = 256;  // the pass is a byte of the probe

  HandedOver(const LabelMap& labels, const LabelMap& ways) : by_label(labels), by_way(ways) {}

  // Targets of one pass. With `is_planned` their ways are the plan's; all are counted by those, as
  // replies are.
  void add(std::span<const Target> targets, bool is_planned);

  LabelTally by_label;
  LabelTally by_way;
  std::array<std::uint64_t, kPasses> by_pass{};
};

class OrderDraw {
 public:
  struct Drawn {
    std::span<Ipv4> addresses;  // to be probed; the front of the room
    StepRange steps;
    std::uint8_t pass = 0;
    Pacer* pacer = nullptr;  // who lets them leave, where it is not the scan's
  };

  // The blocks must outlive it, as must what the next two are told of.
  OrderDraw(TargetCursor cursor, ShardBlocks& blocks) : walk_(cursor, blocks) {}

  // These before the first draw.
  void leave_out(const EarlierAnswers* earlier) { earlier_ = earlier; }
  void follow(const PassRules& rules, std::size_t sender) {
    rules_ = rules;
    sender_ = sender;
  }

  // What comes next; nullopt when nothing is left, or while the next pass has to wait. Counts what
  // was drawn; who has answered an earlier leg counts as handed over.
  std::optional<Drawn> next(std::span<Ipv4> room, std::uint64_t now_ns, SenderCounters& counters,
                            HandedOver& handed_over);
  // When the pass that has to wait may begin, PassGate::kNotYet while that is open; 0 when none
  // does.
  [[nodiscard]] std::uint64_t waits_until_ns() const { return waits_until_ns_; }
  // Whether the next draw would say that this sender has done a pass.
  [[nodiscard]] bool is_at_end_of_pass();
  // Nothing more is drawn: nobody has to wait for this sender.
  void end();

  // The steps of the present block that are not drawn yet.
  [[nodiscard]] StepRange rest() const { return walk_.rest(); }
  [[nodiscard]] std::uint64_t claimed_blocks() const { return walk_.claimed_blocks(); }

 private:
  // Whether the next block may be begun.
  bool may_go_on(std::uint64_t now_ns);
  // Moves those that are to be probed to the front, and returns how many they are.
  std::size_t leave_out_earlier(std::span<Ipv4> addresses, unsigned pass, SenderCounters& counters,
                                HandedOver& handed_over) const;
  std::size_t leave_out_replied(std::span<Ipv4> addresses, SenderCounters& counters) const;

  OrderWalk walk_;
  const EarlierAnswers* earlier_ = nullptr;
  PassRules rules_;
  std::size_t sender_ = 0;
  std::uint64_t waits_until_ns_ = 0;
  std::uint32_t open_pass_ =
      0;  // and those before it: the gate, which all share, is not asked again
};

}  // namespace echoscan
