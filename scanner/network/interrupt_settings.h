// How long an interface holds its interrupts back: two numbers in sysfs, read and written.
//
// They belong to the interface, not to a socket, and stay until somebody changes them. Both files
// are held open, so that an interface that is renamed meanwhile gets its own values back, and one
// that is gone gets none. Rejected: the netlink interface, which sets single queues, but only from
// Linux 6.13 on.
#pragma once

#include <array>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "scanner/process/file_descriptor.h"
#include "scanner/process/refusal.h"

namespace echoscan {

// As text, since that is what the kernel takes and gives.
struct InterruptValues {
  std::string defer_hard_irqs;    // empty polls until interrupts are on again
  std::string gro_flush_timeout;  // ns until a timer polls
  friend bool operator==(const InterruptValues&, const InterruptValues&) = default;
};

// "napi_defer_hard_irqs 0, gro_flush_timeout 0".
std::string to_string(const InterruptValues& values);

class InterruptSettings {
 public:
  // The reason names the file. To read alone takes no privilege.
  static tl::expected<InterruptSettings, Refusal> open(const std::string& interface, bool to_write);

  [[nodiscard]] tl::expected<InterruptValues, Refusal> read() const;
  // Writes both, or says which was refused; the first may be written then. What has its value
  // already is not written.
  [[nodiscard]] tl::expected<void, Refusal> write(const InterruptValues& values) const;
  [[nodiscard]] std::vector<int> descriptors() const { return {files_[0].get(), files_[1].get()}; }

 private:
  static constexpr std::size_t kSettings = 2;

  std::array<std::string, kSettings> paths_;
  std::array<FileDescriptor, kSettings> files_;
};

}  // namespace echoscan
