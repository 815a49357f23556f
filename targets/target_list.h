// Target lists: lines of targets and a label (target_line.h), or what others publish, into labelled
// ranges.
//
// The first bytes of a list say what it is: packed or not (list_bytes.h), one JSON document
// (cloud_list.h), or lines, of which the first says what all are (line_format.h). Errors are
// collected, not thrown, so that one run shows all that is wrong;
// the first kListErrorsMax are kept, the rest are counted. Damaged data and broken JSON make the
// whole list a failure instead: half a list is never taken for one.
// Depends on std and, in the .cpp files, on the libraries that read lists.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "targets/distinct_ranges.h"
#include "targets/host_name.h"
#include "targets/label_table.h"
#include "targets/prefix.h"

namespace echoscan {

inline constexpr std::size_t kListErrorsMax = 20;

// Where in a list a target stands, for the messages about it.
struct ListPlace {
  std::string_view list;        // "targets.txt"; alone when the rest is empty
  std::uint64_t line = 0;       // from 1
  std::string_view array = {};  // of JSON; empty when the array is the document
  std::optional<std::uint64_t> element = {};

  // "targets.txt:7", or "ranges.json: prefixes[7]".
  [[nodiscard]] std::string text() const;
  // "prefixes[7]"; of JSON.
  [[nodiscard]] std::string element_text() const;
};

// What lists hold. Memory grows with the distinct ranges and labels, not with the lines.
struct TargetList {
  DistinctRanges ranges;
  // From the first label on, all ranges in the order read, those before it too; empty without
  // labels. Of a range that comes again the last one counts, so that only that is kept in the end.
  std::vector<LabelledRange> entries;
  LabelTable labels;
  // Whether entries with a label are wanted, "" for those without one; all when it is empty. Set it
  // before anything is added.
  std::function<bool(std::string_view)> is_wanted_label;
  // Whether what is named and cannot be read is an error in any case, as for exclusions, which
  // would be probed. Set it before anything is added.
  bool is_strict = false;
  // Looks up the names of hosts at the beginning of lines; empty: a name is an error. Set it before
  // anything is added.
  HostLookup look_up_hosts;
  std::uint64_t filtered_count = 0;    // entries that is_wanted_label left out
  std::uint64_t range_count = 0;       // ranges that were added, copies too
  std::uint64_t ipv6_count = 0;        // entries, left out
  std::uint64_t host_entry_count = 0;  // entries that name hosts and no address, left out
  std::uint64_t resolved_count = 0;    // names that were looked up
  std::uint64_t cut_label_count = 0;   // entries whose label was too long
  std::vector<std::string> errors;     // "place: text: what is wrong", at most kListErrorsMax
  std::uint64_t error_count = 0;

  // Adds a target, or counts it if it is IPv6; or adds an error, if the target or its label is
  // wrong.
  void add(std::string_view target, std::string_view label, const ListPlace& place);
  // Adds ranges that have one label; or an error, if it is wrong.
  void add(std::span<const AddressRange> targets, std::string_view label, const ListPlace& place);
  // Adds the targets of a line, with its label if there is one; a comment adds nothing. A line with
  // an error adds none of its targets. IPv6 is counted in a file; elsewhere it is an error, as its
  // writer is there to read that.
  void add_line(std::string_view line, const ListPlace& place);
  // Looks up the names that add_line has met, and adds what they stand for: with the label of the
  // line, else the name. One that stands for nothing is an error. read_target_list does so at the
  // end of each list.
  void resolve_hosts();
  // Of exclusions, an error where a text that is no target holds one: it would be passed over.
  void refuse_stray(std::string_view text, const ListPlace& place);
  // Counts an error, and keeps it if it is among the first kListErrorsMax.
  void add_error(const ListPlace& place, std::string_view text, std::string_view what);

 private:
  // A name that is not looked up yet.
  struct NamedHost {
    std::string name;
    std::string label;
    std::string list;
    std::uint64_t line = 0;
  };

  void add(const AddressRange& range, LabelId label);
  // Notes the name that a line begins with; false: there is none, or none is looked up.
  bool take_host(std::string_view line, const ListPlace& place);
  bool is_wanted(LabelId label);
  void remove_copies();

  std::vector<NamedHost> hosts_;
  std::vector<AddressRange> line_ranges_;  // of the last line; kept for its memory
  std::vector<char> is_wanted_;            // by label, as far as is_wanted_label was asked
  std::size_t entries_max_ = kEntriesMin;  // copies are removed when there are so many

  static constexpr std::size_t kEntriesMin = 1 << 18;
  // More names than anybody's resolver answers in an hour.
  static constexpr std::size_t kHostsMax = 1'000'000;
};

// Appends what a list holds. `name` is what errors call it ("targets.txt"). The error says why it
// cannot be read as a whole, a clause; `list` then holds what stood before that.
[[nodiscard]] tl::expected<void, std::string> read_target_list(std::istream& in,
                                                               std::string_view name,
                                                               TargetList& list);

}  // namespace echoscan
