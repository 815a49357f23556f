// Stand-ins for the world, behind the same seams as the real thing: a clock that tests turn, a
// transmitter that answers for a network, a reply source that is a queue in memory.
//
// The fake network replies with frames, made by the product's own FrameTemplate and turned around,
// and matched by match_reply.h: what a test sees went all the way but for the kernel.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "bpf/match_reply.h"
#include "output/sink/byte_sink.h"
#include "scanner/network/link.h"
#include "scanner/options/scan_config.h"
#include "scanner/process/clock.h"
#include "scanner/receive/reply_source.h"
#include "scanner/transmit/frame.h"
#include "scanner/transmit/transmitter.h"

namespace echoscan {

inline OutputConfig nothing_shown() {
  OutputConfig output;
  output.status = StatusStyle::off;
  return output;
}

// Time passes only by waiting; each wake-up comes `lateness_ns` late.
class FakeClock : public Clock {
 public:
  std::uint64_t now_ns() override { return now; }
  void wait_until(std::uint64_t when_ns) override {
    ++waits;
    now = std::max(now, when_ns + lateness_ns);
  }

  std::uint64_t now = 1'000'000'000;
  std::uint64_t lateness_ns = 0;
  std::uint64_t waits = 0;
};

// A reply filter that can be taken off, cease to run, and be attached again or not.
class FakeAttachment : public FilterAttachment {
 public:
  // Whether a frame that comes in now is looked at; counts it.
  bool sees_frame() {
    if (!is_on || !runs) return false;
    ++frames;
    return true;
  }
  [[nodiscard]] bool is_attached() const override { return is_on; }
  [[nodiscard]] bool has_interface() const override { return !is_gone; }
  [[nodiscard]] std::uint64_t frames_seen() const override { return frames; }
  tl::expected<void, Refusal> attach_again() override {
    ++tries;
    is_on = false;
    if (refuses) return refused("another XDP program is there", EBUSY);
    is_on = true;
    if (!is_hopeless) runs = true;
    return {};
  }

  std::atomic<bool> is_on = true;
  std::atomic<bool> is_gone = false;  // the interface
  std::atomic<bool> runs = true;
  std::atomic<bool> refuses = false;      // to be attached again
  std::atomic<bool> is_hopeless = false;  // does not run again, though it is attached
  std::atomic<std::uint64_t> frames = 0;
  std::atomic<unsigned> tries = 0;
};

// Replies waiting to be received. Senders on one side, the receiver on the other.
class FakeReplySource : public ReplySource {
 public:
  explicit FakeReplySource(const match_config& config) : config_(config) {}

  void deliver(const std::uint8_t* frame, std::size_t bytes, std::uint64_t received_ns) {
    const std::lock_guard lock(mutex_);
    if (delay_ns > 0) {
      late_.push_back({{frame, frame + bytes}, received_ns + delay_ns});
    } else {
      arrive(frame, bytes, received_ns);
    }
  }

  std::size_t receive(std::span<reply> replies) override {
    const std::lock_guard lock(mutex_);
    for (; !late_.empty() && late_.front().due_ns <= clock->now_ns(); late_.pop_front())
      if (arrives())
        arrive(late_.front().frame.data(), late_.front().frame.size(), late_.front().due_ns);
    const std::size_t count = std::min(replies.size(), waiting_.size());
    std::copy_n(waiting_.begin(), count, replies.begin());
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(count));
    return count;
  }
  // Replies are so late, and are lost when they do not arrive then.
  std::uint64_t delay_ns = 0;
  Clock* clock = nullptr;
  std::function<bool()> arrives;
  void stop() override {}
  FilterAttachment* attachment() override { return filter; }
  std::atomic<bool> backlogged = false;
  FakeAttachment* filter = nullptr;
  std::function<void()> goes_past;  // a frame that the filter does not see
  [[nodiscard]] frame_counters outcomes() const override {
    const std::lock_guard lock(mutex_);
    return counters_;
  }
  [[nodiscard]] std::uint64_t dropped_unseen() const override { return 0; }
  [[nodiscard]] std::uint64_t passed_on() const override { return passed; }
  std::atomic<std::uint64_t> passed = 0;
  [[nodiscard]] bool is_backlogged() const override { return backlogged.load(); }
  [[nodiscard]] std::string mode() const override { return "fake"; }

