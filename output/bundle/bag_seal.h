// Making a bag of a folder that has its payload in `data` (RFC 8493): the manifests, and what the
// bag says of itself.
//
// All is read back for the digests, so that these are of what is on the disk. What is written is
// brought to the disk, and the folder too: whoever renames the folder behind that has a bag that a
// loss of power leaves whole.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <tl/expected.hpp>

#include "output/bundle/bag_info.h"

namespace echoscan {

inline constexpr const char* kBagDeclaration = "bagit.txt";
inline constexpr const char* kBagInfo = "bag-info.txt";
inline constexpr const char* kManifest = "manifest-sha256.txt";
inline constexpr const char* kTagManifest = "tagmanifest-sha256.txt";
// What bagit.txt says.
inline constexpr const char* kBagDeclarationText =
    "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n";

struct BagTotals {
  std::uint64_t files = 0;  // of the payload
  std::uint64_t bytes = 0;
};

// "bytes.files", as bag-info.txt has it.
std::string payload_oxum(const BagTotals& totals);

// `info` gets the payload's size. `goes_on` is asked every 64 KiB. The error is a clause: what
// could not be done, and why.
tl::expected<BagTotals, std::string> seal_bag(const std::string& folder, BagInfo info,
                                              const std::function<bool()>& goes_on);

}  // namespace echoscan
