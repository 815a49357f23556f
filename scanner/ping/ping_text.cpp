#include "scanner/ping/ping_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "output/result/json_line.h"
#include "output/result/text_line.h"
#include "output/summary/figure_text.h"
#include "targets/utf8.h"

namespace echoscan {
namespace {

std::string icmp_text(const EchoError& error) {
  const std::string_view text = icmp_error_text(error.icmp_type, error.icmp_code);
  return text.empty() ? fmt::format("ICMP type {} code {}", error.icmp_type, error.icmp_code)
                      : std::string(text);
}

// A clause.
std::string why_text(const PingAccount::Target& target, bool is_settled) {
  if (!target.error && target.sent == 0) return "not asked";
  if (!target.error) return is_settled ? "no answer" : "no answer so far";
  const EchoError& error = *target.error;
  if (error.reporter)
    return fmt::format("no answer: {}, says {}", icmp_text(error), to_string(*error.reporter));
  if (target.sent == 0 && error.error == EACCES) return "not asked: a broadcast address";
  return fmt::format("{}: {}", target.sent == 0 ? "not asked" : "no answer",
                     std::strerror(error.error));
}

}  // namespace

PingText::PingText(const PingTargets& targets, const PingAccount& account, const ScanId& scan_id)
    : targets_(targets), account_(account), scan_id_(scan_id) {
  for (const PingTarget& target : targets.all())
    width_ = std::max(width_, to_string(target.address).size());
}

std::string PingText::address_column(std::size_t target) const {
  return fmt::format("{:<{}}", to_string(targets_.all()[target].address), width_);
}

std::string PingText::label_column(std::size_t target) const {
  const std::string& label = targets_.all()[target].label;
  return label.empty() ? "" : "  " + printable_text(label);
}

std::string PingText::answer_line(const PingAnswer& answer, std::uint32_t asked_max) const {
  std::string line = fmt::format("{}  {:>8}  ttl {}", address_column(answer.target),
                                 answer.rtt_ns ? duration_text(*answer.rtt_ns) : "", answer.ttl);
  if (asked_max > 1)
    line += fmt::format("  {} of {}", account_.of(answer.target).answered, asked_max);
  if (answer.source != targets_.all()[answer.target].address)
    line += fmt::format("  from {}", to_string(answer.source));
  if (!answer.rtt_ns) line += "  payload changed";
  return line + label_column(answer.target) + "\n";
}

std::string PingText::silent_line(std::size_t target, bool is_settled) const {
  return fmt::format("{}  {}{}\n", address_column(target),
                     why_text(account_.of(target), is_settled), label_column(target));
}

std::string PingText::target_line(std::size_t target, bool is_settled) const {
  const PingAccount::Target& figures = account_.of(target);
  if (figures.answered == 0) return silent_line(target, is_settled);
  std::string line =
      fmt::format("{}  {} of {} answered", address_column(target), figures.answered, figures.sent);
  if (figures.timed > 0)
    line += fmt::format(", {} / {} / {} (min / mean / max)", duration_text(figures.rtt_min_ns),
                        duration_text(figures.rtt_sum_ns / figures.timed),
                        duration_text(figures.rtt_max_ns));
  return line + label_column(target) + "\n";
}

std::string PingText::sum_line(std::uint64_t took_ns) const {
  std::string line =
      fmt::format("{} of {} answered in {:.2f} s, {}", with_thousands(account_.alive_count()),
                  with_thousands(account_.size()), static_cast<double>(took_ns) / 1e9,
                  counted(account_.sent_count(), "request"));
  const std::vector<std::uint64_t> rtts_ns = account_.rtts_ns();
  if (!rtts_ns.empty())
    line += fmt::format("; {} / {} / {} (min / median / max)", duration_text(rtts_ns.front()),
                        duration_text(rtts_ns[rtts_ns.size() / 2]), duration_text(rtts_ns.back()));
  if (account_.repeat_count() > 0)
    line += fmt::format("; {} came more than once", counted(account_.repeat_count(), "answer"));
  return line + "\n";
}

std::string PingText::address_line(std::size_t target) const {
  return to_string(targets_.all()[target].address) + "\n";
}

std::string PingText::answer_json(const PingAnswer& answer, std::int64_t realtime_offset_ns) const {
  const PingTarget& target = targets_.all()[answer.target];
  Result result;
  result.received_us = (static_cast<std::int64_t>(answer.arrived_ns) + realtime_offset_ns) / 1000;
  result.target = target.address;
  result.responder = answer.source;
  result.repeat = account_.of(answer.target).answered > 1;
  result.off_target = answer.source != target.address;
  result.rtt_trusted = answer.rtt_ns.has_value();
  result.rtt_ns = answer.rtt_ns;
  result.ttl = answer.ttl;
  result.label = target.label;
  result.scan_id = scan_id_;
  std::string line(kLineBytesMax, '\0');
  line.resize(static_cast<std::size_t>(write_json_line(line.data(), result) - line.data()));
  return line;
}

std::string PingText::silent_json(std::size_t target, bool is_settled) const {
  const PingAccount::Target& figures = account_.of(target);
  nlohmann::ordered_json json = {{"type", is_settled ? "silent" : "unfinished"},
                                 {"target", to_string(targets_.all()[target].address)},
                                 {"sent", figures.sent}};
  if (figures.error && figures.error->reporter) {
    json["saddr"] = to_string(*figures.error->reporter);
    json["icmp_type"] = figures.error->icmp_type;
    json["icmp_code"] = figures.error->icmp_code;
  }
  if (figures.error) json["reason"] = why_text(figures, is_settled);
  if (!targets_.all()[target].label.empty()) json["label"] = targets_.all()[target].label;
  if (!scan_id_.is_empty()) json["scan_id"] = scan_id_.text();
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace echoscan
