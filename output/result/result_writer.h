// Lines out of the program: buffered, written as far as the reader takes them, never waited for.
//
// The receiver must not wait in a write(2) while replies fill the rings. So the writer writes what
// the sink takes at once and keeps the rest. When that backlog passes kBacklogHighBytes, is_limit()
// tells the senders to pause, so that a slow reader slows the sending and loses no reply. The
// buffer has a fixed size (its pages are touched as needed); when it is full too, the receiver
// leaves replies in the rings, where a loss is counted. One thread owns the writer; any may ask
// for its state and its counts.
#pragma once

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "output/sink/byte_sink.h"

namespace echoscan {

class ResultWriter {
 public:
  static constexpr std::size_t kBufferBytes = std::size_t{16} << 20;
  static constexpr std::size_t kBacklogHighBytes = std::size_t{1} << 20;

  // The sink must outlive the writer.
  explicit ResultWriter(ByteSink& sink);

  // Room for at least `bytes` bytes, or nothing when the backlog leaves none; then append().
  [[nodiscard]] std::span<char> room(std::size_t bytes);
  // Takes over the first `bytes` bytes of what room() gave. They count as `lines` lines: 1 for a
  // result, 0 for a header.
  void append(std::size_t bytes, unsigned lines = 1);

  // Writes what the sink takes without waiting. False once the sink has failed; error() says how.
  bool flush();
  // The same, waiting up to `wait_ms` for the sink to take something.
  bool flush_waiting(int wait_ms);

  // Writes the backlog and finishes the sink, waiting up to `wait_ms`. True when all is where it
  // belongs, or has failed; call it again until then.
  bool finish(int wait_ms);

  // Before finish(): the scan was cut short, and an earlier file of that name is worth more.
  void keep_earlier() { sink_.keep_earlier(); }

  // Counts a line that there is no use in writing any more, since the sink has failed or was given
  // up.
  void drop_line();

  // Gives up what the sink has not taken yet, or not finished: error() is ECANCELED from now on.
  void abandon();

  [[nodiscard]] std::size_t backlog_bytes() const { return end_ - begin_; }
  [[nodiscard]] bool is_limit() const { return is_limit_.load(std::memory_order_relaxed); }
  // The errno of the write that failed, ECANCELED after abandon(), 0 while all is well.
  [[nodiscard]] int error() const { return error_.load(std::memory_order_relaxed); }
  // Whether a write failed: abandoned is not failed.
  [[nodiscard]] bool has_failed() const { return error() != 0 && error() != ECANCELED; }
  // Lines appended or dropped, whatever became of them.
  [[nodiscard]] std::uint64_t lines() const { return lines_.load(std::memory_order_relaxed); }
  // Of these, the ones that the sink has not taken whole; known when it has failed or was given up.
  [[nodiscard]] std::uint64_t lines_lost() const {
    return lines_lost_.load(std::memory_order_relaxed);
  }
  // Of the lines, those that a killed program leaves where they belong. Any thread.
  [[nodiscard]] std::uint64_t lines_in_place() const {
    return sink_.lines_in_place(lines_taken_.load(std::memory_order_relaxed));
  }
  // Of a file that packs them, where the last of these ends, or a later one; else 0. Any thread.
  [[nodiscard]] std::uint64_t packed_bytes_in_place() const {
    return sink_.packed_bytes_in_place();
  }
  // Before the first line: so many are there from before, in so many bytes.
  void continue_behind(std::uint64_t lines, std::uint64_t bytes);
  [[nodiscard]] std::uint64_t bytes_written() const {
    return bytes_written_.load(std::memory_order_relaxed);
  }

 private:
  // Ends the writing: `error` says why, and the backlog's lines are lost.
  void fail(int error);
  void note_taken(std::size_t begin, std::size_t bytes);

  ByteSink& sink_;
  std::unique_ptr<char[]> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::uint64_t headers_ = 0;          // lines that are no results
  std::uint64_t line_ends_taken_ = 0;  // by the sink, with those of headers
  std::atomic<std::uint64_t> lines_ = 0;
  std::atomic<std::uint64_t> lines_lost_ = 0;
  std::atomic<std::uint64_t> lines_taken_ = 0;  // by the sink, of lines_ less those lost
  std::atomic<std::uint64_t> bytes_written_ = 0;
  std::atomic<bool> is_limit_ = false;
  std::atomic<int> error_ = 0;
};

}  // namespace echoscan
