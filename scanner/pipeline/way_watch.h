// The watch on the routes of a running scan: whether the targets still go the ways that they did.
//
// When the kernel tells of a change, all targets' ways are asked for again, at most once a second,
// and the targets that are still to be probed follow: to another gateway, or to none, where they
// are counted as unroutable. What left since the last time without news is sent again, since
// nobody knows how long the old way led on. Where more than a tenth of all targets have lost their
// way, or no probe can leave by the new one, senders pause, as routes often come back in a moment
// (a daemon that starts anew, a lease); after --link-timeout the scan goes on without these
// targets, or ends. Rejected: to pause for each prefix that is withdrawn, which a router with a
// million of them does all day. Takes time as an argument, like the control.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "scanner/account/event_log.h"
#include "scanner/pipeline/scan_state.h"
#include "scanner/transmit/current_next_hops.h"
#include "scanner/transmit/way_survey.h"

namespace echoscan {

class WayWatch {
 public:
  // The ways are asked for no sooner than this after the last time, nor before ten times as long
  // has passed as that took.
  static constexpr std::uint64_t kAskNs = 1'000'000'000;
  // The same while the sending waits for them.
  static constexpr std::uint64_t kLostAskNs = 100'000'000;
  static constexpr std::uint64_t kAskShare = 10;
  // When one target in so many has lost its way, the sending waits.
  static constexpr std::uint64_t kWaitShare = 10;
  // So often in a row the kernel may fail to answer.
  static constexpr unsigned kErrorsMax = 5;

  struct Followers {
    // The change is about to hold, with its new gateways.
    std::function<void(const WayChange&)> prepare;
    // It holds: some gateways are left without targets.
    std::function<void(const WayChange&)> follow;
    // For how long a reply may be on its way.
    std::function<std::uint64_t()> on_its_way_ns;
  };

  // `survey` may be null: nothing is watched. All must outlive the watch.
  WayWatch(WaySurvey* survey, CurrentNextHops& next_hops, double link_timeout_s, ScanState& state,
           EventLog& events, Followers followers);

  // Call it about every 10 ms as long as anybody sends. `is_held`: something else is lost that
  // routes may have gone with; they are asked for when it is back.
  void look(std::uint64_t now_ns, bool is_held);

  [[nodiscard]] bool is_lost() const { return lost_since_ns_ != 0; }
  // Why the scan cannot go on, as a clause.
  [[nodiscard]] const std::optional<std::string>& failure() const { return failure_; }

 private:
  void take(WayChange change, std::uint64_t now_ns);
  void follow(const WayChange& change);
  void note_lost(const WayChange& change, std::uint64_t now_ns);
  void note_error(const std::string& error, std::uint64_t now_ns);
  void give_up(std::uint64_t now_ns);
  void publish_lost(bool is_lost);

  WaySurvey* survey_;
  CurrentNextHops& next_hops_;
  double link_timeout_s_;
  ScanState& state_;
  EventLog& events_;
  Followers followers_;
  bool has_news_ = true;  // since the plan was made there may have been some
  bool is_asking_ = false;
  std::uint64_t asked_ns_ = 0;
  std::uint64_t next_ask_ns_ = 0;
  std::uint64_t seen_ns_ = 0;        // when there was last no news
  std::uint64_t lost_since_ns_ = 0;  // 0: they lead on
  WayChange lost_;                   // the last answer meanwhile
  unsigned errors_ = 0;
  std::optional<std::string> failure_;
};

}  // namespace echoscan
