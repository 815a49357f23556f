#include "scanner/options/rate_text.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "scanner/transmit/pacer.h"

namespace echoscan {
namespace {

constexpr std::string_view kDecimalDigits = "0123456789";
constexpr int kThousandthsExponent = 3;

bool remove_ending(std::string_view& text, std::string_view ending) {
  if (!text.ends_with(ending)) return false;
  text.remove_suffix(ending.size());
  return true;
}

// Takes a unit's prefix off the end: the power of ten that it stands for.
int take_prefix(std::string_view& text) {
  if (remove_ending(text, "k") || remove_ending(text, "K")) return 3;
  if (remove_ending(text, "M")) return 6;
  if (remove_ending(text, "G")) return 9;
  return 0;
}

// Takes "e6" off the end of a number; nullopt when what stands behind the `e` is no exponent.
std::optional<int> take_exponent(std::string_view& text) {
  const std::size_t place = text.find_first_of("eE");
  if (place == std::string_view::npos) return 0;
  std::string_view digits = text.substr(place + 1);
  if (digits.starts_with('+')) digits.remove_prefix(1);
  int exponent = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
  const bool is_exponent =
      error == std::errc() && end == digits.data() + digits.size() && std::abs(exponent) < 100;
  text = text.substr(0, place);
  return is_exponent ? std::optional(exponent) : std::nullopt;
}

// A decimal number times 10^`exponent`, rounded down; nullopt when it is none or above `most`.
std::optional<std::uint64_t> read_decimal(std::string_view text, int exponent, std::uint64_t most) {
  const std::size_t point = std::min(text.find('.'), text.size());
  const std::string_view part = text.substr(std::min(point + 1, text.size()));
  std::string digits(text.substr(0, point));
  digits += part;
  if (digits.empty() || digits.find_first_not_of(kDecimalDigits) != std::string::npos)
    return std::nullopt;
  exponent -= static_cast<int>(part.size());
  for (; exponent < 0 && !digits.empty(); ++exponent) digits.pop_back();
  std::uint64_t value = 0;
  const auto add_digit = [&value, most](char digit) {
    const auto unit = static_cast<std::uint64_t>(digit - '0');
    if (value > (most - std::min(most, unit)) / 10) return false;
    value = value * 10 + unit;
    return true;
  };
  for (const char digit : digits)
    if (!add_digit(digit)) return std::nullopt;
  for (; exponent > 0 && value > 0; --exponent)
    if (!add_digit('0')) return std::nullopt;
  return value;
}

// A number with an exponent or a unit's prefix, in thousandths.
std::optional<std::uint64_t> read_thousandths(std::string_view text, std::uint64_t most) {
  const int prefix = take_prefix(text);
  const std::optional<int> exponent = take_exponent(text);
  if (!exponent) return std::nullopt;
  return read_decimal(text, prefix + *exponent + kThousandthsExponent, most);
}

}  // namespace

std::optional<ProbeRate> parse_rate(const std::string& text) {
  if (text == "max") return ProbeRate(Pacer::kUnlimited);
  std::string_view number = text;
  if (!remove_ending(number, "pps")) remove_ending(number, "/s");
  const auto thousandths = read_thousandths(number, kRateMaxPps * ProbeRate::kParts);
  if (!thousandths || *thousandths == 0) return std::nullopt;
  return ProbeRate::of_thousandths(*thousandths);
}

std::optional<ProbeRate> parse_bandwidth(const std::string& text, std::uint64_t probe_bits) {
  std::string_view number = text;
  for (const char* unit : {"bit/s", "bps", "bit", "b/s"})
    if (remove_ending(number, unit)) break;
  const auto milli_bits = read_thousandths(number, kRateMaxPps * ProbeRate::kParts * probe_bits);
  if (!milli_bits || *milli_bits < probe_bits) return std::nullopt;
  return ProbeRate::of_thousandths(*milli_bits / probe_bits);
}

}  // namespace echoscan
