// Where lines end up: the seam between the writer and a file descriptor.
//
// A write never waits. A pipe is not made non-blocking for that, since O_NONBLOCK belongs to the
// open file, which other processes share; a pipe that polls writable takes PIPE_BUF (4096) bytes at
// once by POSIX, so the descriptor's sink writes that much at a time. Regular files take
// everything, if at the disk's pace. Other sinks stand in front of it:
// output/sink/compressed_sink.h. Tests stand a full disk or a slow reader here.
#pragma once

#include <string_view>

namespace echoscan {

class ByteSink {
 public:
  struct Outcome {
    std::size_t written = 0;
    int error = 0;  // an errno; 0 also when the sink takes nothing just now
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

  // After the last byte: brings all to where it belongs, waiting up to `wait_ms`; to be called
  // until it is done. A sink that is destroyed unfinished leaves what an interrupted program would.
  virtual Completion finish(int wait_ms);
  // Whether what is written goes behind something earlier: then a header is there already.
  [[nodiscard]] virtual bool continues_earlier() const { return false; }
};

// A file descriptor of the process: a file, a pipe or a terminal. Closes it, but for standard
// output.
class DescriptorSink : public ByteSink {
 public:
  explicit DescriptorSink(int descriptor);
  ~DescriptorSink() override;
  DescriptorSink(const DescriptorSink&) = delete;
  DescriptorSink& operator=(const DescriptorSink&) = delete;

  Outcome write_some(std::string_view bytes) override;
  void wait_writable(int wait_ms) override;
  // A regular file is brought to the disk, so that a disk that is full in truth is an error here.
  Completion finish(int wait_ms) override;

 private:
  int descriptor_;
  bool is_regular_file_;
};

// All of `bytes`, waiting as long as it takes, then finish(). Returns an errno, 0 when all is well.
int write_and_finish(ByteSink& sink, std::string_view bytes);

}  // namespace echoscan
