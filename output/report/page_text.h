// A report's sentences and small tables: what a reader who knows no such tool has to be told.
//
// Each is a question's answer, made of the summary's figures alone. What a figure does not say
// stands beside it: silence is not absence, a sample has its interval, an estimate is a lower
// bound. Fields have the names that the page's template uses.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "output/report/report_page.h"

namespace echoscan {

// Name and text, for one place of the template or one row of a table.
using PageFields = std::vector<std::pair<std::string, std::string>>;

struct PageText {
  PageFields fields;                  // headline, sure, when, ...
  std::vector<std::string> warnings;  // what stands between the figures and the truth
  std::vector<std::string> answers;
  std::vector<std::string> losses;
  std::vector<std::string> method;
  std::vector<PageFields> ledger;
  std::vector<PageFields> passes;
  std::vector<PageFields> histories;
  std::vector<PageFields> errors;
  std::vector<PageFields> repeaters;
  std::vector<PageFields> events;
  std::vector<PageFields> provenance;
};

PageText page_text(const ReportContent& content);

}  // namespace echoscan
