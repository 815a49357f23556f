#include "scanner/account/progress_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "output/summary/figure_text.h"

namespace echoscan {
namespace {

constexpr std::size_t kBarMin = 10;
constexpr std::size_t kBarMax = 40;
constexpr std::string_view kGap = "  ";

std::string_view limit_text(const Progress& progress) {
  if (progress.output_is_limit) return "output is the limit";
  return progress.receiver_is_limit ? "the receiver is the limit" : "";
}

// "[===>   ]", `width` characters with the brackets.
std::string bar(double done_percent, std::size_t width, bool is_coloured) {
  const std::size_t room = width - 2;
  const auto done =
      std::min(room, static_cast<std::size_t>(done_percent / 100 * static_cast<double>(room)));
  std::string filled(done, '=');
  if (done > 0 && done < room) filled.back() = '>';
  const std::string rest(room - done, ' ');
  return is_coloured ? fmt::format("[\033[32m{}\033[m{}]", filled, rest)
                     : fmt::format("[{}{}]", filled, rest);
}

// A part of the line: where it stands, and what it says.
using Part = std::pair<int, std::string>;

// What matters most comes first, and stands where its number says.
std::vector<Part> parts_of(const Progress& progress) {
  std::vector<Part> parts = {{1, fmt::format("{:.1f} %", progress.done_percent)},
                             {2, progress.is_cooldown ? "cooldown"
                                 : progress.left_s    ? "ETA " + span_text(*progress.left_s)
                                                      : "ETA -"}};
  const std::uint64_t lost = progress.ring_full + progress.dropped_unseen;
  if (lost > 0) parts.push_back({7, fmt::format("lost {}", with_thousands(lost))});
  parts.push_back({3, "sent " + with_thousands(progress.sent)});
  parts.push_back({5, "alive " + with_thousands(progress.replied)});
  parts.push_back({6, fmt::format("hit {:.2f} %", progress.hit_percent)});
  parts.push_back({4, short_number(progress.sent_pps) + "pps"});
  if (!limit_text(progress).empty()) parts.push_back({8, std::string(limit_text(progress))});
  return parts;
}

}  // namespace

std::string progress_line(const Progress& progress) {
  return fmt::format(
      "{}, {:.1f} %, {}; sent {} ({}pps); replied {} ({}/s), {:.2f} %; lost: {} ring full, {} "
      "unseen{}{}",
      span_text(progress.elapsed_s), progress.done_percent,
      progress.is_cooldown ? "cooldown"
      : progress.left_s    ? span_text(*progress.left_s) + " left"
                           : "nothing sent yet",
      with_thousands(progress.sent), short_number(progress.sent_pps),
      with_thousands(progress.replied), short_number(progress.replied_pps), progress.hit_percent,
      progress.ring_full, progress.dropped_unseen, limit_text(progress).empty() ? "" : "; ",
      limit_text(progress));
}

std::string progress_bar(const Progress& progress, unsigned columns, bool is_coloured) {
  std::vector<Part> shown;
  std::size_t used = 0;
  for (Part& part : parts_of(progress)) {
    const std::size_t size = part.second.size() + (shown.empty() ? 0 : kGap.size());
    // What matters less does not take the place of what matters more.
    if (used + size > columns) break;
    used += size;
    shown.push_back(std::move(part));
  }
  std::sort(shown.begin(), shown.end());
  std::string line;
  if (used + kBarMin + 1 <= columns)
    line = bar(progress.done_percent, std::min(columns - used - 1, kBarMax), is_coloured) + " ";
  for (const Part& part : shown) {
    if (&part != shown.data()) line += kGap;
    line += part.second;
  }
  return line;
}

std::string progress_json(const Progress& progress) {
  using nlohmann::ordered_json;
  const auto text_or_null = [](const std::string& text) {
    return text.empty() ? ordered_json(nullptr) : ordered_json(text);
  };
  ordered_json ways = ordered_json::array();
  for (const WayProgress& way : progress.ways)
    ways.push_back({{"kind", way.kind},
                    {"interface", text_or_null(way.interface)},
                    {"next_hop", text_or_null(way.next_hop)},
                    {"targets", way.targets},
                    {"sent", way.sent},
                    {"replied", way.replied}});
  const ordered_json line = {
      {"type", "status"},
      {"scan_id", text_or_null(progress.scan_id)},
      {"time", time_text(progress.taken_unix_ms)},
      {"elapsed_s", progress.elapsed_s},
      {"percent", progress.done_percent},
      {"left_s", progress.left_s ? ordered_json(*progress.left_s) : ordered_json(nullptr)},
      {"cooldown", progress.is_cooldown},
      {"ended", progress.has_ended},
      {"probes", progress.probes},
      {"sent", progress.sent},
      {"sent_again", progress.sent_again},
      {"sent_pps", progress.sent_pps},
      {"replied", progress.replied},
      {"replied_pps", progress.replied_pps},
      {"hit_percent", progress.hit_percent},
      {"errored", progress.errored},
      {"lines", progress.lines},
      {"ring_full", progress.ring_full},
      {"dropped_unseen", progress.dropped_unseen},
      {"output_is_limit", progress.output_is_limit},
      {"receiver_is_limit", progress.receiver_is_limit},
      {"messages_dropped", progress.messages_dropped},
      {"ways", std::move(ways)}};
  return line.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace echoscan
