#include "output/summary/figure_text.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cmath>

namespace echoscan {

std::string with_thousands(std::uint64_t number) {
  if (number < 1000) return std::to_string(number);
  return fmt::format("{},{:03}", with_thousands(number / 1000), number % 1000);
}

std::string rate_text(double pps) {
  const auto thousandths = static_cast<std::uint64_t>(std::llround(pps * 1000));
  std::string text = with_thousands(thousandths / 1000);
  if (thousandths % 1000 == 0) return text;
  text += fmt::format(".{:03}", thousandths % 1000);
  return text.substr(0, text.find_last_not_of('0') + 1);
}

std::string short_number(double number) {
  if (number >= 1e6) return fmt::format("{:.2f} M", number / 1e6);
  if (number >= 1e3) return fmt::format("{:.1f} k", number / 1e3);
  return fmt::format("{:.0f} ", number);
}

double percent(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

const char* plural(std::uint64_t count, const char* ending) {
  return count == 1 ? "" : ending;
}

std::string counted(std::uint64_t count, const char* noun) {
  return with_thousands(count) + " " + noun + plural(count);
}

std::string duration_text(std::uint64_t ns) {
  const double us = static_cast<double>(ns) / 1e3;
  return ns < 1'000'000 ? fmt::format("{:.1f} us", us) : fmt::format("{:.1f} ms", us / 1e3);
}

std::string span_text(double seconds) {
  constexpr std::uint64_t kMinute = 60;
  constexpr std::uint64_t kHour = 60 * kMinute;
  constexpr std::uint64_t kDay = 24 * kHour;
  // Rounded before it is divided: 3599.9 s is an hour.
  const auto rounded = [seconds](std::uint64_t unit) {
    return static_cast<std::uint64_t>(std::llround(seconds / static_cast<double>(unit))) * unit;
  };
  if (const std::uint64_t whole = rounded(1); whole < kMinute) return fmt::format("{} s", whole);
  if (const std::uint64_t whole = rounded(1); whole < kHour)
    return fmt::format("{} min {} s", whole / kMinute, whole % kMinute);
  if (const std::uint64_t whole = rounded(kMinute); whole < kDay)
    return fmt::format("{} h {} min", whole / kHour, whole % kHour / kMinute);
  const std::uint64_t whole = rounded(kHour);
  return fmt::format("{} d {} h", whole / kDay, whole % kDay / kHour);
}

std::string time_text(std::int64_t unix_ms) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(unix_ms / 1000), unix_ms % 1000);
}

}  // namespace echoscan
