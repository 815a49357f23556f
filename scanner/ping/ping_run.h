// A ping from its first request to its last answer: schedule, port, account and lines put together.
//
// One thread asks what is due, waits for what comes, and prints it. What it waits with, writes with
// and is stopped by are given to it, so that a test runs on a network and a clock of its own.
#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "scanner/options/ping_config.h"
#include "scanner/ping/echo_port.h"
#include "scanner/ping/ping_account.h"
#include "scanner/ping/ping_schedule.h"
#include "scanner/ping/ping_text.h"
#include "scanner/process/clock.h"

namespace echoscan {

class PingRun {
 public:
  using Print = std::function<void(std::string_view)>;
  using StopSignal = std::function<std::optional<int>()>;

  // All must outlive it.
  PingRun(const PingConfig& config, const PingTargets& targets, EchoPort& port, Clock& clock,
          Print print, const ScanId& scan_id = {});

  // Asks until every target has answered or had its time; returns the signal that ended it before.
  std::optional<int> run(const StopSignal& stop_signal);

  // Prints the targets without an answer, and the sum.
  void print_end();

  [[nodiscard]] bool have_all_answered() const { return account_.alive_count() == account_.size(); }

 private:
  // Waits until then for what comes, and notes it.
  void read_news(std::uint64_t until_ns);
  // Asks whom it is time to ask at `now_ns`, and gives up who has had its time by then.
  void ask_due(std::uint64_t now_ns);
  // False: the kernel takes no request just now.
  bool ask(std::size_t target);
  void note(const EchoReply& reply);
  void note(const EchoError& error) { account_.note(error); }

  const PingConfig& config_;
  const PingTargets& targets_;
  EchoPort& port_;
  Clock& clock_;
  Print print_;
  std::uint64_t began_ns_;
  PingSchedule schedule_;
  PingAccount account_;
  PingText text_;
  std::vector<EchoNews> news_;  // of the last read
};

}  // namespace echoscan
