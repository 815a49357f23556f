// The running kernel's version, on which depends what drivers and system calls can do.
//
// It is read from the release that uname gives, as in "6.12.95+deb12-amd64"; only the first two
// numbers matter here. It is for advice, and for what no attempt finds out: whatever can be tried
// is tried, since distributions bring features to older kernels.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace echoscan {

struct KernelVersion {
  unsigned major = 0;
  unsigned minor = 0;
  friend auto operator<=>(const KernelVersion&, const KernelVersion&) = default;
};

// nullopt when the release does not begin with two numbers and a dot between them.
std::optional<KernelVersion> parse_kernel_version(std::string_view release);
// "6.12".
std::string to_string(KernelVersion version);
// The release of the running kernel, as uname has it; empty when it does not say.
std::string kernel_release();

}  // namespace echoscan
