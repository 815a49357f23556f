// Where lines end up: the seam between the writer and a file descriptor.
//
// A write never waits. A pipe is not made non-blocking for that, since O_NONBLOCK belongs to the
// open file, which other processes share; a pipe that polls writable takes PIPE_BUF (4096) bytes at
// once by POSIX, so the descriptor's sink writes that much at a time. Regular files take
// everything, if at the disk's pace. Tests stand a full disk or a slow reader here.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace echoscan {

class ByteSink {
 public:
  struct Outcome {
    std::size_t written = 0;
    int error = 0;  // an errno; 0 also when the sink takes nothing just now
  };

  virtual ~ByteSink() = default;

  // Writes from the front of `bytes` what fits without waiting.
  virtual Outcome write_some(std::string_view bytes) = 0;
  // Waits up to `wait_ms` until write_some would take something.
  virtual void wait_writable(int wait_ms) = 0;
};

// A file descriptor of the process: a file, a pipe or a terminal.
class DescriptorSink : public ByteSink {
 public:
  // Standard output for "-"; any other file is created or emptied. Null, with the errno in `error`,
  // when that does not work.
  static std::unique_ptr<DescriptorSink> open(const std::string& path, int& error);
  ~DescriptorSink() override;
  DescriptorSink(const DescriptorSink&) = delete;
  DescriptorSink& operator=(const DescriptorSink&) = delete;

  Outcome write_some(std::string_view bytes) override;
  void wait_writable(int wait_ms) override;

 private:
  explicit DescriptorSink(int descriptor);

  int descriptor_;
  bool is_regular_file_;
};

}  // namespace echoscan
