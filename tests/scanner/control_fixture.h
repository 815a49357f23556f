// A control on time that the test gives, and what it is given beside: link, filter, counters, log.
//
// No thread runs: a test says what the counters show, lets time pass tick by tick, and looks at
// what the control has told the senders. The threads are in pipeline_fixture.h.
#pragma once

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <optional>
#include <sstream>
#include <string>

#include "scanner/pipeline/control.h"
#include "tests/scanner/fakes.h"
#include "tests/scanner/moments.h"

namespace echoscan {

// What the program would have logged.
class LogText {
 public:
  LogText() : logger_(spdlog::default_logger()) {
    spdlog::set_default_logger(std::make_shared<spdlog::logger>(
        "test", std::make_shared<spdlog::sinks::ostream_sink_mt>(out_)));
  }
  ~LogText() { spdlog::set_default_logger(logger_); }
  LogText(const LogText&) = delete;
  LogText& operator=(const LogText&) = delete;
  [[nodiscard]] std::size_t count(const std::string& words) const {
    const std::string text = out_.str();
    std::size_t count = 0;
    for (std::size_t at = text.find(words); at != std::string::npos; at = text.find(words, at + 1))
      ++count;
    return count;
  }

 private:
  std::ostringstream out_;
  std::shared_ptr<spdlog::logger> logger_;
};

class ControlTest : public testing::Test {
 protected:
  void start(Control::Limits limits, std::size_t sender_count = 2) {
    snapshot.probes = 1000;
    snapshot.senders.assign(sender_count, {});
    snapshot.transmitters.assign(1, {});
    control.emplace(limits, sender_count, link, source, next_hops, state, status, [this] {
      ++looks;
      snapshot.taken_ns = now_ns;
      return snapshot;
    });
    control->tick(now_ns);
  }

  // Ticks until `when_ns` (since the start); `meanwhile` before each tick.
  template <typename Meanwhile>
  void tick_until(std::uint64_t when_ns, const Meanwhile& meanwhile) {
    while (now_ns < kStartNs + when_ns) {
      now_ns += Control::kTickNs;
      meanwhile();
      control->tick(now_ns);
    }
  }
  void tick_until(std::uint64_t when_ns) {
    tick_until(when_ns, [] {});
  }

  void end_senders(std::size_t count = 2) {
    state.sending_ended_ns.store(now_ns);
    for (std::size_t i = 0; i < count; ++i) control->on_sender_end(true);
  }

  [[nodiscard]] std::uint64_t elapsed_ns() const { return now_ns - kStartNs; }

  FakeLink link;
  FakeReplySource source{{}};
  FakeAttachment filter;
  NextHops next_hops;
  ScanState state;
  Status status{nothing_shown()};
  Snapshot snapshot;
  std::uint64_t now_ns = kStartNs;
  std::size_t looks = 0;  // at the counters
  std::optional<Control> control;
};

}  // namespace echoscan
