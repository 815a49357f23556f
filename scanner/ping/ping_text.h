// What a ping prints: a line for each answer, one for each target without any, and a sum.
//
// Lines for people are aligned by the widest target and have what is unusual at their end alone
// (another address that answers, an altered payload). JSON lines of answers are those of a scan, so
// that what reads these reads a ping, too; whoever has not answered has a line of its own kind.
// Names come from the user's lists and from routers' errors, so that nothing in them is left that a
// terminal obeys. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "output/result/scan_id.h"
#include "scanner/ping/ping_account.h"
#include "scanner/ping/ping_targets.h"

namespace echoscan {

class PingText {
 public:
  // Both must outlive it. The identifier is in all JSON lines.
  PingText(const PingTargets& targets, const PingAccount& account, const ScanId& scan_id = {});

  // "192.0.2.1   12.3 ms  ttl 57". `asked_max` above 1: with which of how many requests it is.
  [[nodiscard]] std::string answer_line(const PingAnswer& answer, std::uint32_t asked_max) const;
  // "192.0.2.9  no answer", with the reason that somebody gave. `is_settled`: it had its time.
  [[nodiscard]] std::string silent_line(std::size_t target, bool is_settled) const;
  // "192.0.2.1  5 of 5 answered, 99.0 us / 1.2 ms / 8.0 ms (min / mean / max)".
  [[nodiscard]] std::string target_line(std::size_t target, bool is_settled) const;
  // "4 of 5 answered in 1.02 s, 8 requests; 45.0 us / 1.2 ms / 8.0 ms (min / median /
  // max)".
  [[nodiscard]] std::string sum_line(std::uint64_t took_ns) const;

  // "192.0.2.1" on a line.
  [[nodiscard]] std::string address_line(std::size_t target) const;

  // `realtime_offset_ns`: by how much CLOCK_REALTIME is ahead of the answer's clock.
  [[nodiscard]] std::string answer_json(const PingAnswer& answer,
                                        std::int64_t realtime_offset_ns) const;
  [[nodiscard]] std::string silent_json(std::size_t target, bool is_settled) const;

 private:
  [[nodiscard]] std::string address_column(std::size_t target) const;
  [[nodiscard]] std::string label_column(std::size_t target) const;

  const PingTargets& targets_;
  const PingAccount& account_;
  const ScanId scan_id_;
  std::size_t width_ = 0;  // of the longest address
};

}  // namespace echoscan
