#include "output/result/result_writer.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "output/sink/line_ends.h"

namespace echoscan {

ResultWriter::ResultWriter(ByteSink& sink)
    : sink_(sink), buffer_(std::make_unique_for_overwrite<char[]>(kBufferBytes)) {}

std::span<char> ResultWriter::room(std::size_t bytes) {
  if (kBufferBytes - end_ < bytes) {
    // To move a backlog of more than half the buffer would cost more than the room is worth.
    if (begin_ < kBufferBytes / 2) return {};
    std::memmove(buffer_.get(), buffer_.get() + begin_, backlog_bytes());
    end_ -= begin_;
    begin_ = 0;
  }
  return {buffer_.get() + end_, kBufferBytes - end_};
}

void ResultWriter::append(std::size_t bytes, unsigned lines) {
  end_ += bytes;
  if (lines == 0 && bytes > 0) ++headers_;
  lines_.store(this->lines() + lines, std::memory_order_relaxed);
}

bool ResultWriter::flush() {
  if (error() != 0) return false;
  if (backlog_bytes() > 0) {
    const ByteSink::Outcome outcome = sink_.write_some({buffer_.get() + begin_, backlog_bytes()});
    const std::size_t begin = std::exchange(begin_, begin_ + outcome.written);
    bytes_written_.store(bytes_written() + outcome.written, std::memory_order_relaxed);
    note_taken(begin, outcome.written);
    if (begin_ == end_) begin_ = end_ = 0;
    if (outcome.error != 0) fail(outcome.error);
  }
  is_limit_.store(backlog_bytes() > kBacklogHighBytes, std::memory_order_relaxed);
  return error() == 0;
}

// What was taken in part is counted, so that appending need not note where lines end. A backlog
// that stands still costs nothing: to count it at each flush took a CPU.
void ResultWriter::note_taken(std::size_t begin, std::size_t bytes) {
  if (bytes == 0) return;
  if (begin_ == end_) {
    line_ends_taken_ = lines() - lines_lost() + headers_;
  } else {
    line_ends_taken_ += count_line_ends({buffer_.get() + begin, bytes});
  }
  lines_taken_.store(line_ends_taken_ - std::min(line_ends_taken_, headers_),
                     std::memory_order_relaxed);
}

void ResultWriter::continue_behind(std::uint64_t lines, std::uint64_t bytes) {
  lines_.store(lines, std::memory_order_relaxed);
  lines_taken_.store(lines, std::memory_order_relaxed);
  line_ends_taken_ += lines;
  bytes_written_.store(bytes, std::memory_order_relaxed);
}

void ResultWriter::fail(int error) {
  if (this->error() != 0) return;
  error_.store(error, std::memory_order_relaxed);
  // A line that was taken in part has its end in the backlog. Where a header is among what is lost,
  // everything is.
  const std::uint64_t waiting = count_line_ends({buffer_.get() + begin_, backlog_bytes()});
  const std::uint64_t lost = waiting + sink_.abandon_lines();
  lines_lost_.store(std::min(lines(), lines_lost() + lost), std::memory_order_relaxed);
}

void ResultWriter::drop_line() {
  lines_.store(lines() + 1, std::memory_order_relaxed);
  lines_lost_.store(lines_lost() + 1, std::memory_order_relaxed);
}

bool ResultWriter::flush_waiting(int wait_ms) {
  if (backlog_bytes() > 0 && error() == 0) sink_.wait_writable(wait_ms);
  return flush();
}

void ResultWriter::abandon() {
  fail(ECANCELED);
  is_limit_.store(false, std::memory_order_relaxed);
}

bool ResultWriter::finish(int wait_ms) {
  if (!flush_waiting(wait_ms)) return true;
  if (backlog_bytes() > 0) return false;
  const ByteSink::Completion completion = sink_.finish(wait_ms);
  if (completion.error != 0) fail(completion.error);
  return completion.is_done;
}

}  // namespace echoscan