 private:
  struct LateFrame {
    std::vector<std::uint8_t> frame;
    std::uint64_t due_ns;
  };

  void arrive(const std::uint8_t* frame, std::size_t bytes, std::uint64_t received_ns) {
    if (filter != nullptr && !filter->sees_frame()) {
      goes_past();
      return;
    }
    reply record{};
    const frame_outcome outcome = match_reply(frame, frame + bytes, &config_, &record);
    ++counters_.seen;
    ++counters_.outcome[outcome];
    if (!outcome_is_result(outcome)) return;
    record.received_ns = received_ns;
    waiting_.push_back(record);
  }

  match_config config_;
  mutable std::mutex mutex_;
  std::deque<LateFrame> late_;
  std::deque<reply> waiting_;
  frame_counters counters_{};
};

// A network of hosts behind a transmitter. `answers` says how often an address answers; `takes` how
// many of a batch the kernel accepts; `wire`, where there is one, whether what has left arrives.
class FakeTransmitter : public Transmitter {
 public:
  FakeTransmitter(const FrameTemplate& frame_template, FakeReplySource& source, Clock& clock,
                  std::function<int(Ipv4)> answers)
      : template_(frame_template), source_(source), clock_(clock), answers_(std::move(answers)) {}

  std::size_t send(std::span<const Target> batch) override {
    const std::size_t count = std::min(batch.size(), takes ? takes(batch.size()) : batch.size());
    for (const Target& target : batch.first(count)) {
      if (lost_.size() < loses) {
        lost_.push_back(target);
        continue;
      }
      if (drops && drops(target)) {
        dropped_.push_back(target);
        continue;
      }
      counters_.sent.add(1);
      if (!wire || wire()) transmit(target);
    }
    return count;
  }
  std::size_t take_back(std::span<Target> room) override {
    const std::size_t count = std::min(room.size(), dropped_.size());
    std::copy_n(dropped_.begin(), count, room.begin());
    dropped_.erase(dropped_.begin(), dropped_.begin() + static_cast<std::ptrdiff_t>(count));
    counters_.taken_back.add(count);
    return count;
  }
  bool settle() override { return true; }
  void give_up() override {
    for (const Target& target : lost_) lose(target, counters_.unconfirmed);
    for (const Target& target : dropped_) lose(target, counters_.refused);
  }
  [[nodiscard]] std::string mode() const override { return "fake"; }

  std::function<std::size_t(std::size_t)> takes;
  std::function<bool(const Target&)> drops;  // what it has taken: it is handed back
  // How many ICMP errors a router sends about the probe of an address; those quote 8 bytes.
  std::function<int(Ipv4)> errs = [](Ipv4) { return 0; };
  std::size_t loses = 0;  // so many probes are accepted, never leave, and are given up at the end
  std::function<bool()> wire;
  std::vector<Target> log;

 private:
  void transmit(const Target& target) {
    log.push_back(target);
    std::array<std::uint8_t, PROBE_FRAME_BYTES> frame;
    template_.fill(frame);
    template_.patch(frame, target, clock_.now_ns());
    const std::vector<std::uint8_t> error = host_unreachable(frame);
    for (int i = errs(target.address); i > 0; --i)
      source_.deliver(error.data(), error.size(), clock_.now_ns() + 1000);
    std::swap_ranges(frame.begin() + 26, frame.begin() + 30, frame.begin() + 30);
    // Echo request to echo reply: the checksum grows by what the type fell (RFC 1624).
    frame[34] = 0;
    const unsigned sum = (frame[36] << 8 | frame[37]) + 0x0800U;
    const unsigned folded = (sum & 0xffff) + (sum >> 16);
    frame[36] = static_cast<std::uint8_t>(folded >> 8);
    frame[37] = static_cast<std::uint8_t>(folded);
    for (int i = answers_(target.address); i > 0; --i)
      source_.deliver(frame.data(), frame.size(), clock_.now_ns() + 1000);
  }

  static void add_checksum(std::vector<std::uint8_t>& frame, std::size_t from, std::size_t bytes,
                           std::size_t at) {
    const std::uint8_t* begin = frame.data() + from;
    const __u32 sum = wire_sum(begin, begin + bytes, static_cast<__u32>(bytes));
    frame[at] = static_cast<std::uint8_t>(~sum >> 8);
    frame[at + 1] = static_cast<std::uint8_t>(~sum);
  }

