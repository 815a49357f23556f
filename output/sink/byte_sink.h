// Where lines end up: the seam between the writer and a file descriptor.
//
// A write never waits. A pipe is not made non-blocking for that, since O_NONBLOCK belongs to the
// open file, which other processes share. But POSIX has a pipe that polls writable take PIPE_BUF
// (4096) bytes at once, so the descriptor's sink writes that much at a time. Regular files take
// everything, at the disk's pace. Other sinks can stand in front of a descriptor's, as
// output/sink/compressed_sink.h does; tests put a full disk or a slow reader here.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace echoscan {

class ByteSink {
 public:
  struct Outcome {
    std::size_t written = 0;
    int error = 0;  // an errno; 0 when all is well, or the sink takes nothing just now
  };
  struct Completion {
    bool is_done = true;
    int error = 0;
  };

  virtual ~ByteSink() = default;

  // Writes from the front of `bytes` what fits without waiting.
  virtual Outcome write_some(std::string_view bytes) = 0;
  // Waits up to `wait_ms` until write_some would take something.
  virtual void wait_writable(int wait_ms) = 0;

  // Call after the last byte, again and again until it is done: brings all to where it belongs,
  // waiting up to `wait_ms` each time. A sink that is destroyed unfinished leaves what a killed
  // program would leave.
  virtual Completion finish(int wait_ms);
  // Call before finish() of what is not all that was asked for: a file that has the name already,
  // and holds something, keeps it, and this one stays under its provisional name.
  virtual void keep_earlier() {}
  // Says that what was written so far stands by itself: if a later write fails, a file is cut back
  // to here, where it would not know by itself where it may end.
  virtual void mark_whole() {}
  // How many lines of those taken are where a killed program leaves them, whole: `taken`, where
  // nothing is held back. Any thread.
  [[nodiscard]] virtual std::uint64_t lines_in_place(std::uint64_t taken) const { return taken; }
  // Of a file that packs them, where the last of these ends; else 0. Any thread.
  [[nodiscard]] virtual std::uint64_t packed_bytes_in_place() const { return 0; }
  // Where a file ends that this is, so far; else 0.
  [[nodiscard]] virtual std::uint64_t end() const { return 0; }
  // Brings what is in place to the disk; an errno. Any thread.
  virtual int sync() { return 0; }
  // Gives up what was taken and has not reached its destination, and returns how many lines of it
  // will not be found there. Call it once, when a write has failed or nobody waits for the reader.
  virtual std::uint64_t abandon_lines() { return 0; }
  // What people should know of where the bytes are now, a sentence without a full stop; empty when
  // they are where they belong.
  [[nodiscard]] virtual std::string remark() const { return {}; }
  // Gives up what an earlier leg of a scan has left behind the file's first `bytes`; an errno.
  virtual int keep_first(std::uint64_t bytes);
  // Whether bytes go behind those of an earlier scan, so that a header is there already.
  [[nodiscard]] virtual bool continues_earlier() const { return false; }
};

// A file descriptor of the process: a file, a pipe or a terminal. Closes it, unless it is standard
// output.
class DescriptorSink : public ByteSink {
 public:
  explicit DescriptorSink(int descriptor);
  ~DescriptorSink() override;
  DescriptorSink(const DescriptorSink&) = delete;
  DescriptorSink& operator=(const DescriptorSink&) = delete;

  Outcome write_some(std::string_view bytes) override;
  void wait_writable(int wait_ms) override;
  // Brings a regular file to the disk, since some file systems find out only then that it is full.
  Completion finish(int wait_ms) override;
  int sync() override;

 private:
  int descriptor_;
  bool is_regular_file_;
};

// Writes all of `bytes` and finishes the sink. Returns an errno, 0 when all is well. Each 50 ms in
// which the sink takes nothing it asks `goes_on`, and returns ECANCELED when that says no.
int write_and_finish(
    ByteSink& sink, std::string_view bytes,
    const std::function<bool()>& goes_on = [] { return true; });

}  // namespace echoscan
