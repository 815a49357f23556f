#include "scanner/options/option_table.h"

#include <nlohmann/json.hpp>

#include "output/result/result_field.h"

namespace echoscan {

namespace {
using Json = nlohmann::ordered_json;
}

std::string command_table_json(const CommandTable& table) {
  Json options = Json::array();
  for (const OptionRow& row : table.options)
    options.push_back({{"names", row.names},
                       {"type", row.type_name},
                       {"description", row.description},
                       {"heading", row.heading},
                       {"argument", row.is_argument},
                       {"repeatable", row.is_repeatable}});
  const Json json = {{"name", table.name},
                     {"what", table.what},
                     {"footer", table.footer},
                     {"options", std::move(options)}};
  return json.dump() + "\n";
}

std::string command_list_json(std::string_view version, std::string_view what,
                              std::span<const CommandListRow> commands) {
  Json rows = Json::array();
  for (const CommandListRow& row : commands)
    rows.push_back({{"name", row.name}, {"what", row.what}, {"usage", row.usage}});
  Json fields = Json::array();
  for (const ResultField& field : kResultFields) fields.push_back(field.name);
  const Json json = {{"name", "echoscan"},
                     {"version", version},
                     {"what", what},
                     {"commands", std::move(rows)},
                     {"result_fields", std::move(fields)}};
  return json.dump() + "\n";
}

}  // namespace echoscan
