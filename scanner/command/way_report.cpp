#include "scanner/command/way_report.h"

#include <nlohmann/json.hpp>
#include <string>

namespace echoscan {

using Json = nlohmann::ordered_json;

Json ways_json(std::span<const WayShare> ways) {
  const auto or_null = [](const std::string& text) {
    return text.empty() ? Json(nullptr) : Json(text);
  };
  Json json = Json::array();
  for (const WayShare& share : ways)
    json.push_back({{"kind", kind_name(share.way.kind)},
                    {"interface", or_null(share.interface_name)},
                    {"next_hop", or_null(next_hop_text(share.way))},
                    {"source", or_null(share.way.source ? to_string(*share.way.source) : "")},
                    {"count", share.targets}});
  return json;
}

}  // namespace echoscan
