// ICMP errors by type and code: how many arrived, and how many targets they were the first error
// of.
//
// It is a table of all that can occur (six classes, 256 codes), which is exact and allocates
// nothing while replies wait. Rejected: a map. One thread adds; others read after that thread has
// ended.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "output/result/result.h"
#include "scanner/account/snapshot.h"

namespace echoscan {

class ErrorTally {
 public:
  void add_frame(std::uint8_t icmp_type, std::uint8_t icmp_code) {
    ErrorCount& row = row_of(icmp_type, icmp_code);
    row.icmp_type = icmp_type;
    row.icmp_code = icmp_code;
    ++row.frames;
  }
  void add_target(std::uint8_t icmp_type, std::uint8_t icmp_code) {
    ++row_of(icmp_type, icmp_code).targets;
  }

  // The types and codes that have frames, ascending.
  [[nodiscard]] std::vector<ErrorCount> rows() const {
    std::vector<ErrorCount> rows;
    for (const ErrorCount& row : rows_)
      if (row.frames > 0) rows.push_back(row);
    return rows;
  }

 private:
  static constexpr std::size_t kCodes = 256;

  ErrorCount& row_of(std::uint8_t icmp_type, std::uint8_t icmp_code) {
    return rows_[static_cast<std::size_t>(classification_of(icmp_type)) * kCodes + icmp_code];
  }

  std::array<ErrorCount, kClassifications * kCodes> rows_{};
};

}  // namespace echoscan
