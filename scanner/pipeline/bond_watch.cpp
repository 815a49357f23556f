#include "scanner/pipeline/bond_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "scanner/process/clock.h"

namespace echoscan {

BondWatch::BondWatch(const Link& link, ScanState& state, EventLog& events,
                     std::function<std::uint64_t()> on_its_way_ns)
    : link_(link), state_(state), events_(events), on_its_way_ns_(std::move(on_its_way_ns)) {}

void BondWatch::look(std::uint64_t now_ns, SendingPhase phase) {
  const Bond* bond = link_.bond();
  if (bond == nullptr || (looked_ns_ != 0 && now_ns - looked_ns_ < kLookNs)) return;
  std::vector<BondPort> now = link_.bond_ports();
  // The kernel did not say, or the bond has no port any more, which its carrier tells.
  if (now.empty()) return;
  const std::string failed = failed_ports(now);
  if (!failed.empty()) {
    const std::uint64_t since_ns =
        looked_ns_ - std::min(looked_ns_, bond->unnoticed_ns + on_its_way_ns_());
    state_.reply_losses.add(since_ns);
    events_.add_loss(
        now_ns, fmt::format("a port of {} has failed: {}", bond->name, failed),
        fmt::format("the probes of the {:.2f} s before are {}", to_seconds(now_ns - since_ns),
                    phase == SendingPhase::over ? "in doubt" : "sent again"));
  }
  ports_ = std::move(now);
  looked_ns_ = now_ns;
}

std::string BondWatch::failed_ports(const std::vector<BondPort>& now) const {
  std::vector<std::string> failed;
  for (const BondPort& before : ports_) {
    if (!before.carries) continue;
    const auto port = std::ranges::find(now, before.name, &BondPort::name);
    if (port == now.end() || !port->carries || port->failures != before.failures)
      failed.push_back(before.name);
  }
  return fmt::format("{}", fmt::join(failed, ", "));
}

}  // namespace echoscan
