// First errors that no line says, written down so that a resumed scan knows them: 8 bytes each,
// behind 8 that say what the file is.
//
// Without --emit errors a target's ICMP error is counted and not written, and a leg that goes on
// would count it again when a later pass brings it again. Somebody else's file of that name is left
// as it is. One thread adds and flushes; any may ask how many are in the file.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "targets/address.h"

namespace echoscan {

struct ErrorMark {
  Ipv4 target;
  std::uint8_t icmp_type = 0;
  std::uint8_t icmp_code = 0;
};

// What an earlier leg has left in the file.
struct MarksLeft {
  std::uint64_t count = 0;      // so many marks, or more; 0: nothing that counts
  bool has_lost_power = false;  // what is behind them may be anything
};

class ErrorMarks {
 public:
  // Makes the file, or opens what an earlier leg has left; calls `use` with each mark. The error is
  // a sentence without a full stop.
  static tl::expected<std::unique_ptr<ErrorMarks>, std::string> open(
      const std::string& path, const MarksLeft& left,
      const std::function<void(const ErrorMark&)>& use);
  // Removes the file of a scan that has finished or is begun anew, if it is one.
  static void remove(const std::string& path);
  ~ErrorMarks();
  ErrorMarks(const ErrorMarks&) = delete;
  ErrorMarks& operator=(const ErrorMarks&) = delete;

  void add(const ErrorMark& mark);
  // Writes what was added. What a full disk does not take is tried again.
  void flush();

  [[nodiscard]] std::uint64_t count() const { return count_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t in_place() const { return in_place_.load(std::memory_order_relaxed); }
  // Brings them to the disk; an errno. Any thread.
  int sync();

 private:
  static constexpr std::size_t kWaitingMax = 65'536;

  ErrorMarks(int descriptor, std::uint64_t count);

  int descriptor_;
  std::vector<std::uint64_t> waiting_;
  std::atomic<std::uint64_t> count_;
  std::atomic<std::uint64_t> in_place_;
};

}  // namespace echoscan