  // 198.51.100.1 says 3/1 about a probe.
  static std::vector<std::uint8_t> host_unreachable(
      const std::array<std::uint8_t, PROBE_FRAME_BYTES>& probe) {
    std::vector<std::uint8_t> error(probe.begin(), probe.begin() + 14);
    error.insert(error.end(), {0x45, 0, 0, 56, 0, 0, 0, 0, 60, 1, 0, 0, 198, 51, 100, 1});
    error.insert(error.end(), probe.begin() + 26, probe.begin() + 30);
    error.insert(error.end(), {3, 1, 0, 0, 0, 0, 0, 0});
    error.insert(error.end(), probe.begin() + 14, probe.begin() + 42);
    add_checksum(error, 14, 20, 24);
    add_checksum(error, 34, 36, 36);
    return error;
  }

  std::vector<Target> lost_;
  std::vector<Target> dropped_;
  FrameTemplate template_;
  FakeReplySource& source_;
  Clock& clock_;
  std::function<int(Ipv4)> answers_;
};

class FakeLink : public Link {
 public:
  // Takes a frame; whether it arrives. The interface counts those that do.
  bool carry() {
    if (!up || is_silent) return false;
    ++carried;
    return true;
  }
  [[nodiscard]] bool is_up() const override { return up; }
  [[nodiscard]] std::string current_name() const override { return gone ? "" : called; }
  [[nodiscard]] std::optional<Ipv4> lost_source() const override {
    return source_is_there ? std::nullopt : std::optional(Ipv4{0xc0000201});
  }
  [[nodiscard]] std::optional<std::uint64_t> tx_packets() const override { return carried; }
  [[nodiscard]] std::optional<std::uint64_t> rx_packets() const override { return received.load(); }
  [[nodiscard]] std::optional<ReceiveDrops> receive_drops() const override {
    return ReceiveDrops{};
  }
  [[nodiscard]] std::map<std::string, std::uint64_t> rx_packets_by_name() const override {
    return {{name_, received}, {"fake1", received_elsewhere}};
  }
  [[nodiscard]] std::optional<std::uint64_t> echo_replies() const override {
    return kernel_counts ? std::optional(kernel_replies.load()) : std::nullopt;
  }
  [[nodiscard]] std::optional<LinkSettings> settings() const override { return set; }
  [[nodiscard]] const Bond* bond() const override { return bonded ? &*bonded : nullptr; }
  [[nodiscard]] std::vector<BondPort> bond_ports() const override { return ports; }
  [[nodiscard]] const std::string& name() const override { return name_; }

  std::atomic<std::uint64_t> carried = 0;
  std::atomic<std::uint64_t> received = 0;
  std::atomic<std::uint64_t> received_elsewhere = 0;
  std::atomic<std::uint64_t> kernel_replies = 0;
  std::atomic<bool> kernel_counts = true;
  std::atomic<bool> is_silent = false;
  std::atomic<bool> up = true;
  std::atomic<bool> gone = false;
  std::atomic<bool> source_is_there = true;
  std::string called = "fake0";
  std::optional<LinkSettings> set;
  std::optional<Bond> bonded;
  std::vector<BondPort> ports;

 private:
  std::string name_ = "fake0";
};

// A reader that takes everything, or nothing while `is_stuck`, or fails after so many bytes. Who
// waits for it does so on `clock`; a test in which nobody does needs none.
class FakeSink : public ByteSink {
 public:
  Outcome write_some(std::string_view bytes) override {
    const std::lock_guard lock(mutex_);
    if (text.size() >= fails_after_bytes) return {0, error};
    if (is_stuck) bytes = bytes.substr(0, takes_bytes);
    takes_bytes -= std::min(takes_bytes.load(), bytes.size());
    text.append(bytes);
    return {bytes.size(), 0};
  }
  void wait_writable(int wait_ms) override {
    clock->wait_until(clock->now_ns() + static_cast<std::uint64_t>(wait_ms) * 1'000'000);
  }

  Clock* clock = nullptr;
  std::string text;
  std::atomic<bool> is_stuck = false;
  std::atomic<std::size_t> takes_bytes = 0;  // and so many all the same
  std::size_t fails_after_bytes = ~std::size_t{0};
  int error = 0;

 private:
  std::mutex mutex_;
};

}  // namespace echoscan
