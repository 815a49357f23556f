// JSON lines, a record a line: our own results, and Spamhaus' DROP list as JSON.
//
// Of a result the `target` is listed, whatever the line says of it, and `label` is its label, so
// that who answered is a list again, with the labels that it had. Spamhaus' records have `cidr`,
// and `sblid` for a label; the list ends with a record of type `metadata`, which names no address.
// The first record says which of the two all are. Read by simdjson, as results come by the million.
#pragma once

#include <memory>
#include <string_view>

#include "targets/line_format.h"

namespace echoscan {

// Whether a line is a whole JSON object that such a list may begin with.
bool is_json_record(std::string_view line);

// Null when it is none.
std::unique_ptr<LineFormat> recognise_json_records(std::string_view line);

}  // namespace echoscan
