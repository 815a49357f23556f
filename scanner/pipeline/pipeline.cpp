#include "scanner/pipeline/pipeline.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>

#include "scanner/account/status.h"
#include "scanner/process/limits.h"

namespace echoscan {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::uint64_t kSecondNs = 1'000'000'000;
constexpr std::uint64_t kBlockStepsMax = 4096;
constexpr std::uint64_t kLinkPollNs = 10'000'000;
constexpr std::uint64_t kLinkSettleNs = 200'000'000;

// A block lasts about 10 ms at the rate asked for, so that a slow scan's senders finish close
// together.
std::uint64_t block_steps(std::uint64_t rate_pps) {
  if (rate_pps == Pacer::kUnlimited) return kBlockStepsMax;
  return std::clamp<std::uint64_t>(rate_pps / 100, 1, kBlockStepsMax);
}

// Over all queues; none where they keep it by themselves. All or none: they are of one kind.
std::uint64_t rate_left_to_pace(const std::vector<Queue>& queues, std::uint64_t rate_pps) {
  const bool is_kept = std::ranges::all_of(queues, &Queue::keeps_rate);
  return is_kept ? Pacer::kUnlimited : rate_pps;
}

std::chrono::nanoseconds seconds(double count) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(count));
}

}  // namespace

// The caller's thread while the scan runs. Sending -> cooldown -> done; the other threads post to
// it.
class Pipeline::Control {
 public:
  explicit Control(Pipeline& pipeline)
      : pipeline_(pipeline),
        signals_(io_, SIGINT, SIGTERM),
        status_timer_(io_),
        runtime_timer_(io_),
        link_timer_(io_),
        cooldown_timer_(io_),
        status_(pipeline) {}

  ScanOutcome run() {
    pipeline_.state_.link_seen_up_ns.store(0, std::memory_order_relaxed);
    std::thread receiving([this] { receive(); });
    std::vector<std::thread> sending;
    for (std::size_t i = 0; i < pipeline_.senders_.size(); ++i)
      sending.emplace_back([this, i] { send(i); });
    wait_for_signal();
    wait_for_status();
    watch_link();
    if (pipeline_.config_.pace.max_runtime_s) {
      runtime_timer_.expires_after(seconds(*pipeline_.config_.pace.max_runtime_s));
      runtime_timer_.async_wait([this](const error_code& error) {
        if (!error) stop(MaxRuntimeReached{});
      });
    }
    io_.run();
    for (std::thread& thread : sending) thread.join();
    receiving.join();
    return outcome_;
  }

 private:
  // The body of sender thread `index`.
  void send(std::size_t index) {
    const Queue& queue = pipeline_.queues_[index];
    if (!queue.has_thread) pin_to(queue.cpu);
    reduce_timer_slack();
    const bool is_good = pipeline_.senders_[index]->run();
    asio::post(io_, [this, is_good] {
      if (!is_good) stop(Stalled{Sender::kStallNs / kSecondNs, pipeline_.last_error()});
      if (++senders_done_ == pipeline_.senders_.size()) cool_down();
    });
  }

  // The body of the receiver thread.
  void receive() {
    reduce_timer_slack();
    pipeline_.receiver_.run(
        [this] { asio::post(io_, [this] { stop(pipeline_.output_failure()); }); });
    asio::post(io_, [this] { io_.stop(); });
  }

  // Ends the sending. The first reason is the one that is reported.
  void stop(const ScanOutcome& outcome) {
    if (std::holds_alternative<Finished>(outcome_)) outcome_ = outcome;
    pipeline_.state_.stop_sending.store(true, std::memory_order_relaxed);
    if (std::holds_alternative<OutputFailed>(outcome)) end_cooldown();
  }

  void cool_down() {
    pipeline_.state_.sending_ended_ns.store(pipeline_.clock_.now_ns(), std::memory_order_relaxed);
    runtime_timer_.cancel();
    link_timer_.cancel();
    sending_ended_ = true;
    const bool in_vain = std::holds_alternative<OutputFailed>(outcome_) || pipeline_.sent() == 0;
    const double cooldown_s = in_vain || hurry_ ? 0 : pipeline_.config_.pace.cooldown_s;
    if (cooldown_s > 0) spdlog::info("all probes have left; receiving for {} s more", cooldown_s);
    cooldown_timer_.expires_after(seconds(cooldown_s));
    cooldown_timer_.async_wait([this](const error_code&) {
      pipeline_.state_.stop_receiving.store(true, std::memory_order_relaxed);
    });
  }

