// One row of CSV (RFC 4180): fields between commas, with quotes around those that hold one.
//
// Only what the row says by itself is read: a quoted field ends in its line, as no list has an
// address with a line end in it, and a list whose every error names one line is easier to mend. The
// fields' memory is kept from row to row. Rejected: to read a quote inside an unquoted field as
// a quote, since two programs then see different columns.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace echoscan {

class CsvRow {
 public:
  // Reads a line without its end. The error is a clause.
  tl::expected<void, std::string> read(std::string_view line);

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] const std::string& operator[](std::size_t column) const { return fields_[column]; }
  // Where a column of that name is; npos where there is none.
  [[nodiscard]] std::size_t find(std::string_view name) const;
  // How many columns have that name.
  [[nodiscard]] std::size_t count(std::string_view name) const;

  static constexpr std::size_t npos = ~std::size_t{0};

 private:
  std::string& next_field();

  std::vector<std::string> fields_;  // of which the first size_ are this row's
  std::size_t size_ = 0;
};

}  // namespace echoscan
