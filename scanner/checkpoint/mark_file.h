// A file of marks: records of one size, behind 8 bytes that say which kind of them it holds.
//
// A scan that goes on has to know what its results do not say, in numbers that do not fit into the
// checkpoint, which is rewritten each second. So marks are only added; half a one, which a kill has
// left, is cut off. Somebody else's file of that name is left as it is. Waiting marks are bounded:
// what a full disk does not take is tried again, and given up when too many wait; in_place() then
// stays behind, and with it the checkpoint's place. Rejected: SQLite, whose journal costs more than
// the marks. One thread adds and flushes; any may ask how many are in the file.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "scanner/process/file_descriptor.h"

namespace echoscan {

class MarkFile {
 public:
  static constexpr std::size_t kHeadBytes = 8;

  struct Kind {
    std::string_view head;  // kHeadBytes
    std::size_t mark_bytes;
  };

  // Makes the file anew, in the place of an earlier scan's. The errors here and below are clauses.
  static tl::expected<std::unique_ptr<MarkFile>, std::string> make(const std::string& path,
                                                                   const Kind& kind);
  // Opens what an earlier leg has left, with all whole marks of it.
  static tl::expected<std::unique_ptr<MarkFile>, std::string> reopen(const std::string& path,
                                                                     const Kind& kind);
  // Removes the file of a scan that has finished or is begun anew, if it is one.
  static void remove(const std::string& path, const Kind& kind);

  // Reads as many marks as `marks` has room for, from that one on; an errno.
  int read(std::uint64_t first, std::span<std::byte> marks) const;
  // Gives up those behind the first `count`; an errno.
  int keep_first(std::uint64_t count);

  void add(std::span<const std::byte> mark);
  // Writes what was added.
  void flush();

  [[nodiscard]] std::uint64_t count() const { return count_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t in_place() const { return in_place_.load(std::memory_order_relaxed); }
  // Brings them to the disk; an errno. Any thread.
  int sync();

 private:
  static constexpr std::size_t kWaitingMax = 65'536;

  MarkFile(FileDescriptor file, const Kind& kind, std::uint64_t count);
  [[nodiscard]] std::uint64_t bytes_of(std::uint64_t marks) const {
    return kHeadBytes + marks * mark_bytes_;
  }

  FileDescriptor file_;
  const std::size_t mark_bytes_;
  std::vector<std::byte> waiting_;
  std::atomic<std::uint64_t> count_;
  std::atomic<std::uint64_t> in_place_;
};

}  // namespace echoscan
