// A note of what an interface's interrupt settings were, for whoever comes after a scan that is
// killed.
//
// --busy-poll changes settings that outlive the process. A scan that is killed cannot put them
// back, and the next one would take them for the machine's own. So they are noted in /run/echoscan
// before they are changed: /run is emptied when the settings are, at a restart. The file is named
// after the network namespace and the interface's number, and locked for as long as its scan
// lives: the lock goes with the process, however it ends. Rejected: the process's number and start
// time, which say nothing in another PID namespace; they stand in the file for people.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "scanner/network/interrupt_settings.h"
#include "scanner/process/file_descriptor.h"
#include "scanner/process/refusal.h"

namespace echoscan {

class InterruptNote {
 public:
  static constexpr const char* kFolder = "/run/echoscan";

  struct Content {
    pid_t process = 0;      // whose scan it is, in its PID namespace
    InterruptValues found;  // before that scan
    InterruptValues set;    // by that scan
  };

  // What a scan that lives no more has left about this interface of the caller's network namespace;
  // nullopt: nothing. Takes no privilege, and changes nothing.
  static std::optional<Content> find_left(int interface_index, const std::string& folder = kFolder);

  // Takes the interface's note, making it if there is none. Refused with EAGAIN while another scan
  // has it; the reason names that one's process.
  static tl::expected<InterruptNote, Refusal> take(int interface_index,
                                                   const std::string& folder = kFolder);

  // What stood in it when it was taken; nullopt: nothing.
  [[nodiscard]] const std::optional<Content>& left() const { return left_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] int descriptor() const { return file_.get(); }

  [[nodiscard]] tl::expected<void, Refusal> write(const Content& content);
  // Ends the note: what it speaks of is as it was.
  void remove();

 private:
  std::string path_;
  FileDescriptor file_;
  std::optional<Content> left_;
};

}  // namespace echoscan
