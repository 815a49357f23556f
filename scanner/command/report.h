// `echoscan report`: a scan's results and summary as one page, and its map as a picture.
//
// It reads what aggregate reads, by the same functions, so that a report and a table of the same
// scan agree. What is not known is said in the page: without the scan's lists nobody knows which
// networks were asked, and the map says so.
#pragma once

#include "scanner/options/report_config.h"
#include "scanner/process/user_error.h"

namespace echoscan {

// Writes the files. Throws UserError.
ExitCode run_report(const ReportConfig& config);

}  // namespace echoscan
