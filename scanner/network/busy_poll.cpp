#include "scanner/network/busy_poll.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "scanner/process/log.h"
#include "scanner/process/user_error.h"

namespace echoscan {
namespace {

std::string read_setting(const std::string& path) {
  std::string value;
  std::ifstream file(path);
  if (!std::getline(file, value))
    throw UserError(
        ExitCode::environment,
        fmt::format("--busy-poll: {} cannot be read ({}); Linux has it from 5.11 on, and shows it "
                    "where /sys is that of the network namespace (as `ip netns exec` mounts it)",
                    path, std::strerror(errno)));
  return value;
}

// Returns an errno; 0 when the setting was written.
int write_setting(const std::string& path, const std::string& value) {
  errno = 0;
  std::ofstream file(path);
  file << value << std::flush;
  if (file) return 0;
  return errno != 0 ? errno : EIO;
}

void restore(const std::string& path, const std::string& value) {
  if (const int error = write_setting(path, value); error != 0)
    log_warning("--busy-poll: {} could not be set back to {} ({})", path, value,
                std::strerror(error));
}

}  // namespace

BusyPolling::BusyPolling(const std::string& interface)
    : defer_path_(fmt::format("/sys/class/net/{}/napi_defer_hard_irqs", interface)),
      flush_path_(fmt::format("/sys/class/net/{}/gro_flush_timeout", interface)),
      defer_before_(read_setting(defer_path_)),
      flush_before_(read_setting(flush_path_)) {
  int error = write_setting(flush_path_, kFlushTimeoutNs);
  const std::string& refused = error != 0 ? flush_path_ : defer_path_;
  if (error == 0) {
    error = write_setting(defer_path_, kDeferPolls);
    if (error != 0) restore(flush_path_, flush_before_);
  }
  if (error != 0)
    throw UserError(ExitCode::environment,
                    fmt::format("--busy-poll: {} cannot be written ({}); it takes root, and in a "
                                "container --privileged, for a /sys that is not read-only",
                                refused, std::strerror(error)));
}

BusyPolling::~BusyPolling() {
  restore(defer_path_, defer_before_);
  restore(flush_path_, flush_before_);
}

}  // namespace echoscan
