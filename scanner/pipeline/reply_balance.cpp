#include "scanner/pipeline/reply_balance.h"

#include <fmt/format.h>

#include <algorithm>

#include "output/summary/figure_text.h"

namespace echoscan {

// A frame that comes between two questions may be taken for left to the kernel and not counted by
// it, never the other way round: nothing is called unseen that was seen.
ReplyBalance::ReplyBalance(const ReplySource& source, const Link& link)
    : source_(source),
      link_(link),
      passed_on_(source.passed_on()),
      replies_at_start_(link.echo_replies()),
      rx_packets_(link.rx_packets_by_name()) {}

void ReplyBalance::close() {
  if (kernel_replies_) return;
  const std::optional<std::uint64_t> replies = link_.echo_replies();
  if (replies && replies_at_start_) kernel_replies_ = *replies - *replies_at_start_;
}

void ReplyBalance::settle(std::uint64_t now_ns, EventLog& events) {
  if (!kernel_replies_) return;
  const std::uint64_t known = source_.passed_on() - passed_on_;
  unseen_replies_ = *kernel_replies_ - std::min(*kernel_replies_, known);
  if (*unseen_replies_ == 0) return;
  const std::string others = carriers();
  events.add_loss(
      now_ns,
      fmt::format("the kernel received {} echo {} that the scan did not see",
                  with_thousands(*unseen_replies_), *unseen_replies_ == 1 ? "reply" : "replies"),
      others.empty()
          ? "other processes of this host asked for them, or they came while the reply filter was "
            "off"
          : fmt::format(
                "they came in by another interface, where nobody watches, or other processes "
                "of this host asked for them; received meanwhile: {}",
                others));
}

std::string ReplyBalance::carriers() const {
  std::string text;
  for (const auto& [name, rx_packets] : link_.rx_packets_by_name()) {
    const auto before = rx_packets_.find(name);
    if (before == rx_packets_.end() || name == link_.name()) continue;
    const std::uint64_t grown = rx_packets - std::min(rx_packets, before->second);
    if (2 * grown >= *unseen_replies_)
      text +=
          fmt::format("{}{} packets by {}", text.empty() ? "" : ", ", with_thousands(grown), name);
  }
  return text;
}

}  // namespace echoscan
