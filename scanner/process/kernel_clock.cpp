#include "scanner/process/kernel_clock.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>
#include <utility>

#include "read_clock.skel.h"
#include "scanner/process/clock.h"
#include "scanner/process/library_handle.h"

namespace echoscan {
namespace {

constexpr std::int64_t kSignedSecondNs = 1'000'000'000;
constexpr int kTries = 64;
// The kernel's test run takes no shorter frame.
constexpr std::size_t kFrameBytes = 64;

}  // namespace

// The other clock is read between two readings of our own, so that each try gives an interval for
// the difference; it lies in all of them.
std::optional<std::int64_t> measure_offset(
    const std::function<std::uint64_t()>& own_ns,
    const std::function<std::optional<std::uint64_t>()>& other_ns) {
  std::int64_t least = std::numeric_limits<std::int64_t>::min();
  std::int64_t most = std::numeric_limits<std::int64_t>::max();
  for (int tries = 0; tries < kTries; ++tries) {
    const std::uint64_t before = own_ns();
    const std::optional<std::uint64_t> other = other_ns();
    const std::uint64_t after = own_ns();
    if (!other) return std::nullopt;
    least = std::max(least, static_cast<std::int64_t>(before - *other));
    most = std::min(most, static_cast<std::int64_t>(after - *other));
  }
  if (least <= 0 && most >= 0) return 0;
  const std::int64_t middle = least + (most - least) / 2;
  const std::int64_t seconds =
      (middle + (middle < 0 ? -1 : 1) * kSignedSecondNs / 2) / kSignedSecondNs;
  const std::int64_t whole = seconds * kSignedSecondNs;
  return least <= whole && whole <= most ? whole : middle;
}

struct KernelClock::Program {
  LibraryHandle<read_clock_bpf, read_clock_bpf__destroy> skeleton;
};

KernelClock::KernelClock(std::unique_ptr<Program> program) : program_(std::move(program)) {}
KernelClock::KernelClock(KernelClock&& other) noexcept = default;
KernelClock& KernelClock::operator=(KernelClock&& other) noexcept = default;
KernelClock::~KernelClock() = default;

std::optional<KernelClock> KernelClock::open() {
  auto program = std::make_unique<Program>();
  program->skeleton.reset(read_clock_bpf__open_and_load());
  // libbpf leaves bss out where the kernel gave no memory for mapping it.
  if (!program->skeleton || program->skeleton->bss == nullptr) return std::nullopt;
  return KernelClock(std::move(program));
}

std::optional<std::int64_t> KernelClock::offset_ns() const noexcept {
  const read_clock_bpf& skeleton = *program_->skeleton;
  MonotonicClock clock;
  std::array<std::uint8_t, kFrameBytes> frame{};
  return measure_offset([&clock] { return clock.now_ns(); },
                        [&]() -> std::optional<std::uint64_t> {
                          DECLARE_LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(),
                                              .data_size_in = kFrameBytes, .repeat = 1);
                          const int program = bpf_program__fd(skeleton.progs.read_clock);
                          if (bpf_prog_test_run_opts(program, &options) != 0) return std::nullopt;
                          return skeleton.bss->clock_ns;
                        });
}

}  // namespace echoscan
