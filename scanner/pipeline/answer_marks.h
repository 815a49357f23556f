// Answers that no line says, written down so that a resumed scan knows them: 8 bytes each.
//
// Without --emit errors a target's ICMP error is counted and not written, and a leg that goes on
// would count it again when a later pass brings it again. Which passes a target has answered
// (pass_histories.h) is in no line either, since repeats have none as a rule. They stand in a file
// of their own (mark_file.h), since lines have marks of another kind and another number
// (line_marks.h).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "scanner/checkpoint/mark_file.h"
#include "targets/address.h"

namespace echoscan {

// A target's first error, or its first answer to a pass: that is type 0, and the code is the pass.
struct AnswerMark {
  [[nodiscard]] bool is_reply() const { return icmp_type == 0; }

  Ipv4 target;
  std::uint8_t icmp_type = 0;
  std::uint8_t icmp_code = 0;
};

// What an earlier leg has left in the file.
struct MarksLeft {
  std::uint64_t count = 0;      // so many marks, or more
  bool has_lost_power = false;  // what is behind them may be anything
};

class AnswerMarks {
 public:
  // Makes the file, or opens what an earlier leg has left; calls `use` with each mark: behind a
  // kill also with those that no checkpoint knew of yet, since replies that came after them may
  // have their lines. The error is a sentence without a full stop.
  static tl::expected<std::unique_ptr<AnswerMarks>, std::string> open(
      const std::string& path, const std::optional<MarksLeft>& left,
      const std::function<void(const AnswerMark&)>& use);
  // As MarkFile's.
  static void remove(const std::string& path);

  void add(const AnswerMark& mark);
  void flush() { file_->flush(); }
  [[nodiscard]] std::uint64_t count() const { return file_->count(); }
  [[nodiscard]] std::uint64_t in_place() const { return file_->in_place(); }
  int sync() { return file_->sync(); }

 private:
  explicit AnswerMarks(std::unique_ptr<MarkFile> file) : file_(std::move(file)) {}

  std::unique_ptr<MarkFile> file_;
};

}  // namespace echoscan
