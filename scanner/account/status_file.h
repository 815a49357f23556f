// The file of --status-file: a scan's progress as one JSON object, replaced as a whole.
//
// Each object is written under a provisional name and renamed (output/sink/part_file.h), so that
// whoever opens the file sees one object and all of it. A disk may be full, slow or gone, and a
// network's file system may answer after minutes: a thread of its own writes, which alone may wait,
// and of the objects that it misses only the newest is written. What goes wrong is said once and is
// no error, since a scan is worth more than its status. Rejected: writing by the control's thread,
// which would hold up what ends a scan.
#pragma once

#include <memory>
#include <string>

namespace echoscan {

class StatusFile {
 public:
  // So long the end waits for the last object to be written.
  static constexpr int kPatienceMs = 2000;

  // Starts the thread and writes nothing yet. Throws UserError for what cannot be replaced (a
  // device, a FIFO, a folder), std::system_error when there can be no thread.
  explicit StatusFile(const std::string& path);
  ~StatusFile();
  StatusFile(const StatusFile&) = delete;
  StatusFile& operator=(const StatusFile&) = delete;

  // Lets the file hold this text from soon on. Waits for nothing. Any thread.
  void put(std::string text) noexcept;

 private:
  // It outlives this when its thread cannot be ended: that is deep in a write.
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace echoscan
