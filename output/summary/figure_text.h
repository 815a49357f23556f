// Figures as people read them: thousands with commas, shares, plurals, times.
//
// There is one place for them, so that a figure looks the same in a log line, a table and the
// summary. JSON and CSV are not made here: they are for programs, which want no commas. Any thread.
#pragma once

#include <cstdint>
#include <string>

namespace echoscan {

// 1234567 as "1,234,567".
std::string with_thousands(std::uint64_t number);

// 1234.5 as "1,234.5", 0.5 as "0.5"; to a thousandth.
std::string rate_text(double pps);

// 12345 as "12.3 k", 1234567 as "1.23 M", 999 as "999 ": a unit follows.
std::string short_number(double number);

// `part` in percent of `whole`; 0 when `whole` is 0.
double percent(std::uint64_t part, std::uint64_t whole);

// The ending of a noun after its count: "" after 1, else `ending`.
const char* plural(std::uint64_t count, const char* ending = "s");
// "1 probe", "1,234 probes".
std::string counted(std::uint64_t count, const char* noun);

// 1500 as "1.5 us", 1500000 as "1.5 ms".
std::string duration_text(std::uint64_t ns);

// A span of time in its two largest units, rounded: "42 s", "12 min 5 s", "7 h 21 min", "3 d 4 h".
std::string span_text(double seconds);

// Milliseconds since 1970 in the form of RFC 3339, UTC: "2026-11-22T17:11:14.961Z".
std::string time_text(std::int64_t unix_ms);

}  // namespace echoscan
