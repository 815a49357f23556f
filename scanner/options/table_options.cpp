#include "scanner/options/table_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <limits>

namespace echoscan {
namespace {

constexpr std::size_t kTextRows = 10;
constexpr std::uint64_t kRowsMax = std::uint64_t{1} << 32;
// Until settle(): --top has not said it.
constexpr std::size_t kNotSaid = std::numeric_limits<std::size_t>::max();

std::vector<std::pair<std::string, Grouping>> grouping_choices() {
  std::vector<std::pair<std::string, Grouping>> choices;
  for (std::size_t i = 0; i < kGroupings; ++i)
    choices.emplace_back(name_of(static_cast<Grouping>(i)), static_cast<Grouping>(i));
  return choices;
}

}  // namespace

void add_table_form(OptionGroup& group, TableForm& form, const std::string& which,
                    const std::string& first) {
  form.rows_max = kNotSaid;
  group.items("--by", "NAME,...", "Tables: " + which,
              [&form](const std::string& option, const std::string& name) {
                form.groupings.push_back(parse_choice<Grouping>(option, name, grouping_choices()));
              });
  group.value(
      "--format", "text|csv|json", "Tables for people, or one CSV or JSON [text]",
      [&form](const std::string& option, const std::string& text) {
        form.format = parse_choice<TableFormat>(
            option, text,
            {{"text", TableFormat::text}, {"csv", TableFormat::csv}, {"json", TableFormat::json}});
      });
  group.value("--top", "N",
              fmt::format("Rows of each table, {} first [text: 10; csv, json: all]", first),
              [&form](const std::string& option, const std::string& text) {
                form.rows_max = parse_count(option, text, 1, kRowsMax);
              });
}

void settle(TableForm& form) {
  std::ranges::sort(form.groupings);
  form.groupings.erase(std::unique(form.groupings.begin(), form.groupings.end()),
                       form.groupings.end());
  if (form.rows_max == kNotSaid) form.rows_max = form.format == TableFormat::text ? kTextRows : 0;
}

}  // namespace echoscan
