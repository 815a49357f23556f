#include "scanner/command/comparison.h"

#include <algorithm>
#include <bit>
#include <variant>

namespace echoscan {
namespace {

constexpr std::uint64_t kWordBits = 64;

unsigned host_bits_of(Grouping grouping) {
  switch (grouping) {
    case Grouping::slash8:
      return 24;
    case Grouping::slash16:
      return 16;
    default:
      return 8;
  }
}

// Calls `use` with each run of addresses of the ranges that lie in one network.
template <typename Use>
void for_each_network(std::span<const AddressRange> ranges, unsigned host_bits, const Use& use) {
  const std::uint32_t hosts = (std::uint32_t{1} << host_bits) - 1;
  for (const AddressRange& range : ranges) {
    std::uint32_t first = range.first.value;
    while (true) {
      const std::uint32_t last = std::min(first | hosts, range.last.value);
      use(AddressRange{{first}, {last}}, first & ~hosts);
      if (last == range.last.value) break;
      first = last + 1;
    }
  }
}

// Calls `use` with each run of addresses that are at one place.
template <typename Use>
void for_each_place(std::span<const AddressRange> ranges, const GeoTable& geo, const Use& use) {
  const std::vector<GeoTable::Network>& networks = geo.networks();
  for (const AddressRange& range : ranges) {
    auto network = std::partition_point(
        networks.begin(), networks.end(),
        [&range](const GeoTable::Network& each) { return each.first <= range.first; });
    for (--network; network != networks.end() && network->first <= range.last; ++network) {
      const auto next = network + 1;
      const Ipv4 last =
          next == networks.end() ? range.last : std::min(range.last, Ipv4{next->first.value - 1});
      use(AddressRange{std::max(network->first, range.first), last}, geo.record(network->record));
    }
  }
}

class Comparer {
 public:
  Comparer(std::span<const Ipv4> first, std::span<const Ipv4> second,
           const ComparedTargets& compared)
      : first_(first), second_(second), compared_(compared) {}

  Comparison run(const std::vector<Grouping>& groupings) {
    count_replies(groupings);
    if (compared_.targets == nullptr) return std::move(comparison_);
    comparison_.total.asked = compared_.asked == nullptr
                                  ? compared_.targets->size()
                                  : compared_.asked->count(0, compared_.targets->size());
    for (const Grouping grouping : groupings) count_asked(grouping);
    return std::move(comparison_);
  }

 private:
  auto& by_number(Grouping grouping) {
    return comparison_.by_number[static_cast<std::size_t>(grouping)];
  }
  auto& by_name(Grouping grouping) {
    return comparison_.by_name[static_cast<std::size_t>(grouping)];
  }

  // The group of an address; null: it is in none.
  ComparisonCount* group_of(Ipv4 address, Grouping grouping) {
    switch (grouping) {
      case Grouping::label:
        return &by_name(
            grouping)[std::string(compared_.labels->text(compared_.labels->label_of(address)))];
      case Grouping::country: {
        const std::string_view country = compared_.geo->find(address).country;
        return country.empty() ? nullptr : &by_name(grouping)[std::string(country)];
      }
      case Grouping::asn: {
        const std::uint32_t asn = compared_.geo->find(address).asn;
        return asn == 0 ? nullptr : &by_number(grouping)[asn];
      }
      default:
        return &by_number(
            grouping)[address.value & ~((std::uint32_t{1} << host_bits_of(grouping)) - 1)];
    }
  }

  [[nodiscard]] bool was_asked(Ipv4 address) const {
    if (compared_.asked == nullptr) return true;
    const std::optional<std::uint64_t> index = compared_.targets->index_of(address);
    return index && compared_.asked->has(*index);
  }

  void count_replies(const std::vector<Grouping>& groupings) {
    auto first = first_.begin();
    auto second = second_.begin();
    while (first != first_.end() || second != second_.end()) {
      std::uint64_t ComparisonCount::*count = &ComparisonCount::both;
      Ipv4 address;
      if (second == second_.end() || (first != first_.end() && *first < *second)) {
        count = &ComparisonCount::lost;
        address = *first++;
      } else if (first == first_.end() || *second < *first) {
        count = &ComparisonCount::gained;
        address = *second++;
      } else {
        address = *first++;
        ++second;
      }
      if (!was_asked(address)) continue;
      ++(comparison_.total.*count);
      for (const Grouping grouping : groupings)
        if (ComparisonCount* const group = group_of(address, grouping)) ++(group->*count);
    }
  }

  // How many of a run of targets both have asked.
  [[nodiscard]] std::uint64_t asked_of(const AddressRange& run) const {
    if (compared_.asked == nullptr) return run.size();
    const std::uint64_t index = *compared_.targets->index_of(run.first);
    return compared_.asked->count(index, index + run.size());
  }

  // Adds what of a run was asked to a group that somebody has replied in.
  template <typename Groups, typename Key>
  void add_asked(Groups& groups, const Key& key, const AddressRange& run) {
    const auto group = groups.find(key);
    if (group != groups.end())
      group->second.asked = group->second.asked.value_or(0) + asked_of(run);
  }

  void count_asked(Grouping grouping) {
    const std::span<const AddressRange> ranges = compared_.targets->ranges();
    if (grouping == Grouping::label) {
      for (const LabelledRange& part : compared_.labels->label_ranges(ranges))
        add_asked(by_name(grouping), std::string(compared_.labels->text(part.label)), part.range);
    } else if (grouping == Grouping::country || grouping == Grouping::asn) {
      for_each_place(ranges, *compared_.geo, [&](const AddressRange& run, const GeoRecord& place) {
        if (grouping == Grouping::asn) return add_asked(by_number(grouping), place.asn, run);
        add_asked(by_name(grouping), std::string(place.country), run);
      });
    } else {
      for_each_network(ranges, host_bits_of(grouping),
                       [&](const AddressRange& run, std::uint32_t network) {
                         add_asked(by_number(grouping), network, run);
                       });
    }
  }

  std::span<const Ipv4> first_;
  std::span<const Ipv4> second_;
  const ComparedTargets& compared_;
  Comparison comparison_;
};

}  // namespace

void AskedSet::intersect(const AskedSet& other) {
  for (std::size_t i = 0; i < words_.size(); ++i) words_[i] &= other.words_[i];
}

std::uint64_t AskedSet::count(std::uint64_t first, std::uint64_t end) const {
  std::uint64_t count = 0;
  while (first < end) {
    const std::uint64_t begin_bit = first % kWordBits;
    const std::uint64_t bits = std::min(kWordBits - begin_bit, end - first);
    std::uint64_t word = words_[first / kWordBits] >> begin_bit;
    if (bits < kWordBits) word &= (std::uint64_t{1} << bits) - 1;
    count += static_cast<std::uint64_t>(std::popcount(word));
    first += bits;
  }
  return count;
}

Comparison compare_replies(std::span<const Ipv4> first, std::span<const Ipv4> second,
                           const std::vector<Grouping>& groupings,
                           const ComparedTargets& compared) {
  return Comparer(first, second, compared).run(groupings);
}

}  // namespace echoscan
