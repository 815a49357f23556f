#include "scanner/network/source_pool.h"

#include <algorithm>
#include <utility>

#include "bpf/probe.h"
#include "targets/target_set.h"

namespace echoscan {
namespace {

// Beside the seed in the key of the hash, which is the cookie's under another key.
constexpr std::uint64_t kPoolKey = 0x656372756f73;

// Addresses that nobody can send from and be answered: "this" network, the groups and what is
// behind them.
constexpr AddressRange kNobodys[] = {{Ipv4{0}, Ipv4{0x00ffffff}}, {Ipv4{0xe0000000}, Ipv4{~0U}}};

tl::expected<AddressRange, std::string> parse_sources(std::string_view text) {
  tl::expected<AddressRange, std::string> range = parse_range(text);
  if (!range) return range;
  for (const AddressRange& nobodys : kNobodys)
    if (range->first <= nobodys.last && range->last >= nobodys.first)
      return tl::make_unexpected("no host has " + to_string(std::max(range->first, nobodys.first)) +
                                 " for an address, so nothing comes back to it");
  return range;
}

}  // namespace

tl::expected<SourcePool, std::string> SourcePool::parse(std::string_view text) {
  std::vector<AddressRange> ranges;
  for (bool is_last = false; !is_last;) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const tl::expected<AddressRange, std::string> range =
        parse_sources(trimmed(text.substr(0, comma)));
    if (!range) return tl::make_unexpected(range.error());
    ranges.push_back(*range);
    is_last = comma == text.size();
    if (!is_last) text.remove_prefix(comma + 1);
  }
  ranges = merge_ranges(std::move(ranges));
  const std::uint64_t size = count_addresses(ranges);
  if (size > kSizeMax)
    return tl::make_unexpected(std::to_string(size) + " addresses are more than the " +
                               std::to_string(kSizeMax) + " that a pool may have");
  auto addresses = std::make_shared<std::vector<Ipv4>>();
  addresses->reserve(size);
  for (const AddressRange& range : ranges)
    for (std::uint64_t i = 0; i < range.size(); ++i)
      addresses->push_back(Ipv4{range.first.value + static_cast<std::uint32_t>(i)});
  SourcePool pool;
  pool.addresses_ = std::move(addresses);
  return pool;
}

bool SourcePool::contains(Ipv4 address) const {
  return std::ranges::binary_search(addresses(), address);
}

Ipv4 SourcePool::source_of(Ipv4 target) const {
  const probe_key key{{seed_, kPoolKey}, {}};
  const std::uint64_t hash = probe_cookie(&key, target.value);
  return (*addresses_)[hash * addresses_->size() >> 32];
}

bool operator==(const SourcePool& a, const SourcePool& b) {
  return std::ranges::equal(a.addresses(), b.addresses());
}

std::string to_string(const SourcePool& pool) {
  std::vector<AddressRange> ranges;
  for (const Ipv4 address : pool.addresses()) ranges.push_back({address, address});
  std::string text;
  for (const AddressRange& range : merge_ranges(std::move(ranges)))
    text += (text.empty() ? "" : ",") + to_string(range);
  return text;
}

std::vector<Ipv4> spread_sample(std::span<const Ipv4> addresses, std::size_t most) {
  std::vector<Ipv4> sample(addresses.begin(), addresses.end());
  if (sample.size() <= most) return sample;
  sample.resize(most);
  for (std::size_t i = 0; i < most; ++i)
    sample[i] = addresses[i * (addresses.size() - 1) / (most - 1)];
  return sample;
}

}  // namespace echoscan
