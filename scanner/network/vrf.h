// The VRFs of this network namespace: tables of routes that only what is bound to them is asked
// for.
//
// A host whose uplink is in one has no route outside of it, and who does not know why is told their
// names. Rejected: to look into them unasked, since the kernel would not send a ping that way
// either. Set-up only; one thread.
#pragma once

#include <string>
#include <vector>

namespace echoscan {

// By name. Throws std::system_error.
std::vector<std::string> vrf_names();

}  // namespace echoscan
