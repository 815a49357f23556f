#include "scanner/process/message_form.h"

#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <string_view>

namespace echoscan {
namespace {

constexpr unsigned kUsualColumns = 80;

std::string_view text_of(const char* value) {
  return value == nullptr ? std::string_view() : std::string_view(value);
}

bool is_journal(int descriptor, std::string_view stream) {
  struct stat status {};
  return !stream.empty() && fstat(descriptor, &status) == 0 &&
         stream == std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
}

}  // namespace

MessageForm message_form(int descriptor,
                         const std::function<const char*(const char* name)>& environment) {
  MessageForm form;
  if (isatty(descriptor) == 1) {
    const std::string_view kind = text_of(environment("TERM"));
    form.reader = MessageReader::terminal;
    form.redraws = !kind.empty() && kind != "dumb";
    form.is_coloured = form.redraws && text_of(environment("NO_COLOR")).empty();
  } else if (is_journal(descriptor, text_of(environment("JOURNAL_STREAM")))) {
    form.reader = MessageReader::journal;
  }
  return form;
}

unsigned columns_of(int descriptor) {
  winsize size{};
  if (ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kUsualColumns;
  return size.ws_col;
}

}  // namespace echoscan
