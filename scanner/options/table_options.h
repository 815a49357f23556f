// The options of commands that print tables of groups, which aggregate and compare read alike.
//
// They are here so that a form or a grouping that one of them learns is one that both know.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "output/aggregate/aggregate.h"
#include "scanner/options/option_group.h"

namespace echoscan {

enum class TableFormat { text, csv, json };

// How tables are printed.
struct TableForm {
  std::vector<Grouping> groupings;  // the tables, in the order of the enumerators
  TableFormat format = TableFormat::text;
  std::size_t rows_max = 0;  // rows of each table; 0: all
};

// --by, --format and --top. `which` says what --by can name, and `first` which rows come first.
// Without --top a text has ten rows of each table. `form` must outlive the parsing.
void add_table_form(OptionGroup& group, TableForm& form, const std::string& which,
                    const std::string& first);

// Behind the parsing: puts the groupings in order, each once, and settles the rows.
void settle(TableForm& form);

}  // namespace echoscan
