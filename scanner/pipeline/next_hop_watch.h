// The watch on the gateways of a running scan: whether each still answers, and under which MAC.
//
// Each gateway is asked every kAskNs at the MAC that it is known by; one that does not answer is
// asked for by broadcast. Another machine that answers then, and that the kernel's table agrees to
// where the kernel writes the MAC, has taken over: frames go to it, and what the old one may not
// have delivered is sent again. When nobody answers, what goes to that gateway waits, and all
// senders do when no other way is left; after --link-timeout its targets are given up, and when no
// way is left the scan ends. Replies prove a lone gateway as well, by when their probes left: on a
// link full of probes answers get lost. One that has never answered (a static entry), though it may
// ask for us, is not watched, and that is said. After a link's return all have to answer before
// sending goes on. Rejected: a thread for each gateway, since 63 are asked in microseconds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "scanner/account/event_log.h"
#include "scanner/network/gateway_probe.h"
#include "scanner/pipeline/scan_state.h"
#include "scanner/pipeline/sending_phase.h"
#include "scanner/transmit/current_next_hops.h"
#include "scanner/transmit/next_hop_table.h"
#include "scanner/transmit/way_survey.h"

namespace echoscan {

// By which next hop each target leaves, and what the frames and the watch know of these.
struct NextHops {
  std::unique_ptr<CurrentNextHops> current = std::make_unique<CurrentNextHops>();
  std::shared_ptr<NextHopTable> table = std::make_shared<NextHopTable>(MacAddress{}, MacAddress{});
  std::unique_ptr<GatewayProbe> probe{};  // null: no gateway is watched, nor will be
  bool has_other_ways = false;            // some targets are behind none of its gateways
  std::vector<std::string> unwatched{};   // routers that it cannot ask
  std::unique_ptr<WaySurvey> survey{};    // null: routes are not watched
};

class NextHopWatch {
 public:
  static constexpr std::uint64_t kAskNs = 200'000'000;
  // So long an answer may take before everybody is asked, or another's answer is believed.
  static constexpr std::uint64_t kAnswerNs = 100'000'000;
  // So many questions in a row without an answer are a gateway that is gone.
  static constexpr unsigned kUnansweredMax = 5;
  // So many claims are read at a look: whoever floods the link with ARP does not stop the control.
  static constexpr unsigned kClaimsMax = 256;

  // What the replies say; asked for when a gateway does not answer.
  struct Replies {
    // When the newest probe left that a reply came to.
    std::function<std::uint64_t()> proved_ns;
    // For how long a reply may be on its way.
    std::function<std::uint64_t()> on_its_way_ns;
  };

  // All must outlive the watch.
  NextHopWatch(const NextHops& next_hops, double link_timeout_s, ScanState& state, EventLog& events,
               Replies replies);

  // Call it about every 10 ms, until receiving ends. When sending is over, what is lost is in
  // doubt, and nobody is given up.
  void look(std::uint64_t now_ns, SendingPhase phase);

  // The link is up again, and the senders wait for it still. They go on when the gateways that have
  // answered before do so again.
  void note_link_back(std::uint64_t now_ns);

  // Routes will have changed: takes up the new gateways, before any target is sent to them.
  void prepare(const WayChange& change);
  // They have. A gateway that no target is behind any more is not waited for; what left to it since
  // it was last proved is sent again, since it may have failed before the routes left it.
  void follow(const WayChange& change);

  // Whether any gateway is waited for.
  [[nodiscard]] bool is_lost() const;
  // Why no target can be reached any more, as a clause; nothing as long as one can.
  [[nodiscard]] const std::optional<std::string>& failure() const { return failure_; }

 private:
  // A gateway, and what has become of it.
  struct Watched {
    MacAddress mac;
    bool has_answered = false;  // ever
    bool is_said_mute = false;
    bool is_given_up = false;
    bool is_used = true;         // some target is behind it
    bool is_to_prove = false;    // the link has come back: it has to answer
    std::uint64_t asked_ns = 0;  // 0: never
    bool is_answered = true;     // that question
    bool is_everybody_asked = false;
    unsigned unanswered = 0;          // questions in a row
    std::uint64_t proved_ns = 0;      // when that was asked which the known MAC answered last
    std::uint64_t replied_ns = 0;     // when the newest probe left that a reply was seen to
    std::uint64_t lost_since_ns = 0;  // 0: it is there
    std::optional<GatewayProbe::Claim> other;  // in its place
  };

  void add_gateway(const Gateway& gateway);
  void note_claim(const GatewayProbe::Claim& claim, std::uint64_t now_ns);
  void step(std::size_t number, std::uint64_t now_ns);
  void ask(std::size_t number, std::uint64_t now_ns);
  // Believes the other that has claimed to be it.
  void adopt(std::size_t number, std::uint64_t now_ns);
  void note_lost(std::size_t number, std::uint64_t now_ns);
  void note_back(std::size_t number, std::uint64_t now_ns);
  void give_up(std::size_t number, std::uint64_t now_ns);
  // Whether replies have proved it since it was last proved: it is the only way for all targets.
  bool is_proved_by_replies(std::size_t number);
  // Whether what is sent to that gateway goes to that MAC: the scan decides it, or the kernel does.
  bool goes_to(std::size_t number, const MacAddress& mac);
  // What left to it since it was last proved goes again.
  void add_loss(std::size_t number);
  void publish(std::uint64_t now_ns);
  // Tells the senders which gateways to wait for.
  void publish_awaited();
  // Whether there is another way to go on by.
  [[nodiscard]] bool goes_on_without(const Watched& lost) const;
  void say_unwatched(std::uint64_t now_ns, const std::string& router, const std::string& why);
  [[nodiscard]] std::string name(std::size_t number) const;

  const NextHops& next_hops_;
  double link_timeout_s_;
  ScanState& state_;
  EventLog& events_;
  Replies replies_;
  bool has_other_ways_;
  std::vector<Watched> watched_;  // by number
  bool has_looked_ = false;
  SendingPhase phase_ = SendingPhase::sending;
  std::optional<std::string> failure_;
};

}  // namespace echoscan
