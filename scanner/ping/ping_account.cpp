#include "scanner/ping/ping_account.h"

#include <algorithm>

namespace echoscan {

void PingAccount::note_sent(std::size_t target, std::uint64_t sent_ns) {
  ++targets_[target].sent;
  ++sent_count_;
  targets_[target].waiting.push_back(sent_ns);
}

std::optional<PingAnswer> PingAccount::note(const EchoReply& reply) {
  const std::size_t place = names_.find(reply.proof ? reply.proof->target : reply.source);
  if (place == targets_.size() || targets_[place].sent == 0) {
    ++stray_count_;
    return std::nullopt;
  }
  Target& target = targets_[place];
  const auto request = reply.proof ? std::ranges::find(target.waiting, reply.proof->sent_ns)
                                   : target.waiting.end() - (target.waiting.empty() ? 0 : 1);
  if (request == target.waiting.end()) {
    ++repeat_count_;
    return std::nullopt;
  }
  PingAnswer answer{place, reply.source, reply.arrived_ns, reply.ttl, std::nullopt};
  if (reply.proof) {
    const std::uint64_t rtt_ns = reply.arrived_ns - std::min(reply.arrived_ns, *request);
    answer.rtt_ns = rtt_ns;
    target.rtt_min_ns = target.timed == 0 ? rtt_ns : std::min(target.rtt_min_ns, rtt_ns);
    target.rtt_max_ns = std::max(target.rtt_max_ns, rtt_ns);
    target.rtt_sum_ns += rtt_ns;
    ++target.timed;
  }
  target.waiting.erase(request);
  ++target.answered;
  return answer;
}

std::optional<std::size_t> PingAccount::note(const EchoError& error) {
  const std::size_t place = names_.find(error.target);
  if (place == targets_.size() || targets_[place].sent == 0) {
    ++stray_count_;
    return std::nullopt;
  }
  targets_[place].error = error;
  return place;
}

void PingAccount::note_refused(std::size_t target, int error) {
  targets_[target].error = EchoError{names_.all()[target].address, std::nullopt, 0, 0, error};
}

std::size_t PingAccount::alive_count() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(targets_, [](const Target& target) { return target.answered > 0; }));
}

std::vector<std::uint64_t> PingAccount::rtts_ns() const {
  std::vector<std::uint64_t> rtts_ns;
  for (const Target& target : targets_)
    if (target.timed > 0) rtts_ns.push_back(target.rtt_min_ns);
  std::ranges::sort(rtts_ns);
  return rtts_ns;
}

}  // namespace echoscan
