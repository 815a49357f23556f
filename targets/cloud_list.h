// A cloud's published address list, read as it is: Amazon's, Google's or Microsoft's JSON.
//
// One reader serves all three, since no key means two things: `prefixes[]` with `ip_prefix`,
// `region` and `service` (Amazon), `prefixes[]` with `ipv4Prefix`, `scope` and `service` (Google),
// `values[]` with `name` and `properties.addressPrefixes` (Microsoft). The label is region or
// scope, a slash, and service; or the name. IPv6 prefixes are counted and left out. Read as a
// stream of events, in any order of keys: Microsoft's file is 5 MB, and a tree of it would take ten
// times that.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "targets/list_bytes.h"
#include "targets/target_list.h"

namespace echoscan {

// Appends what the JSON holds, as read_target_list does.
[[nodiscard]] tl::expected<void, std::string> read_cloud_list(ListBytes& bytes,
                                                              std::string_view name,
                                                              TargetList& list);

}  // namespace echoscan
