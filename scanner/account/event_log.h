// What happened to a scan from outside while it ran: a link that was lost and came back, a reply
// filter that was taken off. Each event is logged once, and stands in the summary.
//
// An event is two clauses, what happened and what followed for the scan, since the reader of a
// summary asks for both. The first kKept are kept and the others counted, so that a link that flaps
// for a week fills no memory. One thread adds; others read after that thread is done.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace echoscan {

struct ScanEvent {
  std::uint64_t at_ns = 0;  // CLOCK_MONOTONIC
  std::string what;
  std::string consequence;
};

class EventLog {
 public:
  static constexpr std::size_t kKept = 256;

  // Something that holds the scan up or costs it probes or replies: a warning.
  void add_loss(std::uint64_t at_ns, std::string what, std::string consequence);
  // The end of such a thing.
  void add_return(std::uint64_t at_ns, std::string what, std::string consequence);

  [[nodiscard]] const std::vector<ScanEvent>& events() const { return events_; }
  // How many came after the last that is kept.
  [[nodiscard]] std::uint64_t left_out() const { return left_out_; }

 private:
  void keep(ScanEvent event);

  std::vector<ScanEvent> events_;
  std::uint64_t left_out_ = 0;
};

}  // namespace echoscan
