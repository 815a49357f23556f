// What many lines of results say together: replies, errors and round-trip times by network,
// country, autonomous system and label.
//
// Reads what `scan` writes as JSON lines; it needs the field `target` and counts what --fields left
// of the others. simdjson parses a line at a time, so that a line that is no JSON is an error of
// its own and not of the block around it; nlohmann's SAX parser was five times slower. Memory is
// 100 bytes a group and 2 bytes a round-trip time, at most 2 KiB a group.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "output/aggregate/rtt_sketch.h"
#include "output/summary/rtt_histogram.h"
#include "targets/address.h"

namespace echoscan {

enum class Grouping { slash8, slash16, slash24, country, asn, label };
inline constexpr std::size_t kGroupings = 6;

// "slash8" and so on.
std::string_view name_of(Grouping grouping);
// Of a group of a grouping by number: "10.1.0.0/16", "64500".
std::string group_name(Grouping grouping, std::uint32_t number);

class Aggregate {
 public:
  struct Group {
    std::uint64_t replies = 0;  // first replies, one a target
    std::uint64_t errors = 0;   // first ICMP errors
    std::uint64_t repeats = 0;  // further ones of either kind
    std::uint64_t later = 0;    // of the replies, those that prove a pass behind the first
    RttSketch rtt;
  };

  explicit Aggregate(std::vector<Grouping> groupings);
  ~Aggregate();
  Aggregate(const Aggregate&) = delete;
  Aggregate& operator=(const Aggregate&) = delete;

  // Counts one line, behind which LineSource::kPaddingBytes may be read. False when it is
  // malformed: it is no JSON object, or a field has a value that it cannot have.
  bool add_line(std::string_view line);

  [[nodiscard]] const std::vector<Grouping>& groupings() const { return groupings_; }
  [[nodiscard]] const Group& total() const { return total_; }
  // The total's round-trip times, more exactly than its sketch has them.
  [[nodiscard]] const RttHistogram& rtt() const { return rtt_; }
  // Lines that are objects without a target: of another kind than results.
  [[nodiscard]] std::uint64_t other_lines() const { return other_lines_; }

  // slash8, slash16, slash24: by first address. asn: by number.
  [[nodiscard]] const std::unordered_map<std::uint32_t, Group>& by_number(Grouping grouping) const;
  // country, label: by name.
  [[nodiscard]] const std::unordered_map<std::string, Group>& by_name(Grouping grouping) const;
  // The organisation that a line gave for an AS number; empty when none did.
  [[nodiscard]] std::string_view organisation(std::uint32_t asn) const;

 private:
  struct Line;
  class Parser;

  void add(const Line& line);

  std::vector<Grouping> groupings_;
  std::unique_ptr<Parser> parser_;
  Group total_;
  RttHistogram rtt_;
  std::uint64_t other_lines_ = 0;
  std::unordered_map<std::uint32_t, Group> by_number_[kGroupings];
  std::unordered_map<std::string, Group> by_name_[kGroupings];
  std::unordered_map<std::uint32_t, std::string> organisations_;
  std::string name_;  // of the last group looked up; kept so that a look-up allocates nothing
};

}  // namespace echoscan
