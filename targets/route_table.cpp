#include "targets/route_table.h"

#include <string>

#include "targets/ipv6_prefix.h"

namespace echoscan {
namespace {

struct Route {
  std::string_view network;
  std::string_view length;
  std::string_view origin;
  bool is_whole = false;
};

Route split_route(std::string_view line) {
  Route route;
  const std::string_view text = trimmed(line);
  const std::size_t first = text.find('\t');
  const std::size_t second = text.find('\t', first == text.npos ? first : first + 1);
  if (second == std::string_view::npos) return route;
  route.network = text.substr(0, first);
  route.length = text.substr(first + 1, second - first - 1);
  route.origin = text.substr(second + 1);
  const bool is_network = parse_ipv4(route.network) || is_ipv6_target(route.network);
  const bool is_length = !route.length.empty() && route.length.size() <= 3 &&
                         route.length.find_first_not_of("0123456789") == std::string_view::npos;
  const bool is_origin = !route.origin.empty() &&
                         route.origin.find_first_not_of("0123456789_,{}") == std::string_view::npos;
  route.is_whole = is_network && is_length && is_origin;
  return route;
}

class RouteTable : public LineFormat {
 public:
  void read(std::string_view line, const ListPlace& place, TargetList& list) override {
    const Route route = split_route(line);
    if (!route.is_whole)
      return list.add_error(place, line,
                            "it is no network, length and origin with tabs between them, as the "
                            "lines above are");
    target_.assign(route.network).append("/").append(route.length);
    label_.assign("AS").append(route.origin);
    list.add(target_, label_, place);
  }

 private:
  std::string target_;  // of the last line, as the label; kept for their memory
  std::string label_;
};

}  // namespace

std::unique_ptr<LineFormat> recognise_route_table(std::string_view line) {
  if (!split_route(line).is_whole) return nullptr;
  return std::make_unique<RouteTable>();
}

}  // namespace echoscan
