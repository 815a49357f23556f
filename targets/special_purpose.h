// The special-purpose ranges, in which no probe of a public survey belongs, each with the document
// that sets it aside.
//
// The IANA IPv4 Special-Purpose Address Registry as updated 2020-09-04, less the entries that it
// marks as globally reachable (192.31.196.0/24, 192.52.193.0/24, 192.175.48.0/24, which are anycast
// services that answer) and less those inside another (0.0.0.0/32, parts of 192.0.0.0/24,
// 255.255.255.255/32); and multicast, which has a registry of its own. They are excluded unless an
// option says otherwise. zmap ships such a list, of 2013, as a file that `-b` replaces; one that is
// built in cannot be lost.
#pragma once

#include <array>
#include <string_view>

#include "targets/prefix.h"

namespace echoscan {

inline constexpr std::string_view kSpecialPurposeRegistryDate = "2020-09-04";

struct SpecialPurposeRange {
  AddressRange range;
  std::string_view name;
  std::string_view rfc;
};

// Ascending and disjoint.
inline constexpr std::array<SpecialPurposeRange, 15> kSpecialPurposeRanges{{
    {{{0x00000000}, {0x00ffffff}}, "this network", "RFC 791"},
    {{{0x0a000000}, {0x0affffff}}, "private use", "RFC 1918"},
    {{{0x64400000}, {0x647fffff}}, "shared address space", "RFC 6598"},
    {{{0x7f000000}, {0x7fffffff}}, "loopback", "RFC 1122"},
    {{{0xa9fe0000}, {0xa9feffff}}, "link local", "RFC 3927"},
    {{{0xac100000}, {0xac1fffff}}, "private use", "RFC 1918"},
    {{{0xc0000000}, {0xc00000ff}}, "IETF protocol assignments", "RFC 6890"},
    {{{0xc0000200}, {0xc00002ff}}, "documentation (TEST-NET-1)", "RFC 5737"},
    {{{0xc0586300}, {0xc05863ff}}, "deprecated (6to4 relay anycast)", "RFC 7526"},
    {{{0xc0a80000}, {0xc0a8ffff}}, "private use", "RFC 1918"},
    {{{0xc6120000}, {0xc613ffff}}, "benchmarking", "RFC 2544"},
    {{{0xc6336400}, {0xc63364ff}}, "documentation (TEST-NET-2)", "RFC 5737"},
    {{{0xcb007100}, {0xcb0071ff}}, "documentation (TEST-NET-3)", "RFC 5737"},
    {{{0xe0000000}, {0xefffffff}}, "multicast", "RFC 5771"},
    {{{0xf0000000}, {0xffffffff}}, "reserved, limited broadcast", "RFC 1112, RFC 919"},
}};

}  // namespace echoscan
