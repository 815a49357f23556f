#include "scanner/process/log.h"

#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "scanner/process/log_copy.h"
#include "scanner/process/message_form.h"
#include "scanner/process/message_queue.h"
#include "targets/utf8.h"

namespace echoscan {
namespace {

std::atomic<MessageQueue*> message_queue = nullptr;
std::atomic<LogCopy*> log_copy = nullptr;
std::atomic<LogLevel> lowest_level = LogLevel::info;

// What standard error is does not change; the first message asks.
const MessageForm& form() {
  static const MessageForm form = message_form(STDERR_FILENO, std::getenv);
  return form;
}

// sd-daemon(3).
std::string_view priority_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return "<7>";
    case LogLevel::info:
      return "<6>";
    case LogLevel::warning:
      return "<4>";
    case LogLevel::error:
      break;
  }
  return "<3>";
}

std::string with_priority(std::string_view text, LogLevel level) {
  std::string lines;
  while (!text.empty()) {
    const std::size_t length = std::min(text.find('\n'), text.size() - 1) + 1;
    lines += priority_of(level);
    lines += text.substr(0, length);
    text.remove_prefix(length);
  }
  return lines;
}

void write_as_it_is(std::string_view text, LogLevel level) {
  const std::string lines =
      form().reader == MessageReader::journal ? with_priority(text, level) : std::string(text);
  if (MessageQueue* queue = message_queue.load(); queue != nullptr) {
    queue->push(lines);
  } else {
    std::fwrite(lines.data(), 1, lines.size(), stderr);
  }
}

LogLevel log_level(spdlog::level::level_enum level) {
  if (level >= spdlog::level::err) return LogLevel::error;
  if (level == spdlog::level::warn) return LogLevel::warning;
  return level == spdlog::level::info ? LogLevel::info : LogLevel::debug;
}

// Standard error, since standard output is for results alone. Colours are for terminals.
class MessageSink : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    std::string text(line.data(), line.size());
    if (form().is_coloured && message.color_range_end > message.color_range_start) {
      constexpr std::string_view kPlain = "\033[m";
      text.insert(message.color_range_end, kPlain);
      text.insert(message.color_range_start, colour_of(message.level));
    }
    write_as_it_is(text, log_level(message.level));
  }
  void flush_() override {}

  static std::string_view colour_of(spdlog::level::level_enum level) {
    if (level >= spdlog::level::warn) return "\033[33m\033[1m";
    return level == spdlog::level::info ? "\033[32m" : "\033[36m";
  }
};

constexpr const char* kFilePattern = "%Y-%m-%dT%H:%M:%S.%e%z %l: %v";

// What is kept of a log beside standard error, if anybody keeps it.
class CopySink : public spdlog::sinks::base_sink<std::mutex> {
  void sink_it_(const spdlog::details::log_msg& message) override {
    LogCopy* const copy = log_copy.load();
    if (copy == nullptr) return;
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    copy->add({line.data(), line.size()});
  }
  void flush_() override {}
};

const char* pattern_of(MessageReader reader) {
  switch (reader) {
    case MessageReader::terminal:
      return "%H:%M:%S.%e %^%l%$: %v";
    case MessageReader::journal:
      return "%v";
    case MessageReader::file:
      break;
  }
  return kFilePattern;
}

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      break;
  }
  return spdlog::level::err;
}

}  // namespace

void set_up_log(LogLevel lowest) {
  const auto messages = std::make_shared<MessageSink>();
  messages->set_pattern(pattern_of(form().reader));
  messages->set_level(spdlog_level(lowest));
  const auto copies = std::make_shared<CopySink>();
  copies->set_pattern(kFilePattern);
  auto log =
      std::make_shared<spdlog::logger>("echoscan", spdlog::sinks_init_list{messages, copies});
  log->set_level(spdlog_level(lowest));
  lowest_level.store(lowest);
  spdlog::set_default_logger(std::move(log));
}

void copy_messages_to(LogCopy* copy) {
  log_copy.store(copy);
  const LogLevel lowest = lowest_level.load();
  spdlog::default_logger_raw()->set_level(
      spdlog_level(copy == nullptr ? lowest : std::min(lowest, LogLevel::info)));
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

void write_to_stderr(std::string_view text, LogLevel level) noexcept {
  try {
    const std::string printable = printable_text(text, true);
    write_as_it_is(printable, level);
    if (LogCopy* const copy = log_copy.load(); copy != nullptr) copy->add(printable);
  } catch (const std::bad_alloc&) {
    // Without memory nothing is said.
  }
}

void write_dated(std::string_view text) noexcept try {
  const std::string line = printable_text(text);
  const spdlog::details::log_msg message("echoscan", spdlog::level::info, line);
  for (const spdlog::sink_ptr& sink : spdlog::default_logger_raw()->sinks()) sink->log(message);
} catch (const std::exception&) {
  write_to_stderr("echoscan: a line of the log could not be made\n");
}

unsigned standing_columns() {
  // What is written at the last column would wrap when the window becomes narrower by one.
  return form().redraws ? columns_of(STDERR_FILENO) - 1 : 0;
}

bool is_coloured() {
  return form().is_coloured;
}

void stand_below_messages(std::string_view line) noexcept {
  if (MessageQueue* queue = message_queue.load(); queue != nullptr) queue->stand(line);
}

}  // namespace echoscan
