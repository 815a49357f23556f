// Texts without addresses of hosts, for a bundle that is published by /24.
//
// An address is what looks like one, wherever it stands: four numbers with points, or what the C
// library reads as IPv6. So nothing that is forgotten elsewhere, a label or a reason with an
// address in it, leaves by a text. A network that is larger than a /24 is left out as well, since
// an exclusion may be one. Rejected: to look for known addresses only, which a text that somebody
// adds later gets past.
#pragma once

#include <string>
#include <string_view>

namespace echoscan {

[[nodiscard]] bool has_address(std::string_view text);

// The text with each address, and each smaller network, as its /24: "10.1.2.3" and "10.1.2.0/28" as
// "10.1.2.0/24". Of a larger one "[a network]" is left, of an IPv6 address "[IPv6]".
std::string coarse_text(std::string_view text);

}  // namespace echoscan
