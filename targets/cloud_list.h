// A published list that is one JSON document, read as it is: Amazon's, Google's, Microsoft's and
// Oracle's, Microsoft 365's, GitHub's, Fastly's and Cloudflare's, and a plain array of prefixes.
//
// One reader serves all, since no key means two things; docs/targets.md has the table of keys and
// labels. Objects with prefixes in them are elements of `prefixes`, `values` or `regions`, or of
// the document. An array of texts at the top, or in `result`, is one of prefixes when it begins
// with one, and its key is their label. IPv6 prefixes are counted and left out. Read as a stream of
// events, in any order of keys: Microsoft's file is 5 MB, and a tree of it would take ten times
// that. Of exclusions, nothing that is written as a target is passed over.
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
