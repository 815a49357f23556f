#include "output/bundle/bundle_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <optional>

#include "output/aggregate/line_source.h"
#include "output/bundle/bundle_files.h"
#include "output/bundle/sha256.h"
#include "output/summary/equations.h"
#include "output/summary/summary.h"
#include "targets/address.h"

namespace echoscan {
namespace {

using Kind = BagFinding::Kind;

constexpr std::size_t kSummaryBytesMax = std::size_t{256} << 20;
constexpr std::string_view kDigestComment = "# sha256:";

std::string payload(const char* name) {
  return std::string("data/") + name;
}

// The digest of the ranges of a list that a scan has left in its bundle: those of neighbouring
// lines, which labels have cut, are put together again.
class RangeDigest {
 public:
  // False: the line is no range, or does not follow those before it.
  bool add(std::string_view line) {
    const std::size_t hyphen = line.find('-');
    if (hyphen == line.npos) return false;
    const std::size_t end = std::min(line.find(' ', hyphen), line.size());
    const std::optional<Ipv4> first = parse_ipv4(line.substr(0, hyphen));
    const std::optional<Ipv4> last = parse_ipv4(line.substr(hyphen + 1, end - hyphen - 1));
    if (!first || !last || *last < *first || (is_begun_ && *first <= last_)) return false;
    if (!is_begun_ || first->value != last_.value + 1) {
      end_range();
      first_ = *first;
    }
    is_begun_ = true;
    last_ = *last;
    return true;
  }
  std::string digest() {
    end_range();
    return "sha256:" + hash_.digest();
  }

 private:
  void end_range() {
    if (is_begun_) hash_.add(to_string(first_) + "-" + to_string(last_) + "\n");
  }

  Sha256 hash_;
  Ipv4 first_;
  Ipv4 last_;
  bool is_begun_ = false;
};

// Replies, errors and repeats of a row of the table by /24; nullopt: it is another table's.
std::optional<std::uint64_t> lines_of_row(std::string_view row) {
  if (!row.starts_with("slash24,")) return std::nullopt;
  std::uint64_t lines = 0;
  constexpr int kFirstCount = 3;
  constexpr int kCounts = 3;
  for (int column = 0; column < kFirstCount + kCounts; ++column) {
    const std::size_t end = std::min(row.find(','), row.size());
    std::uint64_t count = 0;
    if (column >= kFirstCount) std::from_chars(row.data(), row.data() + end, count);
    lines += count;
    row.remove_prefix(std::min(end + 1, row.size()));
  }
  return lines;
}

class ContentCheck {
 public:
  ContentCheck(const BagFolder& bag, BagCheck& check) : bag_(bag), check_(check) {}

  void run() {
    check_summary();
    if (!summary_) return;
    check_targets();
    check_results();
  }

 private:
  void add(const std::string& file, std::string what) {
    check_.findings.push_back({Kind::wrong, file, std::move(what)});
  }

  void check_summary() {
    const std::string path = payload(bundle_files::kSummary);
    const tl::expected<std::string, std::string> text = bag_.text(path, kSummaryBytesMax);
    if (!text) return add(path, fmt::format("cannot be read: {}", text.error()));
    tl::expected<Summary, std::string> summary = read_summary(*text);
    if (!summary) return add(path, fmt::format("is not a summary of a scan: {}", summary.error()));
    summary_ = std::move(*summary);
    for (const std::string& fault : faults_of(*text))
      add(path, fmt::format("does not add up: {}", fault));
  }

  // Calls `use` with each line; a finding where the file cannot be read to its end, and false.
  template <typename Use>
  bool read_lines(const std::string& path, const Use& use) {
    const tl::expected<int, std::string> file = bag_.open_file(path);
    const auto source = file ? LineSource::take(*file, path) : tl::make_unexpected(file.error());
    std::string why = source ? "" : source.error();
    if (source) {
      for (std::string_view line; (*source)->next(line);) use(line);
      why = (*source)->error();
    }
    if (!why.empty()) add(path, fmt::format("cannot be read: {}", why));
    return why.empty();
  }

  void check_targets() {
    const std::string path = payload(bundle_files::kTargets);
    RangeDigest ranges;
    std::uint64_t lines = 0;
    std::uint64_t wrong_line = 0;  // 0: none
    std::string told;              // in place of ranges
    const bool is_read = read_lines(path, [&](std::string_view line) {
      if (++lines == 1 && line.starts_with(kDigestComment)) {
        told = line.substr(2, line.find(' ', 2) - 2);
      } else if (!ranges.add(line) && wrong_line == 0) {
        wrong_line = lines;
      }
    });
    if (!is_read) return;
    const bool has_both = !told.empty() && lines > 1;
    if (wrong_line > 0 || has_both)
      return add(path, fmt::format("line {} is no range that follows those before it",
                                   has_both ? 2 : wrong_line));
    const std::string digest = told.empty() ? ranges.digest() : told;
    if (digest != summary_->targets.digest)
      add(path, fmt::format("has the digest {}, and the summary's targets have {}", digest,
                            summary_->targets.digest));
  }

  void check_results() {
    constexpr std::array kNames{bundle_files::kJsonResults, bundle_files::kCsvResults,
                                bundle_files::kAddressResults, bundle_files::kSlash24Results};
    std::vector<std::string> there;
    for (const char* name : kNames)
      if (bag_.has(payload(name))) there.emplace_back(name);
    if (there.size() != 1)
      return add("data",
                 fmt::format("has {} files of results, and a bundle has one", there.size()));
    const std::string path = payload(there.front().c_str());
    const bool has_header = there.front() == bundle_files::kCsvResults;
    const bool is_table = there.front() == bundle_files::kSlash24Results;
    std::uint64_t lines = 0;
    const bool is_read = read_lines(path, [&](std::string_view line) {
      lines += is_table ? lines_of_row(line).value_or(0) : 1;
    });
    if (!is_read) return;
    if (has_header && lines > 0) --lines;
    if (lines != summary_->output.lines)
      add(path,
          fmt::format("has {} results, and the summary says {}", lines, summary_->output.lines));
  }

  const BagFolder& bag_;
  BagCheck& check_;
  std::optional<Summary> summary_;
};

}  // namespace

tl::expected<BagCheck, std::string> check_bundle(const std::string& folder) {
  const tl::expected<BagFolder, std::string> bag = BagFolder::open(folder);
  if (!bag) return tl::make_unexpected(bag.error());
  tl::expected<BagCheck, std::string> check = check_bag(*bag);
  if (check) ContentCheck(*bag, *check).run();
  return check;
}

}  // namespace echoscan
