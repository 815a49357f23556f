#include "scanner/network/way_partition.h"

#include <fmt/format.h>
#include <net/if.h>

#include <algorithm>
#include <array>
#include <limits>
#include <map>

#include "output/summary/figure_text.h"
#include "scanner/network/own_address.h"

namespace echoscan {
namespace {

constexpr std::size_t kWaysShown = 10;
constexpr std::uint32_t kUnasked = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint64_t kAddressEnd = std::uint64_t{1} << 32;

// Walks through the address space, ascending, in pieces that have one innermost prefix each, and
// calls on_piece(range, number of the prefix) for the targets' part of each piece. The number
// prefixes.size() stands for no prefix at all.
class PieceWalk {
 public:
  PieceWalk(std::span<const AddressRange> targets, std::span<const AddressRange> prefixes)
      : targets_(targets), prefixes_(prefixes) {}

  template <typename OnPiece>
  void run(OnPiece on_piece) const {
    // The prefixes around the place where the walk is, nested: at most one of each length.
    std::vector<std::uint32_t> around;
    std::size_t target = 0;
    std::size_t next = 0;
    std::uint64_t place = 0;
    while (place < kAddressEnd && target < targets_.size()) {
      while (!around.empty() && prefixes_[around.back()].last.value < place) around.pop_back();
      for (; next < prefixes_.size() && prefixes_[next].first.value == place; ++next)
        around.push_back(static_cast<std::uint32_t>(next));
      std::uint64_t end = around.empty() ? kAddressEnd : end_of(prefixes_[around.back()]);
      if (next < prefixes_.size()) end = std::min<std::uint64_t>(end, prefixes_[next].first.value);
      const std::size_t innermost = around.empty() ? prefixes_.size() : around.back();
      while (target < targets_.size() && targets_[target].first.value < end) {
        const AddressRange& range = targets_[target];
        const auto first =
            static_cast<std::uint32_t>(std::max<std::uint64_t>(range.first.value, place));
        const auto last =
            static_cast<std::uint32_t>(std::min<std::uint64_t>(range.last.value, end - 1));
        on_piece(AddressRange{Ipv4{first}, Ipv4{last}}, innermost);
        if (range.last.value >= end) break;
        ++target;
      }
      place = end;
    }
  }

 private:
  static std::uint64_t end_of(const AddressRange& range) {
    return std::uint64_t{range.last.value} + 1;
  }

  std::span<const AddressRange> targets_;
  std::span<const AddressRange> prefixes_;
};

// Appends a range, or makes the last one longer.
void append(std::vector<AddressRange>& ranges, const AddressRange& range) {
  if (!ranges.empty() && std::uint64_t{ranges.back().last.value} + 1 == range.first.value) {
    ranges.back().last = range.last;
  } else {
    ranges.push_back(range);
  }
}

}  // namespace

std::vector<WayShare> partition_by_way(std::span<const AddressRange> targets,
                                       std::span<const AddressRange> prefixes, const AskWays& ask,
                                       WayRanges wanted) {
  const PieceWalk walk(targets, prefixes);
  // The first target below each innermost prefix speaks for all of them.
  std::vector<std::uint32_t> question_of(prefixes.size() + 1, kUnasked);
  std::vector<Ipv4> destinations;
  walk.run([&](const AddressRange& piece, std::size_t prefix) {
    if (question_of[prefix] != kUnasked) return;
    question_of[prefix] = static_cast<std::uint32_t>(destinations.size());
    destinations.push_back(piece.first);
  });

  std::vector<WayShare> shares;
  std::vector<std::uint32_t> share_of_question;
  std::map<Way, std::uint32_t> numbers;
  for (const Way& way : ask(destinations)) {
    const auto [entry, is_new] = numbers.emplace(way, static_cast<std::uint32_t>(shares.size()));
    if (is_new) shares.push_back({way});
    share_of_question.push_back(entry->second);
  }
  // Counted first, since growing took as much memory again as the targets of ten million ranges.
  std::vector<std::size_t> pieces(shares.size());
  walk.run([&](const AddressRange& piece, std::size_t prefix) {
    const std::uint32_t share = share_of_question[question_of[prefix]];
    ++pieces[share];
    shares[share].targets += piece.size();
  });
  if (wanted == WayRanges::kept) {
    for (std::size_t i = 0; i < shares.size(); ++i) shares[i].ranges.reserve(pieces[i]);
    walk.run([&](const AddressRange& piece, std::size_t prefix) {
      append(shares[share_of_question[question_of[prefix]]].ranges, piece);
    });
  }
  std::stable_sort(shares.begin(), shares.end(),
                   [](const WayShare& a, const WayShare& b) { return a.targets > b.targets; });
  return shares;
}

std::vector<WayShare> find_ways(std::span<const AddressRange> targets, const WayQuestion& question,
                                WayRanges wanted) {
  std::vector<WayShare> shares = partition_by_way(
      targets, list_fib_prefixes(),
      [&question](std::span<const Ipv4> asked) { return ask_ways(asked, question); }, wanted);
  for (WayShare& share : shares) {
    std::array<char, IF_NAMESIZE> name{};
    const auto index = static_cast<unsigned>(share.way.interface_index);
    if (index != 0 && if_indextoname(index, name.data())) share.interface_name = name.data();
    share.is_by_source = question.source && is_own_address(*question.source);
  }
  return shares;
}

std::string way_text(const WayShare& share) {
  const Way& way = share.way;
  // What the kernel refuses has no interface; what is closed on this side has.
  if (is_refusal(way.kind))
    return share.interface_name.empty()
               ? kind_name(way.kind)
               : fmt::format("{} by {}", kind_name(way.kind), share.interface_name);
  std::string text = share.interface_name;
  if (way.kind == Way::Kind::gateway) {
    text += " via " + next_hop_text(way);
  } else if (way.kind != Way::Kind::direct) {
    text += fmt::format(" ({})", kind_name(way.kind));
  } else {
    text += " direct";
  }
  if (way.source) text += " from " + to_string(*way.source);
  return text;
}

std::vector<std::string> way_lines(std::span<const WayShare> shares) {
  const auto line = [](const std::string& what, std::uint64_t targets) {
    return fmt::format("{}: {} target{}", what, with_thousands(targets), targets == 1 ? "" : "s");
  };
  std::vector<std::string> lines;
  std::uint64_t rest = 0;
  for (const WayShare& share : shares) {
    if (lines.size() < kWaysShown) {
      lines.push_back(line(way_text(share), share.targets));
    } else {
      rest += share.targets;
    }
  }
  if (shares.size() > kWaysShown)
    lines.push_back(
        line(fmt::format("{} more ways", with_thousands(shares.size() - kWaysShown)), rest));
  return lines;
}

}  // namespace echoscan
