// The watch on the reply filter: whether it is on its interface and runs. Where not, it is attached
// again, and what may have been lost meanwhile is sent again.
//
// There are two ways to lose it. Somebody takes it off (`bpftool link detach`): the kernel is asked
// at each look. Or the driver does not run it, though the kernel calls it attached (vmxnet3, after
// its interface was off and on): then it sees no frame at all, while the kernel counts echo replies
// and the interface counts packets. Echo replies alone could have come in by another interface.
// Replies to what left one round trip before the loss were lost as well. Rejected: to attach it
// again after each return of the link. Several drivers restart their link for that, for up to 30 s,
// and only one of 15 pairs of kernel and card needs it. Like the control, whose part it is, it
// takes time as an argument.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "scanner/account/event_log.h"
#include "scanner/network/link.h"
#include "scanner/pipeline/scan_state.h"
#include "scanner/receive/filter_attachment.h"

namespace echoscan {

class FilterWatch {
 public:
  // How often what it has seen is compared with what the kernel has received.
  static constexpr std::uint64_t kCompareNs = 50'000'000;
  // So many echo replies without a frame seen are a filter that does not run.
  static constexpr std::uint64_t kRepliesPast = 4;
  // How long it has to be on again before senders go on: some drivers restart their link for it.
  static constexpr std::uint64_t kSettleNs = 200'000'000;
  // How long it is tried to attach it again where that is refused, and how often in a row where it
  // then does not run.
  static constexpr std::uint64_t kRepairNs = 1'000'000'000;
  static constexpr unsigned kRepairsMax = 3;
  // The least and the most that a round trip is taken for. What is slower is rare.
  static constexpr std::uint64_t kRoundTripMinNs = 50'000'000;
  static constexpr std::uint64_t kRoundTripMaxNs = 1'000'000'000;

  // Without an attachment nothing is watched. `on_its_way_ns` says for how long a reply may be on
  // its way. All must outlive the watch.
  FilterWatch(FilterAttachment* attachment, const Link& link, ScanState& state, EventLog& events,
              std::function<std::uint64_t()> on_its_way_ns);

  // For how long a reply may be on its way, from how long nearly all have taken so far; 0: there
  // were none.
  static std::uint64_t on_its_way_ns(std::uint64_t round_trip_ns);

  // Call it about every 10 ms, as long as the source of replies is not stopped. `is_sending`:
  // whether anybody is there to send again; else what is lost is in doubt.
  void look(std::uint64_t now_ns, bool is_sending);

  [[nodiscard]] bool is_off() const { return off_since_ns_ != 0; }
  // Why the filter cannot be had back, as a clause; nothing as long as it can.
  [[nodiscard]] const std::optional<std::string>& failure() const { return failure_; }

 private:
  void compare(std::uint64_t now_ns);
  void note_off(std::uint64_t now_ns, std::uint64_t good_ns, const std::string& what);
  void attach_again(std::uint64_t now_ns);
  void note_on(std::uint64_t now_ns);
  [[nodiscard]] std::string interface() const;

  FilterAttachment* attachment_;
  const Link& link_;
  ScanState& state_;
  EventLog& events_;
  std::function<std::uint64_t()> on_its_way_ns_;
  std::optional<std::string> failure_;
  bool is_sending_ = true;
  std::uint64_t attached_ns_ = 0;  // when it was last seen attached

  // The last comparison at which nothing had gone past it, and the one before: it may have ceased
  // to run right after it had seen a frame.
  std::uint64_t good_ns_ = 0;
  std::uint64_t good_before_ns_ = 0;
  std::uint64_t compared_ns_ = 0;
  std::uint64_t frames_ = 0;
  std::uint64_t replies_ = 0;
  // What the interface had received when replies first went past; nothing while none do.
  std::optional<std::uint64_t> rx_packets_;
  unsigned repairs_ = 0;  // since it last saw a frame

  std::uint64_t off_since_ns_ = 0;       // 0: it is on
  std::uint64_t lost_since_ns_ = 0;      // replies to what left since then
  std::uint64_t attached_again_ns_ = 0;  // when that was last tried
};

}  // namespace echoscan
