#include "scanner/scan_position.h"

#include <fmt/format.h>

#include <charconv>

namespace echoscan {
namespace {

constexpr std::size_t kDigestDigits = 64;

// Cuts "name=value" and the comma behind it off the front of `text`.
std::optional<std::string_view> take_value(std::string_view& text, std::string_view name) {
  if (!text.starts_with(name) || text.size() <= name.size() || text[name.size()] != '=')
    return std::nullopt;
  text.remove_prefix(name.size() + 1);
  const std::string_view value = text.substr(0, text.find(','));
  text.remove_prefix(std::min(text.size(), value.size() + 1));
  return value;
}

template <typename Number>
bool take_number(std::string_view& text, std::string_view name, Number& number) {
  const std::optional<std::string_view> value = take_value(text, name);
  if (!value) return false;
  const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), number);
  return error == std::errc() && end == value->data() + value->size();
}

}  // namespace

std::string to_string(const ScanPosition& position) {
  return fmt::format("sha256={},seed={},first={},shard={}/{},pass={},step={}", position.digest,
                     position.seed, position.first, position.shard.index, position.shard.count,
                     position.pass, position.step);
}

std::optional<ScanPosition> parse_scan_position(std::string_view text) {
  ScanPosition position;
  std::string_view rest = text;
  const std::optional<std::string_view> digest = take_value(rest, "sha256");
  if (!digest || digest->size() != kDigestDigits ||
      digest->find_first_not_of("0123456789abcdef") != std::string_view::npos)
    return std::nullopt;
  position.digest = *digest;
  if (!take_number(rest, "seed", position.seed) || !take_number(rest, "first", position.first))
    return std::nullopt;
  const std::optional<std::string_view> shard_text = take_value(rest, "shard");
  const std::optional<Shard> shard = shard_text ? parse_shard(*shard_text) : std::nullopt;
  if (!shard || !take_number(rest, "pass", position.pass) ||
      !take_number(rest, "step", position.step))
    return std::nullopt;
  position.shard = *shard;
  // One text for one position: no leading zeros, nothing behind the last value.
  return to_string(position) == text ? std::optional(position) : std::nullopt;
}

}  // namespace echoscan
