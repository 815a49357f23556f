// Whether a bag is what its manifests say: each file that is changed, missing or added is named.
//
// Two manifests stand against each other: manifest-sha256.txt has the payload, and
// tagmanifest-sha256.txt has it and the other tag files. Of the last one nobody has a digest; a
// changed byte in it shows in what it says of another, and then both are named. Files are read in
// pieces, and manifests are bounded, so that a bag of any size takes a few megabytes.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "output/bundle/bag_folder.h"
#include "output/bundle/bag_seal.h"

namespace echoscan {

struct BagFinding {
  enum class Kind {
    changed,   // its digest is not the manifest's
    missing,   // listed, and not there
    extra,     // in the payload, and not listed
    unlisted,  // a file beside the payload that no manifest lists
    refused,   // a name that leads out of the bag, a link, or what cannot be read
    wrong,     // what it says is not so
  };
  Kind kind = Kind::changed;
  std::string file;  // below the bag's folder
  std::string what;  // a clause: "is not what manifest-sha256.txt says"
};

// "changed" and so on.
std::string_view name_of(BagFinding::Kind kind);

struct BagCheck {
  BagTotals totals;  // of the payload, as it is there
  std::vector<BagFinding> findings;
};

// The error is a clause that says why it is no bag at all.
tl::expected<BagCheck, std::string> check_bag(const BagFolder& bag);

}  // namespace echoscan