  void end_cooldown() {
    hurry_ = true;
    if (sending_ended_) cooldown_timer_.cancel();
  }

  void wait_for_signal() {
    signals_.async_wait([this](const error_code& error, int signal) {
      if (error) return;
      const bool is_first = !signalled_;
      signalled_ = true;
      stop(Signalled{signal});
      if (is_first) {
        spdlog::warn("stopped by {}; the cooldown is kept, a second signal ends it",
                     signal == SIGINT ? "SIGINT" : "SIGTERM");
      } else {
        pipeline_.state_.abandon_output.store(true, std::memory_order_relaxed);
        end_cooldown();
      }
      wait_for_signal();
    });
  }

  // Down: senders pause, since a probe sent now is lost, or worse, taken for sent. They go on when
  // the link has been up for kLinkSettleNs: the kernel's queues come back a little after it.
  void watch_link() {
    link_timer_.expires_after(std::chrono::nanoseconds(kLinkPollNs));
    link_timer_.async_wait([this](const error_code& error) {
      if (error) return;
      look_at_link(pipeline_.clock_.now_ns());
      watch_link();
    });
  }

  void look_at_link(std::uint64_t now_ns) {
    if (pipeline_.link_.is_gone()) {
      stop(InterfaceGone{pipeline_.link_.name(), pipeline_.probes_sent(), pipeline_.probe_count_,
                         pipeline_.seed_});
      return;
    }
    const double timeout_s = pipeline_.config_.path.link_timeout_s;
    const bool is_up = pipeline_.link_.is_up();
    if (is_up && !link_is_down_)
      pipeline_.state_.link_seen_up_ns.store(now_ns, std::memory_order_relaxed);
    if (!is_up) {
      last_down_ns_ = now_ns;
      if (!link_is_down_) {
        link_is_down_ = true;
        down_since_ns_ = now_ns;
        pipeline_.state_.link_is_down.store(true, std::memory_order_relaxed);
        spdlog::warn("the link of {} is down: sending pauses, for {} s at most",
                     pipeline_.link_.name(), timeout_s);
      } else if (static_cast<double>(now_ns - down_since_ns_) > timeout_s * 1e9) {
        stop(LinkLost{pipeline_.link_.name(), timeout_s, pipeline_.probes_sent(),
                      pipeline_.probe_count_, pipeline_.seed_});
      }
    } else if (link_is_down_ && now_ns - last_down_ns_ > kLinkSettleNs) {
      link_is_down_ = false;
      pipeline_.state_.link_is_down.store(false, std::memory_order_relaxed);
      spdlog::info("the link of {} is up again after {:.1f} s: sending goes on",
                   pipeline_.link_.name(), static_cast<double>(now_ns - down_since_ns_) / 1e9);
    }
  }

  void wait_for_status() {
    status_timer_.expires_after(std::chrono::seconds(1));
    status_timer_.async_wait([this](const error_code& error) {
      if (error) return;
      status_.print(pipeline_.clock_.now_ns());
      look_for_progress(pipeline_.clock_.now_ns());
      wait_for_status();
    });
  }

  // A scan that sends nothing, and has no reason of its own to wait, says so while it lasts: a
  // pacer that never grants looked like a slow network once, until --max-runtime ended it.
  void look_for_progress(std::uint64_t now_ns) {
    const std::uint64_t sent = pipeline_.sent();
    const std::uint64_t paused_ns = pipeline_.paused_ns();
    const bool is_waiting = paused_ns != last_paused_ns_ || link_is_down_ || sending_ended_;
    if (sent != last_sent_ || is_waiting || progress_ns_ == 0) {
      progress_ns_ = now_ns;
      said_no_progress_ = false;
    } else if (!said_no_progress_ && now_ns - progress_ns_ > pipeline_.silence_ns()) {
      said_no_progress_ = true;
      const int error = pipeline_.last_error();
      spdlog::warn("no probe has left for {} s, though nothing holds the sending up{}",
                   (now_ns - progress_ns_) / kSecondNs,
                   error == 0 ? "" : fmt::format(" but the kernel: {}", std::strerror(error)));
    }
    last_sent_ = sent;
    last_paused_ns_ = paused_ns;
  }

