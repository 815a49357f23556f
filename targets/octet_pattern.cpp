#include "targets/octet_pattern.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

namespace echoscan {
namespace {

constexpr std::uint64_t kPatternRangesMax = 4096;

// What one of the four numbers may be; both ends included.
struct OctetSpan {
  std::uint32_t first = 0;
  std::uint32_t last = 255;

  [[nodiscard]] bool is_full() const { return first == 0 && last == 255; }
  [[nodiscard]] std::uint64_t size() const { return last - first + 1; }
};

std::optional<std::uint32_t> parse_octet(std::string_view text) {
  if (text.empty() || text.size() > 3 || (text.size() > 1 && text.front() == '0'))
    return std::nullopt;
  std::uint32_t value = 0;
  for (const char digit : text) {
    if (digit < '0' || digit > '9') return std::nullopt;
    value = value * 10 + static_cast<std::uint32_t>(digit - '0');
  }
  return value <= 255 ? std::optional(value) : std::nullopt;
}

std::optional<OctetSpan> parse_span(std::string_view text) {
  if (text == "*") return OctetSpan{};
  const std::size_t dash = text.find('-');
  const std::optional<std::uint32_t> first = parse_octet(text.substr(0, dash));
  const std::optional<std::uint32_t> last =
      dash == std::string_view::npos ? first : parse_octet(text.substr(dash + 1));
  if (!first || !last || *last < *first) return std::nullopt;
  return OctetSpan{*first, *last};
}

}  // namespace

bool is_octet_pattern(std::string_view text) {
  return text.find_first_of("*-") < text.size() &&
         text.find_first_not_of("0123456789.*-") == std::string_view::npos &&
         std::count(text.begin(), text.end(), '.') == 3 && text.front() != '-' &&
         // 198.51.100.1-50 is a range of parse_range()'s.
         text.find_first_of("*-") < std::max(text.rfind('.'), text.find('*') + 1);
}

tl::expected<void, std::string> read_octet_pattern(std::string_view text,
                                                   std::vector<AddressRange>& ranges) {
  std::array<OctetSpan, 4> spans;
  std::string_view rest = text;
  for (OctetSpan& span : spans) {
    const std::string_view part = rest.substr(0, rest.find('.'));
    rest.remove_prefix(std::min(part.size() + 1, rest.size()));
    const std::optional<OctetSpan> read = parse_span(part);
    if (!read)
      return tl::make_unexpected("'" + excerpt(text) +
                                 "' is not an IPv4 address, nor four numbers "
                                 "of which each is a number from 0 to 255, a star or first-last");
    span = *read;
  }
  // From here on all numbers are free, so that what is in front makes one range.
  std::size_t free_begin = spans.size();
  while (free_begin > 1 && spans[free_begin - 1].is_full()) --free_begin;
  std::uint64_t count = 1;
  for (std::size_t i = 0; i + 1 < free_begin; ++i) count *= spans[i].size();
  if (count > kPatternRangesMax)
    return tl::make_unexpected("the pattern makes " + std::to_string(count) + " ranges; at most " +
                               std::to_string(kPatternRangesMax) + " are read");
  for (std::uint64_t turn = 0; turn < count; ++turn) {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    std::uint64_t place = turn;
    std::uint64_t turns = count;
    for (std::size_t i = 0; i < spans.size(); ++i) {
      const bool is_fixed = i + 1 < free_begin;
      if (is_fixed) turns /= spans[i].size();
      const auto step = is_fixed ? static_cast<std::uint32_t>(place / turns) : 0;
      if (is_fixed) place %= turns;
      first = first << 8 | (spans[i].first + step);
      last = last << 8 | (is_fixed ? spans[i].first + step : spans[i].last);
    }
    ranges.push_back({Ipv4{first}, Ipv4{last}});
  }
  return {};
}

}  // namespace echoscan
