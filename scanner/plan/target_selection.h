// The selection: which of the listed addresses are probed, and why each of the others is not.
//
// Exclusions and special-purpose ranges are taken from the lists one after the other and counted at
// each step, so that the counts add up: listed = excluded by the user + by the system-wide list +
// reserved + left. Exclusions win over everything; --allow-range does not lift them. A list of them
// that excludes nothing is an error, since it was meant to: an opt-out list that a failed download
// left empty would be probed from end to end. Of the system-wide one comments alone are none, since
// the package brings it so. The digest is SHA-256 over the text
// "first-last\n" of each range that is left, ascending: labels and the way in which a list is
// written do not change it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "scanner/options/target_options.h"
#include "targets/label_map.h"
#include "targets/special_purpose.h"

namespace echoscan {

// A file that was read for targets or exclusions.
struct ReadList {
  std::string name;  // as it was given; "-" for standard input
  bool is_exclusion = false;
  std::string digest;  // SHA-256 of its bytes as they came, 64 hexadecimal digits
  std::uint64_t bytes = 0;
  std::uint64_t entries = 0;  // ranges that it gave, copies too
};

struct TargetCounts {
  // Special-purpose addresses that were listed and not excluded by the user.
  struct Reserved {
    SpecialPurposeRange entry;
    std::uint64_t count = 0;
  };

  std::uint64_t listed = 0;              // distinct addresses on the lists
  std::uint64_t listed_repeatedly = 0;   // of those, on more than one line
  std::uint64_t excluded_by_user = 0;    // of those listed, by --exclude and --exclude-file
  std::uint64_t excluded_by_system = 0;  // of the rest, by the system-wide list
  std::uint64_t excluded_reserved = 0;   // of the rest, special-purpose ranges
  std::string
      user_digest;  // of the user's exclusions, as that of the targets; empty: there are none
  std::string system_list;             // its path; empty: there is none
  std::string system_digest;           // of its ranges, as that of the targets
  std::vector<Reserved> reserved;      // the same by range, without those that took none
  std::uint64_t ipv6_entries = 0;      // left out of lists
  std::uint64_t host_entries = 0;      // left out of lists: they name hosts and no address
  std::uint64_t cut_labels = 0;        // entries whose label was longer than one may be
  std::uint64_t filtered_entries = 0;  // left out by --label-filter
  std::uint64_t bad_lines = 0;         // left out by --skip-bad-lines
  std::vector<ReadList> lists = {};    // in the order in which they were read
};

struct TargetSelection {
  std::vector<AddressRange> ranges;  // to be probed: merged, less all exclusions; may be empty
  std::string digest;                // 64 hexadecimal digits
  LabelMap labels;
  TargetCounts counts;
};

// Reads every list and logs what is left out. Throws UserError when a list cannot be read or has
// errors.
TargetSelection select_targets(const TargetConfig& config);

// The ranges of a system-wide list, merged; empty where there is no such list, or one of comments.
// Throws UserError as select_targets() does.
std::vector<AddressRange> system_exclusions(const std::string& path);

// The digest of a system-wide list's ranges; empty where there is no such list. Throws UserError as
// select_targets() does.
std::string system_list_digest(const std::string& path);

// Throws UserError, saying why, when nothing is left.
void refuse_empty(const TargetSelection& selection);

// SHA-256 over the text of the ranges, 64 hexadecimal digits.
std::string digest_of(std::span<const AddressRange> ranges);

}  // namespace echoscan