  Pipeline& pipeline_;
  asio::io_context io_;
  asio::signal_set signals_;
  asio::steady_timer status_timer_;
  asio::steady_timer runtime_timer_;
  asio::steady_timer link_timer_;
  asio::steady_timer cooldown_timer_;
  StatusLine status_;
  ScanOutcome outcome_ = Finished{};
  std::size_t senders_done_ = 0;
  bool sending_ended_ = false;
  bool link_is_down_ = false;
  std::uint64_t down_since_ns_ = 0;
  std::uint64_t last_down_ns_ = 0;
  std::uint64_t progress_ns_ = 0;  // when a probe was last seen to have left
  std::uint64_t last_sent_ = 0;
  std::uint64_t last_paused_ns_ = 0;
  bool said_no_progress_ = false;
  bool signalled_ = false;
  bool hurry_ = false;
};

Pipeline::Pipeline(const TargetPlan& plan, const ScanConfig& config,
                   const std::vector<Queue>& queues, ReplySource& source, const GeoTable& geo,
                   ByteSink& sink, const Link& link, Clock& clock)
    : config_(config),
      queues_(queues),
      source_(source),
      link_(link),
      clock_(clock),
      started_ns_(clock.now_ns()),
      probe_count_(plan.target_count * config.order.passes),
      seed_(plan.seed),
      format_(config.output.syntax, config.output.fields),
      writer_(sink),
      receiver_(plan.targets, plan.shard.index, source, geo, format_, writer_, clock, state_,
                plan.labels, config.output.emission),
      blocks_(plan.steps.begin, plan.steps.end, config.order.passes,
              block_steps(config.pace.rate_pps)),
      pacer_(rate_left_to_pace(queues, config.pace.rate_pps), started_ns_) {
  for (const Queue& queue : queues_)
    senders_.push_back(std::make_unique<Sender>(TargetCursor(plan.targets, plan.permutation),
                                                blocks_, pacer_, *queue.transmitter, clock, source,
                                                writer_, state_, plan.labels, queue.rate_pps));
  const std::string header = sink.continues_earlier() ? "" : format_.header();
  std::copy(header.begin(), header.end(), writer_.room(header.size()).begin());
  writer_.append(header.size(), 0);
}

Pipeline::~Pipeline() = default;

// Whatever else ended the scan: lost results are the worse news.
ScanOutcome Pipeline::run() {
  const ScanOutcome outcome = Control(*this).run();
  return writer_.error() != 0 ? output_failure() : outcome;
}

std::uint64_t Pipeline::paused_ns() const {
  std::uint64_t sum = 0;
  for (const auto& sender : senders_) {
    const SenderCounters& counters = sender->counters();
    sum += counters.paused_output_ns.get() + counters.paused_receiver_ns.get() +
           counters.paused_link_ns.get();
  }
  return sum;
}

std::uint64_t Pipeline::silence_ns() const {
  const std::uint64_t rate_pps = config_.pace.rate_pps;
  return rate_pps == Pacer::kUnlimited ? kSilenceNs
                                       : std::max(kSilenceNs, 3 * kSecondNs / rate_pps);
}

OutputFailed Pipeline::output_failure() const {
  return {config_.output.path, writer_.error()};
}

int Pipeline::last_error() const {
  int error = 0;
  for (const Queue& queue : queues_)
    for (const Transmitter* part : queue.transmitter->parts())
      if (part->last_error() != 0) error = part->last_error();
  return error;
}

std::uint64_t Pipeline::sent() const {
  std::uint64_t sum = 0;
  for (const Queue& queue : queues_)
    for (const Transmitter* part : queue.transmitter->parts()) sum += part->counters().sent.get();
  return sum;
}

std::uint64_t Pipeline::probes_sent() const {
  const std::uint64_t frames = sent();
  return frames - std::min(frames, sent_again());
}

// What is under way counts already: it is a little ahead of sent() until the end.
std::uint64_t Pipeline::sent_again() const {
  std::uint64_t gone_back = 0;
  std::uint64_t lost = 0;
  for (const auto& sender : senders_) {
    gone_back += sender->counters().gone_back.get();
    lost += sender->counters().lost_again.get();
  }
  for (const Queue& queue : queues_)
    for (const Transmitter* part : queue.transmitter->parts())
      lost += part->counters().lost_again.get();
  return gone_back - std::min(gone_back, lost);
}

}  // namespace echoscan
