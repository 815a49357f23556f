// The file of --log-file: all messages of a scan, each with its date, behind what it holds already.
//
// Messages are kept from the first one on, and the file is opened as the user of the scan, before
// the sandbox. What cannot be written there is said at the end and costs no result. Rejected: to
// ask for `2>FILE`, in which messages have no dates and the status line stands between them.
#pragma once

#include <optional>
#include <string>

#include "scanner/process/file_descriptor.h"
#include "scanner/process/log_copy.h"

namespace echoscan {

class LogFile {
 public:
  // Keeps messages from now on; nothing when there is no path.
  explicit LogFile(std::string path);
  // The rest is written.
  ~LogFile();
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;

  // Opens it, and writes what was kept. Throws UserError.
  void open();

 private:
  std::string path_;
  FileDescriptor file_;
  std::optional<LogCopy> copy_;
};

}  // namespace echoscan
