// The control of a running scan: what ends the sending, the cooldown and the receiving, and what
// the person at the terminal is told meanwhile.
//
// It is a state machine without threads or timers: the pipeline calls it every kTickNs of the
// scan's clock, and for each event (a signal, a sender's end, a failed output), always on the same
// thread. Time is an argument, so that a test can play any order of events at any moment. Rejected:
// timers of Boost.Asio for status, link, --max-runtime and cooldown, which only real time drives.
// The link has to be looked at every 10 ms anyway, and the rest costs nothing beside that.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

#include "scanner/account/event_log.h"
#include "scanner/account/scan_outcome.h"
#include "scanner/account/snapshot.h"
#include "scanner/account/status.h"
#include "scanner/network/link.h"
#include "scanner/options/path_config.h"
#include "scanner/pipeline/bond_watch.h"
#include "scanner/pipeline/cooldown_watch.h"
#include "scanner/pipeline/filter_watch.h"
#include "scanner/pipeline/hit_rate_watch.h"
#include "scanner/pipeline/next_hop_watch.h"
#include "scanner/pipeline/reply_balance.h"
#include "scanner/pipeline/scan_state.h"
#include "scanner/pipeline/settings_watch.h"
#include "scanner/pipeline/source_watch.h"
#include "scanner/pipeline/way_watch.h"
#include "scanner/receive/reply_source.h"

namespace echoscan {

class Control {
 public:
  static constexpr std::uint64_t kTickNs = 10'000'000;
  // How long a lost link has to be up again before senders go on: the kernel's queues come back a
  // little after it.
  static constexpr std::uint64_t kLinkSettleNs = 200'000'000;
  // A card may take frames after its return and send none of them: e1000e, for 2 s. So long is its
  // own count watched, and so long may it stand still while frames leave.
  static constexpr std::uint64_t kProofNs = 5'000'000'000;
  static constexpr std::uint64_t kUncountedNs = 30'000'000;
  // How long no probe has to leave before a warning says so; at low rates, the time of three
  // probes.
  static constexpr std::uint64_t kSilenceNs = 5'000'000'000;
  // How often a cooldown begins anew: a link that comes and goes for ever does not hold up the end.
  static constexpr unsigned kCooldownDelaysMax = 16;
  // When a scan is told to end, so long may the reader of its results take nothing.
  static constexpr std::uint64_t kReaderPatienceNs = 5'000'000'000;

  struct Limits {
    ProbeRate rate_pps = 0;  // 0: none
    std::uint64_t max_runtime_ns = ~std::uint64_t{0};
    std::uint64_t max_results = 0;  // 0: none
    std::optional<double> min_hit_rate = {};
    std::uint64_t cooldown_ns = 0;
    bool wants_first_replies_alone = false;  // so that nothing is waited for once all have replied
    double link_timeout_s = 0;
    std::uint64_t seed = 0;  // for the sentence that says how to repeat the scan
  };

  // `look` takes a snapshot. All must outlive the control; it writes `state`, which the other
  // threads read.
  Control(const Limits& limits, std::size_t sender_count, const Link& link, ReplySource& source,
          const NextHops& next_hops, ScanState& state, Status& status,
          std::function<Snapshot()> look);

  // The first signal ends the sending, the second the cooldown and the wait for a reader that takes
  // nothing. SIGUSR1 asks for a line of status.
  void on_signal(int signal);
  // A sender's run() has returned `is_good`. When it is the last sender, state.sending_ended_ns has
  // been set before.
  void on_sender_end(bool is_good);
  void on_output_failure(const OutputFailed& failure);
  // Looks at the clock, the link, the reply filter and the counters. Call it about every kTickNs.
  void tick(std::uint64_t now_ns);
  // After all threads have ended: compares what was received with what the kernel counted, and the
  // clocks with what they were.
  void settle(std::uint64_t now_ns);

  // The first reason that ended the sending; Finished when there was none.
  [[nodiscard]] const ScanOutcome& outcome() const { return outcome_; }
  [[nodiscard]] const EventLog& events() const { return events_; }
  [[nodiscard]] const ReplyBalance& reply_balance() const { return reply_balance_; }

