#include "scanner/process/log.h"

#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <utility>

#include "scanner/process/message_queue.h"
#include "targets/utf8.h"

namespace echoscan {
namespace {

std::atomic<MessageQueue*> message_queue = nullptr;

void write_as_it_is(std::string_view text) noexcept {
  if (MessageQueue* queue = message_queue.load(); queue != nullptr) {
    queue->push(text);
  } else {
    std::fwrite(text.data(), 1, text.size(), stderr);
  }
}

// Standard error, since standard output is for results alone. Colours are for terminals.
class MessageSink : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  MessageSink() : is_coloured_(isatty(STDERR_FILENO) == 1) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    std::string text(line.data(), line.size());
    if (is_coloured_ && message.color_range_end > message.color_range_start) {
      constexpr std::string_view kPlain = "\033[m";
      text.insert(message.color_range_end, kPlain);
      text.insert(message.color_range_start, colour_of(message.level));
    }
    write_as_it_is(text);
  }
  void flush_() override {}

  static std::string_view colour_of(spdlog::level::level_enum level) {
    if (level >= spdlog::level::warn) return "\033[33m\033[1m";
    return level == spdlog::level::info ? "\033[32m" : "\033[36m";
  }

  const bool is_coloured_;
};

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

void set_up_log(LogLevel lowest) {
  auto log = std::make_shared<spdlog::logger>("echoscan", std::make_shared<MessageSink>());
  log->set_pattern("%H:%M:%S.%e %^%l%$: %v");
  log->set_level(spdlog_level(lowest));
  spdlog::set_default_logger(std::move(log));
}

void send_messages_through(MessageQueue* queue) {
  message_queue.store(queue);
}

std::uint64_t dropped_messages() {
  const MessageQueue* queue = message_queue.load();
  return queue == nullptr ? 0 : queue->dropped();
}

bool is_logged(LogLevel level) {
  return spdlog::default_logger_raw()->should_log(spdlog_level(level));
}

void write_log(LogLevel level, fmt::string_view format, fmt::format_args arguments) noexcept try {
  if (!is_logged(level)) return;
  // Names and lines of others are in it, which a terminal would obey.
  const std::string line = printable_text(fmt::vformat(format, arguments), true);
  spdlog::default_logger_raw()->log(spdlog_level(level), spdlog::string_view_t(line));
} catch (const std::exception&) {
  // No memory is left for the line.
  write_to_stderr("echoscan: a line of the log could not be made\n");
}

void write_to_stderr(std::string_view text) noexcept {
  try {
    write_as_it_is(printable_text(text, true));
  } catch (const std::bad_alloc&) {
    // Without memory nothing is said.
  }
}

}  // namespace echoscan
