#include "scanner/network/interrupt_settings.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace echoscan {
namespace {

constexpr std::size_t kValueBytes = 32;

tl::unexpected<Refusal> refused_file(const std::string& path, const char* what) {
  const int error = errno;
  return refused(fmt::format("{} cannot be {} ({})", path, what, std::strerror(error)), error);
}

tl::expected<std::string, Refusal> read_value(const FileDescriptor& file, const std::string& path) {
  std::array<char, kValueBytes> text{};
  const ssize_t bytes = pread(file.get(), text.data(), text.size(), 0);
  if (bytes < 0) return refused_file(path, "read");
  std::string value(text.data(), static_cast<std::size_t>(bytes));
  value.resize(value.find_last_not_of('\n') + 1);
  return value;
}

}  // namespace

std::string to_string(const InterruptValues& values) {
  return fmt::format("napi_defer_hard_irqs {}, gro_flush_timeout {}", values.defer_hard_irqs,
                     values.gro_flush_timeout);
}

tl::expected<InterruptSettings, Refusal> InterruptSettings::open(const std::string& interface,
                                                                 bool to_write) {
  InterruptSettings settings;
  const std::array<const char*, kSettings> names = {"gro_flush_timeout", "napi_defer_hard_irqs"};
  for (std::size_t i = 0; i < kSettings; ++i) {
    std::string& path = settings.paths_[i];
    path = fmt::format("/sys/class/net/{}/{}", interface, names[i]);
    settings.files_[i] =
        FileDescriptor(::open(path.c_str(), (to_write ? O_RDWR : O_RDONLY) | O_CLOEXEC));
    if (settings.files_[i]) continue;
    return refused_file(path, errno == ENOENT || !to_write ? "read" : "written");
  }
  return settings;
}

tl::expected<InterruptValues, Refusal> InterruptSettings::read() const {
  const tl::expected<std::string, Refusal> flush = read_value(files_[0], paths_[0]);
  if (!flush) return tl::make_unexpected(flush.error());
  const tl::expected<std::string, Refusal> defer = read_value(files_[1], paths_[1]);
  if (!defer) return tl::make_unexpected(defer.error());
  return InterruptValues{*defer, *flush};
}

tl::expected<void, Refusal> InterruptSettings::write(const InterruptValues& values) const {
  const std::array<std::string, kSettings> texts = {values.gro_flush_timeout,
                                                    values.defer_hard_irqs};
  for (std::size_t i = 0; i < kSettings; ++i) {
    const tl::expected<std::string, Refusal> present = read_value(files_[i], paths_[i]);
    if (present && *present == texts[i]) continue;
    if (pwrite(files_[i].get(), texts[i].data(), texts[i].size(), 0) < 0)
      return refused_file(paths_[i], "written");
  }
  return {};
}

}  // namespace echoscan
