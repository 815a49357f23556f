#include "scanner/plan/target_selection.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <regex>

#include "output/bundle/sha256.h"
#include "output/summary/figure_text.h"
#include "scanner/network/host_lookup.h"
#include "scanner/plan/digested_stream.h"
#include "scanner/process/log.h"
#include "scanner/process/user_error.h"
#include "targets/target_list.h"

namespace echoscan {
namespace {

// Says of a list of targets what of it is not there as it was written. Labels of exclusions are for
// nobody, and what they name beside addresses is an error.
void log_changes(const std::string& name, std::uint64_t cut_labels, std::uint64_t host_entries) {
  if (cut_labels > 0)
    log_info("{}: {} label{} cut at {} bytes", name, with_thousands(cut_labels),
             cut_labels == 1 ? " was" : "s were", kTargetLabelBytesMax);
  if (host_entries > 0)
    log_warning("{}: {} left out, since {} hosts and no address", name,
                host_entries == 1 ? "1 entry is"
                                  : fmt::format("{} entries are", with_thousands(host_entries)),
                host_entries == 1 ? "it names" : "they name");
}

// Appends what the file holds to `list`, and the file to `lists`.
void read_file(const std::string& path, TargetList& list, std::vector<ReadList>& lists) {
  const auto read = [&](std::istream& in, const std::string& name) {
    const std::uint64_t cut_before = list.cut_label_count;
    const std::uint64_t hosts_before = list.host_entry_count;
    const std::uint64_t ranges_before = list.range_count;
    DigestedStream digested(in);
    const tl::expected<void, std::string> read_list =
        read_target_list(digested.stream(), name, list);
    if (!read_list)
      throw UserError(ExitCode::bad_usage,
                      fmt::format("cannot read the list '{}': {}", name, read_list.error()));
    if (!list.is_strict)
      log_changes(name, list.cut_label_count - cut_before, list.host_entry_count - hosts_before);
    ReadList& file = lists.emplace_back();
    file.name = path;
    file.is_exclusion = list.is_strict;
    file.digest = digested.digest();
    file.bytes = digested.bytes();
    file.entries = list.range_count - ranges_before;
  };
  if (path == "-") {
    // With stdio in between, a read error would look like the end.
    std::ios::sync_with_stdio(false);
    read(std::cin, "standard input");
    return;
  }
  std::ifstream file(path, std::ios::binary);
  if (!file.is_open())
    throw UserError(ExitCode::bad_usage,
                    fmt::format("cannot read the list '{}': {}", path, std::strerror(errno)));
  read(file, path);
}

// Leaves out the entries in whose label `expression` is not found.
void filter_labels(TargetList& list, const std::string& expression) {
  if (expression.empty()) return;
  list.is_wanted_label = [filter = std::regex(expression)](std::string_view label) {
    return std::regex_search(label.begin(), label.end(), filter);
  };
}

// Everything that is wrong in a list.
std::string errors_text(const TargetList& list) {
  std::string text = fmt::format("{}", fmt::join(list.errors, "\n"));
  if (list.error_count > list.errors.size())
    text += fmt::format("\nand {} more", with_thousands(list.error_count - list.errors.size()));
  return text;
}

// Reads the targets into one list. Throws UserError when any has errors; with --skip-bad-lines it
// counts the errors of files and warns of them instead.
TargetList read_targets(const TargetConfig& config, std::vector<ReadList>& lists) {
  TargetList list;
  filter_labels(list, config.label_filter);
  if (config.resolves_names) list.look_up_hosts = look_up_hosts;
  // An option is never skipped: its writer is at the terminal.
  for (const std::string& text : config.targets) list.add_line(text, {"target"});
  list.resolve_hosts();
  const std::uint64_t option_errors = list.error_count;
  for (const std::string& file : config.target_files) {
    const std::uint64_t before = list.range_count + list.filtered_count + list.error_count;
    read_file(file, list, lists);
    if (list.range_count + list.filtered_count + list.error_count == before)
      log_warning("the list '{}' holds no targets", file);
  }
  if (list.resolved_count > 0)
    log_info("{} name{} of hosts {} looked up", with_thousands(list.resolved_count),
             plural(list.resolved_count), list.resolved_count == 1 ? "was" : "were");
  if (list.error_count == 0) return list;
  const std::string errors = errors_text(list);
  if (!config.skip_bad_lines || option_errors > 0) throw UserError(ExitCode::bad_usage, errors);
  log_warning("{} bad line{} skipped:\n{}", with_thousands(list.error_count),
              plural(list.error_count), errors);
  return list;
}

// Calls `read`, which is to add exclusions. Adding none, without an error, is an error.
template <typename Read>
void add_exclusions(TargetList& list, const std::string& what, const Read& read) {
  const std::uint64_t before = list.range_count + list.error_count;
  read();
  if (list.range_count + list.error_count > before) return;
  throw UserError(ExitCode::bad_usage,
                  fmt::format("{} excludes nothing: there is no IPv4 address, block or range in "
                              "it, and without one all that it was to exclude would be probed",
                              what));
}

// Reads exclusions into one list. A wrong line is never skipped: what it was to leave alone would
// be probed.
TargetList read_exclusions(const TargetConfig& config, std::vector<ReadList>& lists) {
  TargetList list;
  list.is_strict = true;
  if (config.resolves_names) list.look_up_hosts = look_up_hosts;
  for (const std::string& text : config.excludes)
    add_exclusions(list, fmt::format("--exclude '{}'", text), [&] {
      list.add_line(text, {"--exclude"});
      list.resolve_hosts();
    });
  for (const std::string& file : config.exclude_files)
    add_exclusions(list, fmt::format("the list of exclusions '{}'", file),
                   [&] { read_file(file, list, lists); });
  if (list.error_count > 0) throw UserError(ExitCode::bad_usage, errors_text(list));
  return list;
}

// Removes the special-purpose ranges that no option allows, and counts what each of them removed.
void subtract_reserved(std::vector<AddressRange>& left, const TargetConfig& config,
                       TargetCounts& counts) {
  if (config.allow_reserved) return;
  std::vector<AddressRange> lifted = merge_ranges(config.allowed_ranges);
  std::vector<AddressRange> holes;
  for (const SpecialPurposeRange& entry : kSpecialPurposeRanges) {
    const std::vector<AddressRange> parts = subtract_ranges({entry.range}, lifted);
    const std::uint64_t taken = count_common(left, parts);
    if (taken > 0) counts.reserved.push_back({entry, taken});
    counts.excluded_reserved += taken;
    // An address is counted for the first range that has it.
    holes.insert(holes.end(), parts.begin(), parts.end());
    lifted.insert(lifted.end(), parts.begin(), parts.end());
    lifted = merge_ranges(std::move(lifted));
  }
  if (counts.excluded_reserved > 0)
    left = subtract_ranges(std::move(left), merge_ranges(std::move(holes)));
}

// Warns of an --allow-range that overlaps no special-purpose range: it has no effect, and nothing
// else says so.
void warn_of_idle_allowances(const TargetConfig& config) {
  for (const AddressRange& range : config.allowed_ranges) {
    const auto overlaps = [&range](const SpecialPurposeRange& entry) {
      return entry.range.first <= range.last && range.first <= entry.range.last;
    };
    if (std::none_of(kSpecialPurposeRanges.begin(), kSpecialPurposeRanges.end(), overlaps))
      log_warning("--allow-range {} lifts nothing: it is not in the special-purpose registry",
                  to_string(range));
  }
}

void log_left_out(const TargetCounts& counts) {
  if (counts.ipv6_entries > 0)
    log_info("{} IPv6 entries of the lists are left out", with_thousands(counts.ipv6_entries));
  if (counts.filtered_entries > 0)
    log_info("{} entries are left out by --label-filter", with_thousands(counts.filtered_entries));
}

// There may be no list, or one of comments alone, as the package brings it. It has to begin with a
// comment for that: what a failed download leaves, a file without a byte or somebody's empty JSON,
// does not. A link that leads nowhere is an error, too: a list was meant to be there.
std::vector<AddressRange> read_system_list(const std::string& path, std::vector<ReadList>& lists) {
  struct stat status {};
  if (path.empty() || (lstat(path.c_str(), &status) != 0 && errno == ENOENT)) return {};
  TargetList list;
  read_file(path, list, lists);
  lists.back().is_exclusion = true;
  if (list.error_count > 0) throw UserError(ExitCode::bad_usage, errors_text(list));
  if (list.range_count == 0 && std::ifstream(path, std::ios::binary).peek() != '#')
    throw UserError(ExitCode::bad_usage,
                    fmt::format("the system-wide list of exclusions '{}' excludes nothing: where "
                                "that is meant, begin it with a comment (#) or remove it",
                                path));
  return list.ranges.take_merged();
}

// Removes what the system-wide list has, where there is one, and counts it.
void subtract_system_list(std::vector<AddressRange>& left, const std::string& path,
                          TargetCounts& counts) {
  const std::vector<AddressRange> holes = read_system_list(path, counts.lists);
  if (holes.empty()) return;
  counts.system_list = path;
  counts.system_digest = digest_of(holes);
  counts.excluded_by_system = count_common(left, holes);
  left = subtract_ranges(std::move(left), holes);
  log_info("{} of the listed addresses are excluded by the system-wide list {}",
           with_thousands(counts.excluded_by_system), path);
}

}  // namespace

std::vector<AddressRange> system_exclusions(const std::string& path) {
  std::vector<ReadList> lists;
  return read_system_list(path, lists);
}

// The text is put together by hand: fmt took a second for ten million ranges.
std::string digest_of(std::span<const AddressRange> ranges) {
  Sha256 hash;
  std::array<char, 1 << 14> text;
  constexpr std::size_t kRangeLineBytesMax = 2 * kIpv4WriteBytes + 2;
  char* end = text.data();
  const auto hash_text = [&] {
    hash.add({text.data(), static_cast<std::size_t>(end - text.data())});
    end = text.data();
  };
  for (const AddressRange& range : ranges) {
    end = write_ipv4(end, range.first);
    *end++ = '-';
    end = write_ipv4(end, range.last);
    *end++ = '\n';
    if (end + kRangeLineBytesMax > text.data() + text.size()) hash_text();
  }
  hash_text();
  return hash.digest();
}

TargetSelection select_targets(const TargetConfig& config) {
  if (std::count(config.target_files.begin(), config.target_files.end(), "-") +
          std::count(config.exclude_files.begin(), config.exclude_files.end(), "-") >
      1)
    throw UserError(ExitCode::bad_usage, "standard input ('-') can be read as one list only");
  warn_of_idle_allowances(config);
  TargetSelection selection;
  TargetCounts& counts = selection.counts;

  TargetList listed = read_targets(config, counts.lists);
  TargetList excluded = read_exclusions(config, counts.lists);
  counts.ipv6_entries = listed.ipv6_count + excluded.ipv6_count;
  counts.host_entries = listed.host_entry_count;
  counts.cut_labels = listed.cut_label_count;
  counts.bad_lines = listed.error_count;
  counts.filtered_entries = listed.filtered_count;
  log_left_out(counts);

  counts.listed_repeatedly = listed.ranges.count_repeated();
  selection.ranges = listed.ranges.take_merged();
  counts.listed = count_addresses(selection.ranges);
  const std::vector<AddressRange> holes = excluded.ranges.take_merged();
  if (!holes.empty()) counts.user_digest = digest_of(holes);
  if (!holes.empty()) selection.ranges = subtract_ranges(std::move(selection.ranges), holes);
  counts.excluded_by_user = counts.listed - count_addresses(selection.ranges);
  subtract_system_list(selection.ranges, config.system_exclude_file, counts);
  subtract_reserved(selection.ranges, config, counts);

  selection.digest = digest_of(selection.ranges);
  selection.labels = LabelMap(std::move(listed.labels), listed.entries);
  return selection;
}

std::string system_list_digest(const std::string& path) {
  const std::vector<AddressRange> ranges = system_exclusions(path);
  return ranges.empty() ? "" : digest_of(ranges);
}

void refuse_empty(const TargetSelection& selection) {
  if (!selection.ranges.empty()) return;
  const TargetCounts& counts = selection.counts;
  if (counts.listed == 0)
    throw UserError(ExitCode::bad_usage,
                    counts.filtered_entries > 0
                        ? "no targets are left: --label-filter matches no label"
                        : "the lists hold no targets");
  std::string sentence = fmt::format("no targets are left: {} listed, {} excluded", counts.listed,
                                     counts.excluded_by_user);
  if (counts.excluded_by_system > 0)
    sentence += fmt::format(", {} by {}", counts.excluded_by_system, counts.system_list);
  if (!counts.reserved.empty()) {
    const TargetCounts::Reserved& first = counts.reserved.front();
    sentence += fmt::format(
        ", {} in special-purpose ranges (such as {}, {}, {}); --allow-reserved or --allow-range {} "
        "lets them be probed",
        counts.excluded_reserved, to_string(first.entry.range), first.entry.name, first.entry.rfc,
        to_string(first.entry.range));
  }
  throw UserError(ExitCode::bad_usage, sentence);
}

}  // namespace echoscan
