// Whether a bundle is what it says: the bag by its manifests, and the scan's own figures by each
// other.
//
// Manifests find what has changed since the bundle was sealed. They cannot find a bundle that was
// wrong from the beginning, or whose manifests were made anew for other results; so the summary's
// sums are added up again (equations.h), the results' lines are counted against it, and the digest
// of the targets is computed from their list. Results and list are read line by line.
#pragma once

#include <string>
#include <tl/expected.hpp>

#include "output/bundle/bag_check.h"

namespace echoscan {

// The error is a clause that says why it is no bundle.
tl::expected<BagCheck, std::string> check_bundle(const std::string& folder);

}  // namespace echoscan
