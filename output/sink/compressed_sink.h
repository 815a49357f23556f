// A sink that compresses, on a thread of its own, into another sink.
//
// Compressing costs more than everything else that is done with a line, so the receiver must not
// wait for it: it hands over up to kQueueBytes and goes on. When the queue is full the sink takes
// nothing, the writer's backlog grows, and the senders pause, as behind any slow reader. The lock
// is held to copy and to swap, once per batch of lines. The thread flushes the encoder every
// second, so that a killed scan's file lacks a second at most. It ends a frame (gzip: member) at
// the end of a line, every MiB or 10 s: where the disk runs full, the file is cut back to there,
// and all that is left can be read without a complaint. One thread writes and finishes.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "output/sink/byte_sink.h"
#include "output/sink/encoder.h"

namespace echoscan {

class CompressedSink : public ByteSink {
 public:
  static constexpr std::size_t kQueueBytes = std::size_t{1} << 20;
  static constexpr std::size_t kFrameBytes = std::size_t{1} << 20;  // before compression

  CompressedSink(std::unique_ptr<ByteSink> destination, Compression compression);
  // Drops what is still queued, if finish() was not called.
  ~CompressedSink() override;
  CompressedSink(const CompressedSink&) = delete;
  CompressedSink& operator=(const CompressedSink&) = delete;

  Outcome write_some(std::string_view bytes) override;
  void wait_writable(int wait_ms) override;
  Completion finish(int wait_ms) override;
  std::uint64_t abandon_lines() override;
  // Those in whole frames: nobody can write behind half a one.
  [[nodiscard]] std::uint64_t lines_in_place(std::uint64_t taken) const override;
  [[nodiscard]] std::uint64_t packed_bytes_in_place() const override;
  int keep_first(std::uint64_t bytes) override;
  int sync() override { return destination_->sync(); }
  void keep_earlier() override { destination_->keep_earlier(); }
  [[nodiscard]] std::string remark() const override { return destination_->remark(); }
  [[nodiscard]] bool continues_earlier() const override {
    return destination_->continues_earlier();
  }

 private:
  void run();
  // The next three are false when the destination has failed or nobody wants the rest.
  bool compress(std::string_view bytes, bool is_flush_due, bool is_last);
  bool encode(std::string_view bytes, Encoder::Flush flush);
  bool write_all(std::string_view bytes);

  std::unique_ptr<ByteSink> destination_;
  std::unique_ptr<Encoder> encoder_;
  std::string encoded_;
  std::size_t frame_bytes_ = 0;  // in the frame that is not ended yet, before compression
  std::chrono::steady_clock::time_point frame_begin_;
  bool has_frames_ = false;
  bool is_flushed_ = false;      // all that was encoded can be read
  bool is_at_line_end_ = false;  // of what was encoded
  std::uint64_t encoded_lines_ = 0;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t taken_lines_ = 0;  // mutex_ guards this and all below but the thread
  // Of these, the ones that the destination's reader can unpack, and those in whole frames.
  std::uint64_t readable_lines_ = 0;
  std::uint64_t framed_lines_ = 0;
  std::uint64_t framed_bytes_;  // of the destination, with what was there before
  std::string queue_;
  bool is_ending_ = false;     // no more will come
  bool is_abandoned_ = false;  // nobody waits any more
  bool is_done_ = false;
  int error_ = 0;
  std::thread thread_;
};

}  // namespace echoscan
