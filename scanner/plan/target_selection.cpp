#include "scanner/plan/target_selection.h"

#include <fmt/format.h>
#include <sha2.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <regex>

#include "output/summary/figure_text.h"
#include "scanner/process/log.h"
#include "scanner/process/user_error.h"
#include "targets/target_list.h"

namespace echoscan {
namespace {

void read_file(const std::string& path, TargetList& list) {
  const auto read = [&list](std::istream& in, const std::string& name) {
    const tl::expected<void, std::string> read_list = read_target_list(in, name, list);
    if (!read_list)
      throw UserError(ExitCode::bad_usage,
                      fmt::format("cannot read the list '{}': {}", name, read_list.error()));
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

// Reads the options and files of one kind into one list. Throws UserError when any has errors; with
// --skip-bad-lines it counts the errors of files and warns of them instead.
TargetList read_lists(const std::vector<std::string>& texts, const char* option,
                      const std::vector<std::string>& files, bool skip_bad_lines) {
  TargetList list;
  // An option is never skipped: its writer is at the terminal.
  for (const std::string& text : texts) list.add_line(text, {option});
  const std::uint64_t option_errors = list.error_count;
  for (const std::string& file : files) read_file(file, list);
  if (list.error_count == 0) return list;
  std::string sentence = fmt::format("{}", fmt::join(list.errors, "\n"));
  if (list.error_count > list.errors.size())
    sentence += fmt::format("\nand {} more", with_thousands(list.error_count - list.errors.size()));
  if (!skip_bad_lines || option_errors > 0) throw UserError(ExitCode::bad_usage, sentence);
  log_warning("{} bad line{} skipped:\n{}", with_thousands(list.error_count),
              plural(list.error_count), sentence);
  return list;
}

// Removes the entries in whose label `expression` is not found; returns how many.
std::uint64_t filter_labels(TargetList& list, const std::string& expression) {
  if (expression.empty()) return 0;
  const std::regex filter(expression);
  std::vector<bool> is_wanted;
  for (LabelId label = 0; label < list.labels.size(); ++label) {
    const std::string_view text = list.labels.text(label);
    is_wanted.push_back(std::regex_search(text.begin(), text.end(), filter));
  }
  return std::erase_if(list.entries,
                       [&](const LabelledRange& entry) { return !is_wanted[entry.label]; });
}

std::vector<AddressRange> ranges_of(const TargetList& list) {
  std::vector<AddressRange> ranges;
  ranges.reserve(list.entries.size());
  for (const LabelledRange& entry : list.entries) ranges.push_back(entry.range);
  return ranges;
}

// Removes the special-purpose ranges that no option allows, and counts what each of them removed.
std::vector<AddressRange> subtract_reserved(const std::vector<AddressRange>& ranges,
                                            const TargetConfig& config, TargetCounts& counts) {
  const std::vector<AddressRange> lifted = merge_ranges(config.allowed_ranges);
  std::vector<AddressRange> left = ranges;
  if (config.allow_reserved) return left;
  for (const SpecialPurposeRange& entry : kSpecialPurposeRanges) {
    const std::uint64_t before = count_addresses(left);
    left = subtract_ranges(left, subtract_ranges(std::array{entry.range}, lifted));
    const std::uint64_t taken = before - count_addresses(left);
    if (taken > 0) counts.reserved.push_back({entry, taken});
    counts.excluded_reserved += taken;
  }
  return left;
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

std::string digest_of(std::span<const AddressRange> ranges) {
  SHA2_CTX context;
  SHA256Init(&context);
  for (const AddressRange& range : ranges) {
    const std::string line = fmt::format("{}-{}\n", to_string(range.first), to_string(range.last));
    SHA256Update(&context, reinterpret_cast<const std::uint8_t*>(line.data()), line.size());
  }
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest{};
  SHA256Final(digest.data(), &context);
  return fmt::format("{:02x}", fmt::join(digest, ""));
}

void log_left_out(const TargetCounts& counts) {
  if (counts.ipv6_entries > 0)
    log_info("{} IPv6 entries of the lists are left out", with_thousands(counts.ipv6_entries));
  if (counts.filtered_entries > 0)
    log_info("{} entries are left out by --label-filter", with_thousands(counts.filtered_entries));
}

}  // namespace

TargetSelection select_targets(const TargetConfig& config) {
  if (std::count(config.target_files.begin(), config.target_files.end(), "-") +
          std::count(config.exclude_files.begin(), config.exclude_files.end(), "-") >
      1)
    throw UserError(ExitCode::bad_usage, "standard input ('-') can be read as one list only");
  warn_of_idle_allowances(config);
  TargetSelection selection;
  TargetCounts& counts = selection.counts;

  TargetList listed =
      read_lists(config.targets, "target", config.target_files, config.skip_bad_lines);
  // A wrong line of an exclusion list is never skipped: what it was to leave alone would be probed.
  const TargetList excluded = read_lists(config.excludes, "--exclude", config.exclude_files, false);
  counts.ipv6_entries = listed.ipv6_count + excluded.ipv6_count;
  counts.bad_lines = listed.error_count;
  counts.filtered_entries = filter_labels(listed, config.label_filter);
  log_left_out(counts);

  counts.listed_repeatedly = count_repeated(ranges_of(listed));
  const std::vector<AddressRange> merged = merge_ranges(ranges_of(listed));
  const std::vector<AddressRange> allowed =
      subtract_ranges(merged, merge_ranges(ranges_of(excluded)));
  selection.ranges = subtract_reserved(allowed, config, counts);
  counts.listed = count_addresses(merged);
  counts.excluded_by_user = counts.listed - count_addresses(allowed);

  selection.digest = digest_of(selection.ranges);
  selection.labels = LabelMap(std::move(listed.labels), listed.entries);
  return selection;
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
