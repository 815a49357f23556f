#include "scanner/dpdk/eal.h"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>

namespace echoscan {
namespace {

std::array<char, 256> last_reason{};

// What was written of a line whose end has not come yet, and where lines go. DPDK writes a line
// under its own lock, in one piece or several.
struct LineSink {
  dpdk_log log{};
  std::array<char, 1024> line{};
  std::size_t bytes = 0;

  void end_line() {
    if (bytes > 0) log.write(log.context, line.data(), bytes);
    bytes = 0;
  }
};

LineSink& line_sink() {
  static LineSink sink;
  return sink;
}

ssize_t write_lines(void* cookie, const char* text, std::size_t size) {
  auto& sink = *static_cast<LineSink*>(cookie);
  for (const char c : std::string_view(text, size)) {
    if (c == '\n' || sink.bytes == sink.line.size()) sink.end_line();
    if (c != '\n') sink.line[sink.bytes++] = c;
  }
  return static_cast<ssize_t>(size);
}

// Standard output is standard error as long as this lives.
class QuietOutput {
 public:
  QuietOutput() : kept_(dup(STDOUT_FILENO)) {
    std::fflush(stdout);
    if (kept_ >= 0) dup2(STDERR_FILENO, STDOUT_FILENO);
  }
  ~QuietOutput() {
    std::fflush(stdout);
    if (kept_ < 0) return;
    dup2(kept_, STDOUT_FILENO);
    close(kept_);
  }
  QuietOutput(const QuietOutput&) = delete;
  QuietOutput& operator=(const QuietOutput&) = delete;

 private:
  int kept_;
};

}  // namespace

void set_dpdk_reason(const char* what, int error) {
  std::snprintf(last_reason.data(), last_reason.size(), "%s%s%s", what, error != 0 ? ": " : "",
                error != 0 ? rte_strerror(error) : "");
}

const char* dpdk_reason() {
  return last_reason.data();
}

int start_eal(int count, char** arguments, const dpdk_log* log) {
  line_sink().log = *log;
  // The stream lives as long as DPDK, which is as long as the process.
  FILE* stream = fopencookie(&line_sink(), "w", {nullptr, write_lines, nullptr, nullptr});
  if (stream == nullptr || rte_openlog_stream(stream) != 0) {
    set_dpdk_reason("its log cannot be opened", 0);
    return -1;
  }
  std::setvbuf(stream, nullptr, _IOLBF, BUFSIZ);
  const QuietOutput quiet;
  const int parsed = rte_eal_init(count, arguments);
  std::fflush(stream);
  if (parsed < 0) {
    set_dpdk_reason("DPDK does not start", rte_errno);
    return -1;
  }
  return 0;
}

}  // namespace echoscan
