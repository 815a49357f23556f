// The log: lines on standard error that say what the program does and what it found.
//
// spdlog writes them, and only log.cpp includes it. Its own functions are templates that compile
// all of fmt's formatting into each file that logs: 5 of the 7 s that network/busy_poll.cpp took.
// Here the fmt library formats a line, and spdlog gets the text; a line below the level is not
// formatted. Any thread may log, but nothing hot does. No line waits for its reader or throws: they
// go through a MessageQueue as long as there is one. Their form is that which their reader wants
// (message_form.h).
#pragma once

#include <fmt/core.h>

#include <cstdint>
#include <string_view>

namespace echoscan {

class LogCopy;
class MessageQueue;

enum class LogLevel { debug, info, warning, error };

// Gives the log its form, and leaves out lines below `lowest`. Call it once, before the first line.
void set_up_log(LogLevel lowest);

// From now on all that goes to standard error goes through `queue`; null: it is written at once.
// The queue must outlive that.
void send_messages_through(MessageQueue* queue);

// From now on all lines of the log, those of `info` where it is quiet, too, and all that goes to
// standard error as it stands, go to `copy` as well, in the form of a file; null: no longer. The
// copy must outlive that.
void copy_messages_to(LogCopy* copy);

// Messages that were dropped since the queue is in use. Any thread.
[[nodiscard]] std::uint64_t dropped_messages();

[[nodiscard]] bool is_logged(LogLevel level);

// Formats a line and writes it, unless its level is left out.
void write_log(LogLevel level, fmt::string_view format, fmt::format_args arguments) noexcept;

// Writes a text to standard error as it stands, but for what a terminal would obey: the status
// line, the closing summary. What cannot be written there (a full disk, a reader that has gone away
// or takes nothing) is lost and counted, and is no error: a scan goes on when nobody listens.
// fmt::print throws then, which ended scans. The journal gets `level` as each line's priority.
void write_to_stderr(std::string_view text, LogLevel level = LogLevel::info) noexcept;

// Writes a line in the log's form, also where the log is quiet: somebody has asked for it.
void write_dated(std::string_view text) noexcept;

// How many characters may stand in a line below all messages, which is redrawn; 0 where nothing can
// be: not a terminal, or one whose cursor does not move. It is looked up anew each time.
[[nodiscard]] unsigned standing_columns();
[[nodiscard]] bool is_coloured();
// Puts this line there, without an end, in place of the one that stands there; an empty one takes
// it away. It may have colours, and nothing else that a terminal obeys.
void stand_below_messages(std::string_view line) noexcept;

template <typename... Arguments>
void log_at(LogLevel level, fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  write_log(level, format, fmt::make_format_args(arguments...));
}

template <typename... Arguments>
void log_debug(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  write_log(LogLevel::debug, format, fmt::make_format_args(arguments...));
}

template <typename... Arguments>
void log_info(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  write_log(LogLevel::info, format, fmt::make_format_args(arguments...));
}

template <typename... Arguments>
void log_warning(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  write_log(LogLevel::warning, format, fmt::make_format_args(arguments...));
}

}  // namespace echoscan