 private:
  void stop(const ScanOutcome& outcome);
  void stop_without(const std::string& what, const std::string& reason);
  void look_at_link(std::uint64_t now_ns);
  // Ends the scan when the interface is there no more.
  bool is_interface_gone(std::uint64_t now_ns);
  void look_at_path(std::uint64_t now_ns);
  void look_at_filter(std::uint64_t now_ns);
  void look_at_next_hops(std::uint64_t now_ns);
  void look_at_source(std::uint64_t now_ns);
  void look_at_ways(std::uint64_t now_ns);
  void stop_receiving();
  void note_link_down(std::uint64_t now_ns);
  // For how long a reply may be on its way that was sent by now.
  [[nodiscard]] std::uint64_t on_its_way_ns() const;
  // Tells senders of replies that were on their way when the link was last seen up.
  void note_replies_lost_with_link();
  void note_link_up(std::uint64_t now_ns);
  // Takes a link that came back for down again while the interface does not count what is sent.
  void prove_link(std::uint64_t now_ns);
  // Whether it has counted what the scan has sent so far; where not, its count proves nothing.
  [[nodiscard]] bool is_counted_by_interface() const;
  // Ends the sending at --max-runtime, or when enough is known.
  void look_at_limits(std::uint64_t now_ns);
  void look_for_progress(const Snapshot& snapshot);
  // Gives the reader of the results up when it takes nothing and the scan was told to end.
  void look_at_reader(std::uint64_t now_ns);
  void look_at_cooldown(std::uint64_t now_ns);
  void close_cooldown(std::uint64_t now_ns);
  // Whether every target that was asked has replied, and nothing else is wanted.
  [[nodiscard]] bool have_all_replied() const;
  // Whether senders send again what is lost: also in the cooldown, until they are stopped.
  [[nodiscard]] bool is_sent_again() const;
  [[nodiscard]] SendingPhase phase() const;
  // Whether something is missing in the cooldown, or is being sent again, so that it has to begin
  // anew.
  [[nodiscard]] bool is_cooldown_held_up(std::uint64_t now_ns) const;
  [[nodiscard]] std::uint64_t silence_ns() const;

  Limits limits_;
  std::size_t senders_left_;
  const Link& link_;
  const ReplySource& source_;
  ScanState& state_;
  Status& status_;
  std::function<Snapshot()> look_;
  EventLog events_;
  FilterWatch filter_watch_;
  NextHopWatch next_hop_watch_;
  SourceWatch source_watch_;
  BondWatch bond_watch_;
  SettingsWatch settings_watch_;
  WayWatch way_watch_;
  ReplyBalance reply_balance_;
  CooldownWatch cooldown_;
  HitRateWatch hit_rate_watch_;
  ScanOutcome outcome_ = Finished{};
  std::uint64_t started_ns_ = 0;        // 0: before the first tick
  std::uint64_t next_progress_ns_ = 0;  // when to look for it
  bool is_hurried_ = false;             // no cooldown
  bool was_signalled_ = false;
  bool said_cooldown_ = false;
  bool cooldown_is_held_up_ = false;
  unsigned cooldown_delays_ = 0;
  bool is_gone_ = false;  // the interface
  std::string interface_name_;

  bool link_is_down_ = false;
  std::uint64_t down_since_ns_ = 0;
  std::uint64_t last_down_ns_ = 0;
  bool is_telling_ = false;  // whether the interface's own count has what the scan sends
  std::optional<std::uint64_t> tx_at_start_;

  // The link's return, until it has proved that it sends.
  std::uint64_t returned_ns_ = 0;  // 0: nothing to prove
  std::uint64_t tx_at_return_ = 0;
  std::uint64_t sent_at_return_ = 0;
  std::uint64_t unproved_ns_ = 0;  // since when frames leave uncounted; 0: none has

  std::uint64_t reader_took_ns_ = 0;  // when it was last seen to have taken something
  std::uint64_t reader_took_bytes_ = 0;

  std::uint64_t progress_ns_ = 0;  // when a probe was last seen to have left
  std::uint64_t last_sent_ = 0;
  std::uint64_t last_paused_ns_ = 0;
  bool said_no_progress_ = false;
};

}  // namespace echoscan
