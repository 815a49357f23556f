#include "scanner/target_plan.h"

#include <fmt/format.h>
#include <sha2.h>
#include <spdlog/spdlog.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <system_error>

#include "scanner/user_error.h"
#include "targets/shard_blocks.h"
#include "targets/special_purpose.h"

namespace echoscan {
namespace {

void read_file(const std::string& path, TargetList& list) {
  if (path == "-") {
    read_target_list(std::cin, "standard input", list);
    return;
  }
  std::ifstream file(path);
  if (file) read_target_list(file, path, list);
  if (!file.is_open() || file.bad())
    throw UserError(ExitCode::bad_usage,
                    fmt::format("cannot read the list '{}': {}", path, std::strerror(errno)));
}

std::vector<AddressRange> read_ranges(const std::vector<std::string>& texts, const char* option,
                                      const std::vector<std::string>& files) {
  TargetList list;
  for (const std::string& text : texts) {
    std::string error;
    if (const std::optional<AddressRange> range = parse_range(text, error)) {
      list.ranges.push_back(*range);
    } else {
      list.add_error(fmt::format("{} {}: {}", option, text, error));
    }
  }
  for (const std::string& file : files) read_file(file, list);
  if (list.error_count > 0) {
    std::string sentence = fmt::format("{}", fmt::join(list.errors, "\n"));
    if (list.error_count > list.errors.size())
      sentence +=
          fmt::format("\nand {} more lines that are wrong", list.error_count - list.errors.size());
    throw UserError(ExitCode::bad_usage, sentence);
  }
  return merge_ranges(std::move(list.ranges));
}

std::vector<AddressRange> special_purpose_ranges() {
  std::vector<AddressRange> ranges;
  ranges.reserve(kSpecialPurposeRanges.size());
  for (const SpecialPurposeRange& entry : kSpecialPurposeRanges) ranges.push_back(entry.range);
  return ranges;
}

// Why nothing is left, naming the reserved range that holds the first target if that is the cause.
[[noreturn]] void refuse_empty(std::span<const AddressRange> listed, std::uint64_t by_user,
                               std::uint64_t reserved) {
  if (listed.empty()) throw UserError(ExitCode::bad_usage, "the lists hold no targets");
  std::string sentence =
      fmt::format("no targets are left: {} listed, {} excluded", count_addresses(listed), by_user);
  if (reserved > 0) {
    sentence += fmt::format(", {} in special-purpose ranges", reserved);
    for (const SpecialPurposeRange& entry : kSpecialPurposeRanges)
      if (entry.range.first <= listed.front().last && listed.front().first <= entry.range.last)
        sentence += fmt::format(" (such as {}-{}, {}, {}); --allow-reserved lets them be probed",
                                to_string(entry.range.first), to_string(entry.range.last),
                                entry.name, entry.rfc);
  }
  throw UserError(ExitCode::bad_usage, sentence);
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

std::uint64_t random_seed() {
  std::uint64_t seed = 0;
  if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
    throw std::system_error(errno, std::generic_category(), "draw a random seed");
  return seed & kSeedMax;
}

}  // namespace

TargetPlan plan_targets(const ScanConfig& config) {
  if (std::count(config.target_files.begin(), config.target_files.end(), "-") +
          std::count(config.exclude_files.begin(), config.exclude_files.end(), "-") >
      1)
    throw UserError(ExitCode::bad_usage, "standard input ('-') can be read as one list only");
  const std::vector<AddressRange> listed =
      read_ranges(config.targets, "target", config.target_files);
  const std::vector<AddressRange> excluded =
      read_ranges(config.excludes, "--exclude", config.exclude_files);
  const std::vector<AddressRange> allowed = subtract_ranges(listed, excluded);
  std::vector<AddressRange> left =
      config.allow_reserved ? allowed : subtract_ranges(allowed, special_purpose_ranges());

  const std::uint64_t listed_count = count_addresses(listed);
  const std::uint64_t allowed_count = count_addresses(allowed);
  const std::uint64_t left_count = count_addresses(left);
  if (left_count == 0) refuse_empty(listed, listed_count - allowed_count, allowed_count);

  const std::uint64_t seed = config.seed ? *config.seed : random_seed();
  std::string digest = digest_of(left);
  TargetPlan plan{TargetSet(std::move(left)), Permutation(left_count, seed), seed,
                  std::move(digest)};
  plan.listed = listed_count;
  plan.excluded_by_user = listed_count - allowed_count;
  plan.excluded_reserved = allowed_count - left_count;
  plan.target_count = std::min(left_count, config.max_targets.value_or(left_count));
  plan.step_count = steps_to_targets(plan.permutation, plan.target_count);
  return plan;
}

}  // namespace echoscan
