#include "output/report/reply_map.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <map>
#include <span>

namespace echoscan {
namespace {

using Cell = ReplyMap::Cell;

std::uint32_t median_of_medians(std::span<const Cell> parts) {
  std::vector<std::pair<std::uint32_t, std::uint64_t>> medians;
  std::uint64_t all = 0;
  for (const Cell& part : parts) {
    if (part.rtt_p50_us == 0) continue;
    medians.emplace_back(part.rtt_p50_us, part.replies);
    all += part.replies;
  }
  std::sort(medians.begin(), medians.end());
  std::uint64_t seen = 0;
  for (const auto& [rtt_us, replies] : medians)
    if ((seen += replies) * 2 >= all) return rtt_us;
  return 0;
}

std::uint32_t most_common_label(std::span<const Cell> parts) {
  std::map<std::uint32_t, std::uint64_t> targets;
  for (const Cell& part : parts) targets[part.label] += part.population;
  return std::max_element(
             targets.begin(), targets.end(),
             [](const auto& left, const auto& right) { return left.second < right.second; })
      ->first;
}

Cell joined(std::span<const Cell> parts, std::uint32_t number) {
  Cell cell;
  cell.number = number;
  for (const Cell& part : parts) {
    cell.population += part.population;
    cell.asked += part.asked;
    cell.replies += part.replies;
    cell.later += part.later;
    cell.compared += part.compared;
    cell.gained += part.gained;
    cell.lost += part.lost;
  }
  cell.rtt_p50_us = median_of_medians(parts);
  cell.label = most_common_label(parts);
  return cell;
}

}  // namespace

MapSquare square_of(const ReplyMap& map) {
  if (map.cells.empty()) return {};
  const unsigned host_bits = 32 - map.prefix_length;
  const std::uint32_t first = map.cells.front().number << host_bits;
  const std::uint32_t last = map.cells.back().number << host_bits;
  const unsigned common =
      std::min(static_cast<unsigned>(std::countl_zero(first ^ last)), map.prefix_length);
  const unsigned length = common & ~1U;
  const std::uint32_t mask = length == 0 ? 0 : ~std::uint32_t{0} << (32 - length);
  return {Ipv4{first & mask}, length};
}

ReplyMap coarser(const ReplyMap& map, unsigned prefix_length) {
  assert(prefix_length <= map.prefix_length);
  ReplyMap result;
  result.prefix_length = prefix_length;
  result.labels = map.labels;
  result.knows_asked = map.knows_asked;
  result.has_several_passes = map.has_several_passes;
  result.is_compared = map.is_compared;
  const unsigned shift = map.prefix_length - prefix_length;
  for (std::size_t begin = 0, end = 0; begin < map.cells.size(); begin = end) {
    const std::uint32_t number = map.cells[begin].number >> shift;
    while (end < map.cells.size() && map.cells[end].number >> shift == number) ++end;
    result.cells.push_back(joined(std::span(map.cells).subspan(begin, end - begin), number));
  }
  return result;
}

}  // namespace echoscan
