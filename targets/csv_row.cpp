#include "targets/csv_row.h"

#include <algorithm>

#include "targets/prefix.h"

namespace echoscan {

std::string& CsvRow::next_field() {
  if (size_ == fields_.size()) fields_.emplace_back();
  std::string& field = fields_[size_++];
  field.clear();
  return field;
}

tl::expected<void, std::string> CsvRow::read(std::string_view line) {
  size_ = 0;
  std::string_view rest = line;
  if (rest.ends_with('\r')) rest.remove_suffix(1);
  while (true) {
    std::string& field = next_field();
    rest.remove_prefix(std::min(rest.find_first_not_of(kBlanks), rest.size()));
    if (rest.starts_with('"')) {
      rest.remove_prefix(1);
      while (true) {
        const std::size_t quote = rest.find('"');
        if (quote == std::string_view::npos)
          return tl::make_unexpected("a field begins with a quote, and does not end with one");
        field += rest.substr(0, quote);
        rest.remove_prefix(quote + 1);
        if (!rest.starts_with('"')) break;
        field += '"';
        rest.remove_prefix(1);
      }
      rest.remove_prefix(std::min(rest.find_first_not_of(kBlanks), rest.size()));
      if (!rest.empty() && rest.front() != ',')
        return tl::make_unexpected("a field goes on behind its closing quote");
    } else {
      field = trimmed(rest.substr(0, rest.find(',')));
      if (field.find('"') != std::string::npos)
        return tl::make_unexpected("a field has a quote in it and none around it");
      rest.remove_prefix(std::min(rest.find(','), rest.size()));
    }
    if (rest.empty()) return {};
    rest.remove_prefix(1);
  }
}

std::size_t CsvRow::find(std::string_view name) const {
  for (std::size_t column = 0; column < size_; ++column)
    if (fields_[column] == name) return column;
  return npos;
}

std::size_t CsvRow::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::count(fields_.begin(), fields_.begin() + static_cast<std::ptrdiff_t>(size_), name));
}

}  // namespace echoscan
