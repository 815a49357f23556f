#include "scanner/process/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <new>
#include <string>
#include <utility>

#include "targets/utf8.h"

namespace echoscan {
namespace {

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      break;
  }
  return spdlog::level::warn;
}

}  // namespace

// Standard error, since standard output is for results alone.
void set_up_log(LogLevel lowest) {
  auto log = spdlog::stderr_color_mt("echoscan");
  log->set_pattern("%H:%M:%S.%e %^%l%$: %v");
  log->set_level(spdlog_level(lowest));
  spdlog::set_default_logger(std::move(log));
}

bool is_logged(LogLevel level) {
  return spdlog::default_logger_raw()->should_log(spdlog_level(level));
}

void write_log(LogLevel level, fmt::string_view format, fmt::format_args arguments) {
  if (!is_logged(level)) return;
  // Names and lines of others are in it, which a terminal would obey.
  const std::string line = printable_text(fmt::vformat(format, arguments), true);
  spdlog::default_logger_raw()->log(spdlog_level(level), spdlog::string_view_t(line));
}

void write_to_stderr(std::string_view text) noexcept {
  try {
    const std::string printable = printable_text(text, true);
    std::fwrite(printable.data(), 1, printable.size(), stderr);
  } catch (const std::bad_alloc&) {
    // Without memory nothing is said.
  }
}

}  // namespace echoscan
