#include "scanner/ping/ping_run.h"

#include <cerrno>
#include <utility>
#include <variant>

namespace echoscan {
namespace {

using Output = PingConfig::Output;

constexpr double kTimeoutS = 0.5;
constexpr double kCountTimeoutS = 2;

std::uint64_t in_ns(double seconds) {
  return static_cast<std::uint64_t>(seconds * 1e9);
}

PingRules rules_of(const PingConfig& config) {
  PingRules rules;
  rules.interval_ns = in_ns(config.interval_s);
  rules.period_ns = in_ns(config.period_s);
  rules.timeout_ns = in_ns(config.timeout_s.value_or(config.count ? kCountTimeoutS : kTimeoutS));
  rules.retries = config.retries;
  rules.count = config.count;
  return rules;
}

}  // namespace

PingRun::PingRun(const PingConfig& config, const PingTargets& targets, EchoPort& port, Clock& clock,
                 Print print, const ScanId& scan_id)
    : config_(config),
      targets_(targets),
      port_(port),
      clock_(clock),
      print_(std::move(print)),
      began_ns_(clock.now_ns()),
      schedule_(targets.all().size(), rules_of(config), began_ns_),
      account_(targets),
      text_(targets, account_, scan_id) {}

std::optional<int> PingRun::run(const StopSignal& stop_signal) {
  while (!schedule_.is_done()) {
    if (const std::optional<int> signal = stop_signal()) return signal;
    // A process that got no CPU for a while has answers to read that came in time: first these,
    // and only then is anybody out of patience, as of before.
    const std::uint64_t now_ns = clock_.now_ns();
    read_news(now_ns);
    ask_due(now_ns);
    if (!schedule_.is_done()) read_news(schedule_.next_ns());
  }
  return std::nullopt;
}

void PingRun::read_news(std::uint64_t until_ns) {
  news_.clear();
  port_.receive(until_ns, news_);
  for (const EchoNews& item : news_) std::visit([this](const auto& one) { note(one); }, item);
}

void PingRun::ask_due(std::uint64_t now_ns) {
  while (const std::optional<std::size_t> target = schedule_.take(now_ns))
    if (!ask(*target)) return;
}

bool PingRun::ask(std::size_t target) {
  const std::uint64_t now_ns = clock_.now_ns();
  const auto number = static_cast<std::uint8_t>(schedule_.sent_count(target));
  const int error = port_.send(targets_.all()[target].address, number, now_ns);
  if (error == EAGAIN) {
    schedule_.put_off(target, now_ns);
    return false;
  }
  if (error == 0) {
    account_.note_sent(target, now_ns);
    schedule_.sent(target, now_ns);
  } else {
    account_.note_refused(target, error);
    schedule_.settle(target);
  }
  return true;
}

void PingRun::note(const EchoReply& reply) {
  const std::optional<PingAnswer> answer = account_.note(reply);
  if (!answer) return;
  const std::uint32_t asked = config_.count.value_or(1);
  const std::uint32_t answered = account_.of(answer->target).answered;
  if (answered >= asked) schedule_.settle(answer->target);
  if (config_.output == Output::lines) print_(text_.answer_line(*answer, asked));
  if (config_.output == Output::json) print_(text_.answer_json(*answer, realtime_offset_ns()));
  if (config_.output == Output::alive && answered == 1) print_(text_.address_line(answer->target));
}

void PingRun::print_end() {
  const bool is_for_people = config_.output == Output::lines;
  for (std::size_t target = 0; target < account_.size(); ++target) {
    const bool is_settled = schedule_.is_settled(target);
    if (is_for_people && config_.count) print_(text_.target_line(target, is_settled));
    if (account_.of(target).answered > 0) continue;
    if (is_for_people && !config_.count) print_(text_.silent_line(target, is_settled));
    if (config_.output == Output::json) print_(text_.silent_json(target, is_settled));
    if (config_.output == Output::unreachable && is_settled) print_(text_.address_line(target));
  }
  if (is_for_people) print_(text_.sum_line(clock_.now_ns() - began_ns_));
}

}  // namespace echoscan
