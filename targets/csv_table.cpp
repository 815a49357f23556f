#include "targets/csv_table.h"

#include <optional>
#include <string>

#include "targets/csv_row.h"
#include "targets/ipv6_prefix.h"

namespace echoscan {
namespace {

// Where a table has what; npos where it has not.
struct TableColumns {
  std::size_t target = CsvRow::npos;
  std::size_t first = CsvRow::npos;
  std::size_t last = CsvRow::npos;
  std::size_t asn = CsvRow::npos;
  std::size_t label = CsvRow::npos;  // or the name of a range's network
  std::size_t responder = CsvRow::npos;
  std::size_t count = 0;
  bool is_ambiguous = false;
};

constexpr TableColumns kRangeColumns = {CsvRow::npos, 0, 1, 2, 3, CsvRow::npos, 4, false};

// The number as a label has it: digits, with or without `AS` in front. Empty when it is none.
std::string_view asn_digits(std::string_view text) {
  if (text.starts_with("AS")) text.remove_prefix(2);
  const bool is_number = !text.empty() && text.size() <= 10 &&
                         text.find_first_not_of("0123456789") == std::string_view::npos;
  return is_number ? text : std::string_view();
}

bool is_end_of_range(const std::string& text) {
  return parse_ipv4(text).has_value() ||
         (text.find_first_of("/-") == std::string::npos && is_ipv6_target(text));
}

// By the names in a header; nullopt when it is none.
std::optional<TableColumns> columns_of_header(const CsvRow& row) {
  TableColumns columns;
  columns.count = row.size();
  columns.target = row.find("target");
  columns.first = row.find("first");
  columns.last = row.find("last");
  const bool has_target = columns.target != CsvRow::npos;
  const bool has_range = columns.first != CsvRow::npos && columns.last != CsvRow::npos;
  if (!has_target && !has_range) return std::nullopt;
  columns.asn = has_target ? CsvRow::npos : row.find("asn");
  columns.label = row.find(has_target ? "label" : "name");
  columns.responder = row.find("saddr");
  columns.is_ambiguous = has_target && has_range;
  for (const char* name : {"target", "first", "last", "asn", "label", "name"})
    columns.is_ambiguous = columns.is_ambiguous || row.count(name) > 1;
  return columns;
}

class CsvTable : public LineFormat {
 public:
  CsvTable(TableColumns columns, std::string header)
      : columns_(columns), header_(std::move(header)) {}

  void read(std::string_view line, const ListPlace& place, TargetList& list) override {
    if (!header_.empty() && trimmed(line) == header_) return read_header(place, list);
    if (const tl::expected<void, std::string> is_read = row_.read(line); !is_read)
      return list.add_error(place, line, is_read.error());
    if (row_.size() != columns_.count)
      return list.add_error(place, line,
                            "it has " + std::to_string(row_.size()) +
                                " columns, where the first "
                                "line has " +
                                std::to_string(columns_.count) +
                                "; a field with a comma in it is written in quotes");
    if (!read_label())
      return list.add_error(place, row_[columns_.asn], "it is no number of a network");
    if (list.is_strict) refuse_strays(place, list);
    if (columns_.target != CsvRow::npos) return list.add(row_[columns_.target], label_, place);
    if (!is_end_of_range(row_[columns_.first]) || !is_end_of_range(row_[columns_.last]))
      return list.add_error(place, line,
                            "it does not have the first and the last address of a range");
    target_.assign(row_[columns_.first]).append("-").append(row_[columns_.last]);
    list.add(target_, label_, place);
  }

 private:
  // One stands in front of each of several files in a row.
  void read_header(const ListPlace& place, TargetList& list) const {
    if (columns_.is_ambiguous)
      list.add_error(place, header_, "two of its columns may both be the targets or the labels");
  }

  // Whom an answer came from is no target.
  void refuse_strays(const ListPlace& place, TargetList& list) const {
    for (std::size_t column = 0; column < row_.size(); ++column)
      if (column != columns_.target && column != columns_.first && column != columns_.last &&
          column != columns_.responder)
        list.refuse_stray(row_[column], place);
  }

  // Puts the row's label into label_; false when its number is none.
  bool read_label() {
    label_.clear();
    if (columns_.asn != CsvRow::npos && !row_[columns_.asn].empty()) {
      const std::string_view digits = asn_digits(row_[columns_.asn]);
      if (digits.empty()) return false;
      label_.append("AS").append(digits);
    }
    if (columns_.label == CsvRow::npos || row_[columns_.label].empty()) return true;
    if (!label_.empty()) label_ += ' ';
    label_ += row_[columns_.label];
    return true;
  }

  TableColumns columns_;
  std::string header_;  // empty: the table has none
  CsvRow row_;
  std::string target_;  // of the last row, as the label; kept for their memory
  std::string label_;
};

bool is_range_row(const CsvRow& row) {
  return row.size() == kRangeColumns.count && is_end_of_range(row[0]) && is_end_of_range(row[1]) &&
         !asn_digits(row[2]).empty();
}

}  // namespace

std::unique_ptr<LineFormat> recognise_csv_table(std::string_view line) {
  CsvRow row;
  if (!row.read(line)) return nullptr;
  if (const std::optional<TableColumns> columns = columns_of_header(row))
    return std::make_unique<CsvTable>(*columns, std::string(trimmed(line)));
  if (!is_range_row(row)) return nullptr;
  return std::make_unique<CsvTable>(kRangeColumns, "");
}

}  // namespace echoscan
