#include "targets/shard.h"

#include <charconv>

namespace echoscan {
namespace {

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::optional<Shard> make_shard(std::uint64_t index, std::uint64_t count) {
  if (count > Shard::kCountMax || index >= count) return std::nullopt;
  return Shard{static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(count)};
}

std::optional<Shard> parse_shard(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::optional<std::uint64_t> index = parse_number(text.substr(0, slash));
  const std::optional<std::uint64_t> count = parse_number(text.substr(slash + 1));
  return index && count ? make_shard(*index, *count) : std::nullopt;
}

}  // namespace echoscan
