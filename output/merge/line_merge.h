// The results of shards, one behind the other, as one file.
//
// Lines are copied as they are: a shard's lines say which shard they are from, and the order of a
// scan's lines means nothing. Of each line only three things are looked for, by their keys, which
// cannot stand inside a text, since quotes are escaped there: the shard, whether it is a first
// reply, and its round-trip time, so that the percentiles of the whole are as good as a shard's
// own. Rejected: parsing each line, which takes three times as long and finds nothing more that is
// used. CSV is copied with one header, addresses as they are. Memory: one block of lines.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "output/sink/byte_sink.h"
#include "output/summary/rtt_histogram.h"

namespace echoscan {

class LineMerge {
 public:
  explicit LineMerge(ByteSink& sink) : sink_(sink) {}

  struct Failure {
    std::string sentence;  // without a full stop, of what is read
    int output_error = 0;  // else: an errno of the sink
  };

  // Copies a file's lines, a CSV header only once; how many there were, without the header.
  tl::expected<std::uint64_t, Failure> add_file(const std::string& path, std::uint32_t shard);
  // Writes what is kept back; an errno. Finishing the sink is the caller's.
  int flush();

  // The round-trip times of the first replies, as far as lines tell them.
  [[nodiscard]] const RttHistogram& rtt() const { return rtt_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  // Why a line cannot be of that shard; empty: it can.
  std::string look_at(std::string_view line, std::uint32_t shard);
  // Whether the first line of a file is to be copied; it sets `is_header`.
  tl::expected<bool, std::string> begin_file(std::string_view line, bool& is_header);

  ByteSink& sink_;
  std::string block_;
  std::string header_;  // of CSV
  bool has_file_ = false;
  RttHistogram rtt_;
  std::uint64_t bytes_ = 0;
};

}  // namespace echoscan
