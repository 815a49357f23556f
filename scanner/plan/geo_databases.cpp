#include "scanner/plan/geo_databases.h"

#include <fmt/format.h>

#include "output/summary/figure_text.h"
#include "scanner/process/log.h"
#include "scanner/process/user_error.h"

namespace echoscan {

GeoTable load_geo(const std::vector<std::string>& databases) {
  GeoTable geo;
  for (const std::string& path : databases)
    if (const tl::expected<void, std::string> added = geo.add_database(path); !added)
      throw UserError(ExitCode::bad_usage, fmt::format("--mmdb: {}", added.error()));
  if (!geo.is_empty())
    log_info("geo: {} networks from {}", with_thousands(geo.networks().size()), geo.description());
  return geo;
}

}  // namespace echoscan
