// By how much the clock of this process is ahead of the one that BPF programs read.
//
// bpf_ktime_get_ns is the host's CLOCK_MONOTONIC. A process in a time namespace (a container that
// was moved to this host, `unshare --time --monotonic`) has one of its own, which is so many
// seconds, any number, off: a probe that one of them stamped and a reply that the other did gave
// a round-trip time of ten minutes, "proved". So the difference is measured, by a program that only
// reads the clock, and all times that come out of BPF or go in are this process's. Rejected:
// /proc/self/timens_offsets, which knows nothing of an interposed clock_gettime.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

namespace echoscan {

class KernelClock {
 public:
  // Loads the program; nullopt when the kernel takes none from us.
  static std::optional<KernelClock> open();
  KernelClock(KernelClock&& other) noexcept;
  KernelClock& operator=(KernelClock&& other) noexcept;
  ~KernelClock();

  // To be added to a time that BPF has read. It is 0 where both may be one clock, and whole seconds
  // where that is possible; else right to some hundred nanoseconds. Nothing when the kernel does
  // not run the program. Needs no privilege any more, takes a millisecond, throws nothing.
  [[nodiscard]] std::optional<std::int64_t> offset_ns() const noexcept;

 private:
  struct Program;
  explicit KernelClock(std::unique_ptr<Program> program);
  std::unique_ptr<Program> program_;
};

// The same with any two clocks: `own_ns` is read before and after `other_ns`.
std::optional<std::int64_t> measure_offset(
    const std::function<std::uint64_t()>& own_ns,
    const std::function<std::optional<std::uint64_t>()>& other_ns);

}  // namespace echoscan
