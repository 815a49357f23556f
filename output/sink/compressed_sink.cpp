#include "output/sink/compressed_sink.h"

#include <algorithm>
#include <chrono>

#include "output/sink/line_ends.h"

namespace echoscan {
namespace {

constexpr auto kFlushInterval = std::chrono::seconds(1);
constexpr auto kFrameInterval = std::chrono::seconds(10);
constexpr int kDestinationWaitMs = 50;

}  // namespace

CompressedSink::CompressedSink(std::unique_ptr<ByteSink> destination, Compression compression)
    : destination_(std::move(destination)),
      encoder_(make_encoder(compression)),
      framed_bytes_(destination_->end()) {
  queue_.reserve(kQueueBytes);
  thread_ = std::thread([this] { run(); });
}

CompressedSink::~CompressedSink() {
  {
    const std::lock_guard lock(mutex_);
    is_abandoned_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

ByteSink::Outcome CompressedSink::write_some(std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  if (error_ != 0) return {0, error_};
  const std::size_t taken = std::min(bytes.size(), kQueueBytes - queue_.size());
  queue_.append(bytes.substr(0, taken));
  taken_lines_ += count_line_ends(bytes.substr(0, taken));
  changed_.notify_all();
  return {taken, 0};
}

// A file on a full disk is cut back to its last whole frame; what a pipe has been given, it keeps.
std::uint64_t CompressedSink::abandon_lines() {
  const std::lock_guard lock(mutex_);
  is_abandoned_ = true;
  changed_.notify_all();
  return taken_lines_ - (error_ != 0 ? framed_lines_ : readable_lines_);
}

std::uint64_t CompressedSink::lines_in_place(std::uint64_t taken) const {
  const std::lock_guard lock(mutex_);
  return taken - std::min(taken, taken_lines_ - framed_lines_);
}

std::uint64_t CompressedSink::packed_bytes_in_place() const {
  const std::lock_guard lock(mutex_);
  return framed_bytes_;
}

int CompressedSink::keep_first(std::uint64_t bytes) {
  if (const int error = destination_->keep_first(bytes); error != 0) return error;
  const std::lock_guard lock(mutex_);
  framed_bytes_ = bytes;
  return 0;
}

void CompressedSink::wait_writable(int wait_ms) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::milliseconds(wait_ms),
                    [this] { return queue_.size() < kQueueBytes || error_ != 0; });
}

ByteSink::Completion CompressedSink::finish(int wait_ms) {
  {
    std::unique_lock lock(mutex_);
    is_ending_ = true;
    changed_.notify_all();
    changed_.wait_for(lock, std::chrono::milliseconds(wait_ms), [this] { return is_done_; });
    if (!is_done_) return {false, 0};
    if (error_ != 0) return {true, error_};
  }
  return destination_->finish(wait_ms);
}

void CompressedSink::run() {
  std::string bytes;
  bytes.reserve(kQueueBytes);
  bool has_unflushed = false;
  std::chrono::steady_clock::time_point flush_at;
  std::unique_lock lock(mutex_);
  const auto has_work = [this] { return !queue_.empty() || is_ending_ || is_abandoned_; };
  while (!is_done_) {
    if (has_unflushed || frame_bytes_ > 0) {
      changed_.wait_until(lock, flush_at, has_work);
    } else {
      changed_.wait(lock, has_work);
    }
    if (is_abandoned_) return;
    bytes.clear();
    std::swap(bytes, queue_);
    const bool is_last = is_ending_;
    lock.unlock();
    changed_.notify_all();

    const auto now = std::chrono::steady_clock::now();
    if (!has_unflushed) flush_at = now + kFlushInterval;
    has_unflushed = now < flush_at;
    const bool is_good = compress(bytes, !has_unflushed, is_last);

    lock.lock();
    is_done_ = is_last || !is_good;
    changed_.notify_all();
  }
}

// Frames end behind a line, so that a file that is cut back to one ends behind a line too.
bool CompressedSink::compress(std::string_view bytes, bool is_flush_due, bool is_last) {
  while (frame_bytes_ + bytes.size() >= kFrameBytes) {
    const std::size_t full = kFrameBytes - std::min(kFrameBytes, frame_bytes_ + 1);
    const std::size_t line_end = bytes.find('\n', full);
    if (line_end == std::string_view::npos) break;
    if (!encode(bytes.substr(0, line_end + 1), Encoder::Flush::end)) return false;
    bytes.remove_prefix(line_end + 1);
  }
  if (is_last) {
    // A file without results is an empty frame.
    const bool is_complete = has_frames_ && frame_bytes_ + bytes.size() == 0;
    return is_complete || encode(bytes, Encoder::Flush::end);
  }
  const std::size_t lines_end = bytes.rfind('\n') + 1;  // 0: no line ends here
  const bool may_end = lines_end > 0 || (bytes.empty() && is_at_line_end_);
  if (is_flush_due && may_end && frame_bytes_ > 0 &&
      std::chrono::steady_clock::now() - frame_begin_ >= kFrameInterval) {
    if (!encode(bytes.substr(0, lines_end), Encoder::Flush::end)) return false;
    bytes.remove_prefix(lines_end);
  }
  if (bytes.empty() && (frame_bytes_ == 0 || is_flushed_)) return true;
  return encode(bytes, is_flush_due ? Encoder::Flush::sync : Encoder::Flush::none);
}

bool CompressedSink::encode(std::string_view bytes, Encoder::Flush flush) {
  if (frame_bytes_ == 0) frame_begin_ = std::chrono::steady_clock::now();
  encoded_.clear();
  encoder_->encode(bytes, flush, encoded_);
  frame_bytes_ += bytes.size();
  is_flushed_ = flush != Encoder::Flush::none;
  if (!bytes.empty()) is_at_line_end_ = bytes.ends_with('\n');
  encoded_lines_ += count_line_ends(bytes);
  if (!write_all(encoded_)) return false;
  {
    const std::lock_guard lock(mutex_);
    if (flush != Encoder::Flush::none) readable_lines_ = encoded_lines_;
    if (flush == Encoder::Flush::end) {
      framed_lines_ = encoded_lines_;
      framed_bytes_ = destination_->end();
    }
  }
  if (flush != Encoder::Flush::end) return true;
  destination_->mark_whole();
  has_frames_ = true;
  frame_bytes_ = 0;
  return true;
}

bool CompressedSink::write_all(std::string_view bytes) {
  while (true) {
    const Outcome outcome = destination_->write_some(bytes);
    bytes.remove_prefix(outcome.written);
    if (outcome.error == 0 && bytes.empty()) return true;
    {
      const std::lock_guard lock(mutex_);
      error_ = outcome.error;
      if (error_ != 0 || is_abandoned_) return false;
    }
    destination_->wait_writable(kDestinationWaitMs);
  }
}

}  // namespace echoscan
