// A scan's pipeline for tests: real threads on simulated time, a fake network behind the seams.
//
// run() is a whole scan with a command line's options, and demands that its ledger adds up; what a
// test changes about the network, the reader and the link it sets before, or `meanwhile`, on a
// thread of its own that keeps the scan's time.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "scanner/account/ledger.h"
#include "scanner/path/transmit_path.h"
#include "scanner/pipeline/pipeline.h"
#include "scanner/plan/slash24_pace.h"
#include "tests/scanner/fakes.h"
#include "tests/scanner/plan_of.h"
#include "tests/scanner/simulated_clock.h"

namespace echoscan {

constexpr Ipv4 kSource{0xc0000201};

// One address in three answers, one in thirty three times.
inline int usual_answers(Ipv4 address) {
  if (address.value % 30 == 0) return 3;
  return address.value % 3 == 0 ? 1 : 0;
}

// Errors of addresses that reply and of some that do not, some of them twice.
inline int usual_errors(Ipv4 address) {
  if (address.value % 40 == 0) return 2;
  return address.value % 4 == 0 ? 1 : 0;
}

class PipelineTest : public testing::Test {
 protected:
  PipelineTest() { end_at_stop_signals(); }

  // Runs a scan with the given options on `queue_count` fake queues.
  ScanOutcome run(std::vector<std::string> options, unsigned queue_count = 2,
                  const std::function<void()>& meanwhile = {}) {
    options.insert(options.end(), {"--seed", "1", "--status", "off", "--cooldown", cooldown});
    config_ = parse_scan_config(options).value();
    plan_.emplace(plan_of(config_));
    if (config_.order.control_percent)
      config_.pace.control_rate_pps =
          control_rate(config_.pace.rate_pps, find_density(*plan_), plan_->shard);
    const match_config match{{{1, 2}, {3, 4}}, kSource.value, 0};
    pipeline_.reset();
    queues_.clear();
    // The queues, the receiver, the control, and who does something meanwhile.
    clock_.emplace(queue_count + 2 + (meanwhile ? 1 : 0));
    sink.clock = &*clock_;
    source_.emplace(match);
    set_backlogged(is_backlogged);
    source_->delay_ns = reply_delay_ns;
    source_->clock = &*clock_;
    source_->arrives = [this] { return link.up.load(); };
    if (has_filter) source_->filter = &filter;
    source_->goes_past = [this] {
      ++link.received;
      ++link.kernel_replies;
    };
    const FrameTemplate frame_template({{}, {}, kSource}, match.key);
    for (unsigned i = 0; i < queue_count; ++i) {
      auto transmitter =
          std::make_unique<FakeTransmitter>(frame_template, *source_, *clock_, answers);
      transmitter->loses = loses;
      transmitter->takes = takes;
      transmitter->errs = errs;
      if (swallows) transmitter->wire = [this] { return link.carry(); };
      queues_.push_back({std::move(transmitter), i, static_cast<int>(i),
                         rate_share(config_.pace.rate_pps, i, queue_count), false, false});
    }
    pipeline_ = std::make_unique<Pipeline>(*plan_, config_, queues_, next_hops_, *source_, geo,
                                           sink, link, *clock_);
    const std::uint64_t started_ns = clock_->now_ns();
    std::thread other(meanwhile ? meanwhile : [] {});
    StopSignals signals;
    Status status(config_.output);
    const ScanOutcome outcome = pipeline_->run(signals, status);
    ran_ms = (clock_->now_ns() - started_ns) / 1'000'000;
    clock_->leave();
    other.join();
    summary =
        make_summary(*plan_, config_, {}, pipeline_->snapshot(), pipeline_->tallies(), outcome);
    EXPECT_EQ(summary.ledger.faults, std::vector<std::string>{});
    return outcome;
  }

  std::string outcome_of(std::vector<std::string> options, unsigned queue_count = 2,
                         const std::function<void()>& meanwhile = {}) {
    return outcome_name(run(std::move(options), queue_count, meanwhile));
  }

  // The targets of the lines. That lines are JSON is for result_format_test; parsing each would
  // take longer than the scan.
  std::multiset<std::string> targets_written() {
    const std::string key = R"("target":")";
    std::multiset<std::string> targets;
    std::istringstream in(sink.text);
    for (std::string line; std::getline(in, line);) {
      const std::size_t begin = line.find(key) + key.size();
      targets.insert(line.substr(begin, line.find('"', begin) - begin));
    }
    return targets;
  }

  std::multiset<std::string> expected_targets() {
    std::multiset<std::string> targets;
    for (std::uint64_t i = 0; i < plan_->targets.size(); ++i)
      if (answers(plan_->targets.at(i)) > 0) targets.insert(to_string(plan_->targets.at(i)));
    return targets;
  }

  void set_backlogged(bool is) { source_->backlogged.store(is); }

  [[nodiscard]] std::uint64_t now_ns() { return clock_->now_ns(); }
  void sleep_ms(int ms) { clock_->sleep_ms(static_cast<std::uint64_t>(ms)); }

  std::function<int(Ipv4)> answers = usual_answers;
  std::function<int(Ipv4)> errs = [](Ipv4) { return 0; };
  std::function<std::size_t(std::size_t)> takes;  // of a batch
  std::size_t loses = 0;
  bool is_backlogged = false;        // from the start
  bool swallows = false;             // the card takes frames without a link, and they are gone
  std::uint64_t reply_delay_ns = 0;  // replies are lost while the link is down
  bool has_filter = false;           // the source's, which can be taken off
  std::string cooldown = "0.05";
  GeoTable geo;
  FakeSink sink;
  FakeLink link;
  FakeAttachment filter;
  Summary summary;
  std::uint64_t ran_ms = 0;

 private:
  ScanConfig config_;
  std::optional<SimulatedClock> clock_;
  std::optional<TargetPlan> plan_;
  std::optional<FakeReplySource> source_;
  std::vector<Queue> queues_;
  NextHops next_hops_;
  std::unique_ptr<Pipeline> pipeline_;
};

}  // namespace echoscan
