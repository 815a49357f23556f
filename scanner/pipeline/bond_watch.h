// The watch on the ports of the bond that probes leave by: whether one has failed.
//
// The bond goes on by another port by itself, so that nobody has to wait. But what left between the
// failure and the bond's noticing it is lost, and the kernel has counted it as sent: it is sent
// again, as far back as the bond's settings and a round trip say. A port that is taken out of use
// without a failure counts, too, since replies to its last probes come in by it. Ports that are
// added, or carry again, lose nothing. Like the control, whose part it is, it takes time as an
// argument.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "scanner/account/event_log.h"
#include "scanner/network/link.h"
#include "scanner/pipeline/scan_state.h"
#include "scanner/pipeline/sending_phase.h"

namespace echoscan {

class BondWatch {
 public:
  // A look is a question to the kernel for each interface that there is.
  static constexpr std::uint64_t kLookNs = 50'000'000;

  // `on_its_way_ns` says for how long a reply may be on its way. All must outlive the watch.
  BondWatch(const Link& link, ScanState& state, EventLog& events,
            std::function<std::uint64_t()> on_its_way_ns);

  // Call it about every 10 ms, until receiving ends. When sending is over, what is lost is in
  // doubt.
  void look(std::uint64_t now_ns, SendingPhase phase);

 private:
  // Those that carried at the last look and have failed since, as "lab0, lab2"; empty: none.
  [[nodiscard]] std::string failed_ports(const std::vector<BondPort>& now) const;

  const Link& link_;
  ScanState& state_;
  EventLog& events_;
  std::function<std::uint64_t()> on_its_way_ns_;
  std::vector<BondPort> ports_;  // at the last look
  std::uint64_t looked_ns_ = 0;  // 0: not yet
};

}  // namespace echoscan
