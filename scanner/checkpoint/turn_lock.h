// The lock of a scan that several processes may be told to do: a scheduler that begins a task again
// while its first turn still runs would have two write one file.
//
// It is a range lock (fcntl, of the open file) on RESULTS.scan.lock, which the kernel gives back
// whatever becomes of the process, and which NFS has across machines. The file itself is not the
// checkpoint, which is replaced each second. Where a server has no locks, or keeps a dead client's,
// the checkpoint's last leg says who is at it and since when nothing was heard: its lease.
// Rejected: a file that exists or not, which a kill leaves behind.
#pragma once

#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "scanner/checkpoint/checkpoint.h"
#include "scanner/process/file_descriptor.h"

namespace echoscan {

class TurnLock {
 public:
  // Tries once. No value: another process has it. The error is a sentence without a full stop.
  static tl::expected<std::optional<TurnLock>, std::string> try_take(const std::string& results);

  // Gives it back, and removes its file.
  ~TurnLock();
  TurnLock(TurnLock&&) = default;
  TurnLock& operator=(TurnLock&&) = delete;

 private:
  TurnLock(FileDescriptor file, std::string path)
      : file_(std::move(file)), path_(std::move(path)) {}

  FileDescriptor file_;
  std::string path_;
};

// How long nothing may be heard of a leg of another machine until it counts as dead: s.
inline constexpr std::int64_t kLeaseS = 60;

// How long the last leg may still be at it on another machine than this one, whose boot_id() is
// `boot`, or which is known by its name alone: s, 0 for one that has ended or is dead. On this
// machine the lock says that.
std::int64_t lease_left_s(const Checkpoint& checkpoint, const std::string& host,
                          const std::string& boot, std::int64_t now_ms);

}  // namespace echoscan
