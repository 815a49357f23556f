#include "scanner/pipeline/checkpointer.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <exception>
#include <iterator>
#include <utility>

#include "scanner/process/limits.h"
#include "scanner/process/log.h"

namespace echoscan {
namespace {

constexpr auto kEach = std::chrono::seconds(1);

}  // namespace

Checkpointer::Checkpointer(Checkpoint checkpoint, std::uint64_t cooldown_ns,
                           std::uint64_t interval_ns, Seams seams)
    : checkpoint_(std::move(checkpoint)),
      cooldown_ns_(cooldown_ns),
      interval_ns_(interval_ns),
      seams_(std::move(seams)) {}

Checkpointer::~Checkpointer() {
  stop();
}

void Checkpointer::start() {
  attempt([this] { save(true); });
  thread_ = std::thread([this] { run(); });
}

void Checkpointer::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool Checkpointer::close(const std::string& why) {
  stop();
  attempt([this, &why] {
    look();
    checkpoint_.legs.back().why = why;
    if (seams_.sync() == 0) checkpoint_.after_power_loss = checkpoint_.after_kill;
    save(true);
  });
  return is_written_;
}

void Checkpointer::run() {
  name_thread("checkpoint");
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, kEach, [this] { return is_ending_; })) {
    lock.unlock();
    attempt([this] { step(); });
    lock.lock();
  }
}

void Checkpointer::step() {
  look();
  const std::uint64_t now_ns = views_.back().at_ns;
  const bool is_due = now_ns - synced_ns_ >= interval_ns_;
  const OrderPlace place = checkpoint_.after_kill;
  if (is_due && seams_.sync() == 0) {
    checkpoint_.after_power_loss = place;
    synced_ns_ = now_ns;
  }
  save(is_due);
}

void Checkpointer::attempt(const std::function<void()>& what) noexcept {
  try {
    what();
  } catch (const std::exception& error) {
    is_written_ = false;
    tell_failure(error.what());
  } catch (...) {
    is_written_ = false;
    tell_failure("nobody knows why");
  }
}

void Checkpointer::look() {
  views_.push_back(seams_.look());
  const CheckpointView& newest = views_.back();
  if (synced_ns_ == 0) synced_ns_ = newest.at_ns;
  Leg& leg = checkpoint_.legs.back();
  leg.end_ms = seams_.now_ms();
  leg.sent = newest.sent;
  leg.sent_again = newest.sent_again;
  checkpoint_.in_doubt = newest.in_doubt;
  // However old the place is, it says how far the scan has come at most.
  const std::uint64_t reached = std::max(checkpoint_.after_kill.reached, newest.reached);
  checkpoint_.after_kill.reached = reached;

  // The newest view of which everything that had come in is in place.
  const auto in_place = std::find_if(views_.rbegin(), views_.rend(), [&](const auto& view) {
    return !view.is_backlogged && view.lines <= newest.lines_in_place &&
           view.answers <= newest.answers_in_place;
  });
  if (in_place == views_.rend()) return;
  const auto base = std::find_if(in_place, views_.rend(), [&](const CheckpointView& view) {
    return view.left_ns + cooldown_ns_ <= in_place->at_ns;
  });
  if (base == views_.rend()) {
    if (views_.size() > kViewsMax) {
      // Two become one that has seen what both saw.
      std::vector<StepRange>& next = views_[2].pending;
      next.insert(next.end(), views_[1].pending.begin(), views_[1].pending.end());
      make_step_set(next);
      views_.erase(views_.begin() + 1);
    }
    return;
  }
  OrderPlace place{{}, reached, in_place->lines, in_place->answers, newest.bytes_in_place};
  for (auto view = views_.rbegin(); view != std::next(base); ++view)
    place.pending.insert(place.pending.end(), view->pending.begin(), view->pending.end());
  make_step_set(place.pending);
  checkpoint_.after_kill = std::move(place);
  views_.erase(views_.begin(), std::prev(base.base()));
}

void Checkpointer::save(bool is_lasting) {
  const std::string error = seams_.write(checkpoint_, is_lasting);
  is_written_ = error.empty();
  if (!is_written_) return tell_failure(error.c_str());
  written_ms_ = seams_.now_ms();
  has_failed_ = false;
}

void Checkpointer::tell_failure(const char* reason) {
  if (std::exchange(has_failed_, true)) return;
  try {
    log_warning("no new checkpoint: {}; the scan goes on, and {}", reason,
                written_ms_ == 0
                    ? "cannot be resumed so far"
                    : fmt::format("the last good one is of {:%F %T} UTC",
                                  fmt::gmtime(static_cast<std::time_t>(written_ms_ / 1000))));
  } catch (const std::exception&) {
    // Nor is there memory for the message: the next failure is told.
    has_failed_ = false;
  }
}

}  // namespace echoscan
