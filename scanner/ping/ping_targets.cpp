#include "scanner/ping/ping_targets.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>

#include "scanner/process/user_error.h"
#include "targets/target_line.h"

namespace echoscan {
namespace {

// The range that an address is in; null: in none.
const AddressRange* range_around(const std::vector<AddressRange>& ranges, Ipv4 address) {
  const auto behind = std::ranges::upper_bound(ranges, address, {}, &AddressRange::first);
  if (behind == ranges.begin() || std::prev(behind)->last < address) return nullptr;
  return &*std::prev(behind);
}

}  // namespace

void PingTargets::add(const AddressRange& range, const std::string& label,
                      const std::vector<AddressRange>& excluded) {
  if (range.size() > kTargetsMax - targets_.size())
    throw UserError(ExitCode::bad_usage,
                    fmt::format("with {} these are more than {} targets, which are a scan's: "
                                "echoscan scan {}",
                                to_string(range), kTargetsMax, to_string(range)));
  for (std::uint64_t i = 0; i < range.size(); ++i) {
    const Ipv4 address{static_cast<std::uint32_t>(range.first.value + i)};
    if (range_around(excluded, address) != nullptr) {
      ++excluded_count_;
      continue;
    }
    const auto [place, is_new] = places_.try_emplace(address.value, targets_.size());
    if (is_new)
      targets_.push_back({address, label});
    else if (targets_[place->second].label.empty())
      targets_[place->second].label = label;
  }
}

void PingTargets::add_name(const std::string& name, const std::vector<AddressRange>& excluded) {
  const HostAddresses addresses = look_up_({name}).front();
  if (!addresses) {
    unresolved_.push_back(fmt::format("cannot resolve '{}': {}", excerpt(name), addresses.error()));
    return;
  }
  for (const Ipv4 address : *addresses) add({address, address}, name, excluded);
}

void PingTargets::add(const std::string& text, const std::vector<AddressRange>& excluded) {
  std::vector<AddressRange> ranges;
  const std::string_view word = trimmed(text);
  const std::string_view first_word = word.substr(0, word.find_first_of(kBlanks));
  const bool is_comment = first_word.empty() || first_word.front() == '#';
  if (!is_comment && !is_written_as_target(first_word) && !ends_in_number(first_word)) {
    add_name(std::string(first_word), excluded);
    return;
  }
  const tl::expected<std::string_view, LineFault> label = read_target_line(word, ranges);
  if (!label)
    throw UserError(ExitCode::bad_usage,
                    fmt::format("'{}': {}", excerpt(label.error().text), label.error().what));
  for (const AddressRange& range : ranges) add(range, std::string(*label), excluded);
}

void PingTargets::add_file(const std::string& path, const std::vector<AddressRange>& excluded) {
  std::ifstream file;
  if (path != "-") file.open(path);
  std::istream& lines = path == "-" ? std::cin : file;
  if (!lines)
    throw UserError(ExitCode::bad_usage,
                    fmt::format("cannot read '{}': {}", path, std::strerror(errno)));
  for (std::string line; std::getline(lines, line);) add(line, excluded);
  if (lines.bad())
    throw UserError(ExitCode::bad_usage,
                    fmt::format("cannot read '{}': {}", path, std::strerror(errno)));
}

std::size_t PingTargets::find(Ipv4 address) const {
  const auto place = places_.find(address.value);
  return place == places_.end() ? targets_.size() : place->second;
}

}  // namespace echoscan
