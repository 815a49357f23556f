#include "targets/line_format.h"

#include "targets/csv_table.h"
#include "targets/json_record.h"
#include "targets/registry_record.h"
#include "targets/route_table.h"

namespace echoscan {

std::unique_ptr<LineFormat> recognise_format(std::string_view line) {
  if (std::unique_ptr<LineFormat> format = recognise_json_records(line)) return format;
  if (std::unique_ptr<LineFormat> format = recognise_registry(line)) return format;
  if (std::unique_ptr<LineFormat> format = recognise_route_table(line)) return format;
  return recognise_csv_table(line);
}

}  // namespace echoscan
