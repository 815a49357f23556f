// Who reads standard error, and so what form messages have there.
//
// A person at a terminal sees the time of day, colours and one line of progress that redraws
// itself. A file or a pipe is read later and elsewhere, so that each line carries its date and
// zone. systemd's journal notes the time by itself, and wants the priority in front of each line
// (sd-daemon(3)); it names its socket by device and inode in JOURNAL_STREAM, which is compared,
// since a service's standard error may have been sent elsewhere. Rejected: isatty(3) alone, which
// takes a terminal that only prints (TERM=dumb) for one that can redraw. Any thread.
#pragma once

#include <functional>

namespace echoscan {

enum class MessageReader { terminal, journal, file };

struct MessageForm {
  MessageReader reader = MessageReader::file;
  bool is_coloured = false;  // not with NO_COLOR, whatever it says, unless it is empty
  bool redraws = false;      // a terminal whose cursor moves
};

// The form of what is written to `descriptor`. `environment` gives a variable or null, as
// std::getenv does.
MessageForm message_form(int descriptor,
                         const std::function<const char*(const char* name)>& environment);

// How many characters fit into a line of the terminal now; 80 where it does not say.
unsigned columns_of(int descriptor);

}  // namespace echoscan
