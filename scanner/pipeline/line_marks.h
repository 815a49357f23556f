// What lines of results leave unsaid, written down so that a resumed scan knows it: 32 bytes for
// each line, the first mark for the first line.
//
// With --format ip, or where --fields leaves something out, a leg that reads the results back would
// not know the round-trip times, who answered, or even whose line it is. So the whole result is
// written beside each line, before the line: there are as many marks as lines in the file, or more,
// and those behind the last line are cut off with what a kill has cut off. Rejected: only what is
// left out, since 14 layouts of a file would save at most half of it; to write every field into the
// results, which are the user's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "output/aggregate/result_reader.h"
#include "scanner/checkpoint/mark_file.h"

namespace echoscan {

class LineMarks {
 public:
  // Makes the file, or opens what an earlier leg has left. The error is a sentence without a full
  // stop.
  static tl::expected<std::unique_ptr<LineMarks>, std::string> open(const std::string& path,
                                                                    bool is_left);
  // As MarkFile's.
  static void remove(const std::string& path);

  // Those of the next lines, in order, as many as there are: `results` are what the lines say, and
  // become the whole results. How many have a mark that is of that line; an errno when they cannot
  // be read.
  tl::expected<std::size_t, int> complete(std::span<ReadResult> results);
  // As MarkFile's.
  int keep_first(std::uint64_t count) { return file_->keep_first(count); }

  void add(const ReadResult& result);
  void flush() { file_->flush(); }
  [[nodiscard]] std::uint64_t count() const { return file_->count(); }
  [[nodiscard]] std::uint64_t in_place() const { return file_->in_place(); }
  int sync() { return file_->sync(); }

 private:
  explicit LineMarks(std::unique_ptr<MarkFile> file) : file_(std::move(file)) {}

  std::unique_ptr<MarkFile> file_;
  std::uint64_t read_ = 0;
  std::vector<std::byte> bytes_;
};

}  // namespace echoscan
