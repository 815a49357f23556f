#include "scanner/command/diagnosis.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <string_view>

#include "output/summary/figure_text.h"
#include "scanner/command/way_report.h"
#include "scanner/network/driver_facts.h"

namespace echoscan {
namespace {

constexpr std::uint64_t kMebibyte = std::uint64_t{1} << 20;
// AF_XDP's memory for one queue: 6,144 frames of 2 KiB.
constexpr std::uint64_t kLockedBytesPerQueue = 16 * kMebibyte;
// What a page of 4 KiB leaves for the frame, less a margin, in drivers that keep a frame in one
// page.
constexpr unsigned kNativeMtuMax = 3498;
constexpr std::string_view kCapabilityPrefix = "CAP_";
constexpr unsigned kSmallRing = 1024;
// Has bpf_link for XDP.
constexpr KernelVersion kFirstXdpLink{5, 9};

using Outcome = Trial::Outcome;

class ProblemList {
 public:
  explicit ProblemList(std::vector<Problem>& problems) : problems_(problems) {}

  void fatal(std::string what, std::string fix) {
    problems_.push_back({std::move(what), std::move(fix), true});
  }
  void add(std::string what, std::string fix) {
    problems_.push_back({std::move(what), std::move(fix), false});
  }

 private:
  std::vector<Problem>& problems_;
};

bool holds(const Diagnosis& diagnosis, const std::string& name) {
  return std::ranges::any_of(diagnosis.capabilities, [&name](const Capability& capability) {
    return capability.name == name && capability.is_held;
  });
}

// Whether the kernel has what came with version `since`; an unknown version is too old for all.
bool has_since(const Diagnosis& facts, std::optional<KernelVersion> since) {
  return since && facts.kernel_version >= *since;
}

void judge_privileges(const Diagnosis& facts, ProblemList& problems) {
  if (!holds(facts, "CAP_NET_RAW")) {
    problems.fatal("Nothing can be sent without CAP_NET_RAW.",
                   "run it with sudo, or: sudo setcap "
                   "cap_net_raw,cap_net_admin,cap_bpf,cap_perfmon,cap_ipc_lock+ep $(command -v "
                   "echoscan)");
  } else if (!holds(facts, "CAP_NET_ADMIN") || !holds(facts, "CAP_BPF") ||
             !holds(facts, "CAP_PERFMON")) {
    problems.add(
        "Without CAP_NET_ADMIN, CAP_BPF and CAP_PERFMON there is no XDP and no AF_XDP: AF_PACKET "
        "both ways, at "
        "a fraction of the rate.",
        "run it with sudo, or: sudo setcap "
        "cap_net_raw,cap_net_admin,cap_bpf,cap_perfmon,cap_ipc_lock+ep $(command -v echoscan)");
  }
  const std::uint64_t wanted = kLockedBytesPerQueue * std::max(1U, facts.interface.queues);
  if (facts.locked_memory_bytes && *facts.locked_memory_bytes < wanted &&
      !holds(facts, "CAP_IPC_LOCK"))
    problems.add(fmt::format("{} KiB of memory may be locked, and AF_XDP wants {} MiB on {} "
                             "queue{}.",
                             *facts.locked_memory_bytes / 1024, wanted / kMebibyte,
                             facts.interface.queues, plural(facts.interface.queues)),
                 "ulimit -l unlimited");
  if (!has_since(facts, kFirstXdpLink)) {
    const DriverFacts& driver = driver_facts(facts.interface.driver);
    problems.add(
        fmt::format("Linux before {} has no XDP that goes with its process: AF_PACKET both ways.",
                    to_string(kFirstXdpLink)),
        fmt::format("a kernel from {}{}", to_string(kFirstXdpLink),
                    driver.zero_copy_from
                        ? fmt::format("; {} has zero-copy for {}",
                                      to_string(*driver.zero_copy_from), driver.driver)
                        : ""));
  }
}

std::string remedy_of(const XdpOccupant& occupant, const std::string& interface_name) {
  return occupant.is_echoscan
             ? "wait for its end, or --method af_packet"
             : fmt::format("ip link set {} xdp off, if it is nobody's; or --method af_packet",
                           interface_name);
}

// What to do about a refusal, by what is known of the place where the scan stopped.
std::string fix_of_refusal(const Diagnosis& facts) {
  const Interface& nic = facts.interface;
  const bool has_way = std::ranges::any_of(
      facts.ways, [](const WayShare& share) { return !is_unroutable(share.way); });
  if (nic.name.empty() && !has_way)
    return "ip route add default via GATEWAY dev IF; `ip link` lists the interfaces";
  if (!nic.is_up) return fmt::format("ip link set {} up", nic.name);
  if (facts.source.empty())
    return fmt::format("ip address add ADDRESS/LENGTH dev {}, or --source-ip", nic.name);
  if (!has_way)
    return fmt::format("ip route add default via GATEWAY dev {}, or --gateway-mac MAC", nic.name);
  if (!nic.has_carrier) return "is the cable in, is the other end up?";
  if (facts.occupant) return remedy_of(*facts.occupant, nic.name);
  if (!facts.gateway.empty() && facts.gateway_mac.empty())
    return fmt::format("ping -I {} {}; --gateway-mac names it by hand", nic.name, facts.gateway);
  return "--method auto, without --gateway-mac and --source-ip";
}

// What ends a scan before its first probe, in its own words, and what it would pass over.
void judge_ways(const Diagnosis& facts, ProblemList& problems) {
  if (!facts.refusal.empty()) {
    problems.fatal(fmt::format("A scan is refused: {}.", facts.refusal), fix_of_refusal(facts));
    return;
  }
  std::uint64_t all = 0;
  std::uint64_t refused = 0;
  for (const WayShare& share : facts.ways) {
    all += share.targets;
    if (is_unroutable(share.way)) refused += share.targets;
  }
  if (refused > 0)
    problems.add(fmt::format("{} of {} targets are unroutable from here: nothing is sent to them.",
                             with_thousands(refused), with_thousands(all)),
                 "`ip route get ADDRESS` says why; a route, or nothing");
}

// Why a driver has no native XDP just now; the errno alone says little.
void judge_native(const Diagnosis& facts, ProblemList& problems) {
  const Interface& nic = facts.interface;
  if (facts.xdp_native.outcome != Outcome::refused || !nic.is_ethernet) return;
  const std::string what = fmt::format(
      "No native XDP on {} ({}): replies are matched in generic "
      "mode, which is slower",
      nic.name, facts.xdp_native.reason);
  if (facts.has_lro)
    problems.add(what + "; drivers refuse it while LRO is on.",
                 fmt::format("ethtool -K {} lro off", nic.name));
  const DriverFacts& driver = driver_facts(nic.driver);
  // EOPNOTSUPP means that the driver has no native XDP, unless it is known to have it: vmxnet3 says
  // so of an MTU that is too large.
  const bool has_native =
      facts.xdp_native.error != EOPNOTSUPP || has_since(facts, driver.native_xdp_from);
  if (nic.mtu > kNativeMtuMax && has_native)
    problems.add(fmt::format("{}; frames of {} bytes do not fit its buffers.", what, nic.mtu),
                 fmt::format("ip link set {} mtu {}", nic.name, kNativeMtuMax));
  if (driver.wants_half_of_queues && facts.queues_max > 1 && nic.queues > facts.queues_max / 2)
    problems.add(fmt::format("{}; {} wants half of its queues free for XDP.", what, nic.driver),
                 fmt::format("ethtool -L {} combined {}", nic.name, facts.queues_max / 2));
}

void judge_zero_copy(const Diagnosis& facts, ProblemList& problems) {
  const Interface& nic = facts.interface;
  if (facts.copy.outcome == Outcome::refused)
    problems.add(
        fmt::format("No AF_XDP on {} ({}): sending by AF_PACKET.", nic.name, facts.copy.reason),
        "see docs/drivers.md");
  if (facts.zero_copy.outcome != Outcome::refused) return;
  const DriverFacts& driver = driver_facts(nic.driver);
  if (driver.zero_copy_from && !has_since(facts, driver.zero_copy_from)) {
    problems.add(fmt::format("{} has zero-copy from Linux {} on.", nic.driver,
                             to_string(*driver.zero_copy_from)),
                 std::string(driver.kernel_fix));
  } else if (!driver.zero_copy_needs.empty()) {
    problems.add(fmt::format("Zero-copy on {} needs {}.", nic.driver, driver.zero_copy_needs),
                 std::string(driver.zero_copy_fix));
  }
}

void judge_sizes(const Diagnosis& facts, ProblemList& problems) {
  const Interface& nic = facts.interface;
  // Where it is in a scan's way, the refusal says so.
  if (facts.occupant && facts.refusal.empty())
    problems.add(fmt::format("Another {} is on {} ({}); echoscan never replaces one.",
                             facts.occupant->is_echoscan ? "scan's reply filter" : "XDP program",
                             nic.name, facts.occupant->name),
                 remedy_of(*facts.occupant, nic.name));
  const unsigned useful = std::min(facts.queues_max, facts.cpus_allowed);
  if (nic.queues < useful && !driver_facts(nic.driver).wants_half_of_queues)
    problems.add(fmt::format("{} of {} queues are in use; each can have a CPU.", nic.queues,
                             facts.queues_max),
                 fmt::format("ethtool -L {} combined {}", nic.name, useful));
  const auto is_small = [](unsigned ring, unsigned max) {
    return ring > 0 && ring < std::min(max, kSmallRing);
  };
  if (is_small(facts.rx_ring, facts.rx_ring_max) || is_small(facts.tx_ring, facts.tx_ring_max))
    problems.add(
        fmt::format("Rings of {} (receive) and {} (send) overflow in bursts.", facts.rx_ring,
                    facts.tx_ring),
        fmt::format("ethtool -G {} rx {} tx {}", nic.name, facts.rx_ring_max, facts.tx_ring_max));
  if (facts.pps_allowance_exceeded && *facts.pps_allowance_exceeded > 0)
    problems.add(fmt::format("The cloud's limit on packets a second has held back {} frames of "
                             "this interface so far.",
                             *facts.pps_allowance_exceeded),
                 "a lower --rate (about 5 Mpps at the small end of ENA), or a larger instance");
}

// Settings that outlive their scan.
void judge_interrupts(const Diagnosis& facts, ProblemList& problems) {
  if (!facts.held_back) return;
  const std::string& name = facts.interface.name;
  const InterruptValues& found = facts.held_back->found;
  problems.add(
      fmt::format("A scan that was killed (process {}) has left the interrupts of {} held back "
                  "({}): replies may be late.",
                  facts.held_back->process, name, to_string(facts.held_back->set)),
      fmt::format("any scan by {} as root sets them back; or: echo {} "
                  ">/sys/class/net/{}/napi_defer_hard_irqs; echo {} "
                  ">/sys/class/net/{}/gro_flush_timeout",
                  name, found.defer_hard_irqs, name, found.gro_flush_timeout, name));
}

std::string trial_text(const Trial& trial) {
  switch (trial.outcome) {
    case Outcome::works:
      return "yes";
    case Outcome::refused:
      return fmt::format("no ({})", trial.reason);
    case Outcome::untried:
      break;
  }
  return fmt::format("not tried ({})", trial.reason);
}

std::string ring_text(unsigned ring, unsigned max) {
  return ring == 0 ? "unknown" : fmt::format("{} of {}", ring, max);
}

std::string or_none(const std::string& text) {
  return text.empty() ? "none" : text;
}

// A line of a report in columns.
std::string row(std::string_view name, const std::string& value) {
  return fmt::format("  {:<14}{}\n", name, value);
}

std::string interface_text(const Diagnosis& facts) {
  const Interface& nic = facts.interface;
  std::string text;
  const auto line = [&text](std::string_view name, const std::string& value) {
    text += row(name, value);
  };
  text += fmt::format("{}\n", nic.name);
  line("driver", nic.driver.empty() ? "unknown" : nic.driver);
  line("link", !nic.is_up ? "switched off" : nic.has_carrier ? "up" : "no carrier");
  line("MTU", fmt::format("{}", nic.mtu));
  line("queues", facts.queues_max > 0 ? fmt::format("{} of {}", nic.queues, facts.queues_max)
                                      : fmt::format("{}", nic.queues));
  line("receive ring", ring_text(facts.rx_ring, facts.rx_ring_max));
  line("send ring", ring_text(facts.tx_ring, facts.tx_ring_max));
  line("LRO", facts.has_lro ? "on" : "off");
  line("XDP program", or_none(facts.occupant ? facts.occupant->name : ""));
  if (facts.held_back) line("interrupts", "held back by a scan that was killed");
  line("native XDP", trial_text(facts.xdp_native));
  line("generic XDP", trial_text(facts.xdp_generic));
  line("zero-copy", trial_text(facts.zero_copy));
  line("copy mode", trial_text(facts.copy));
  line("live frames", trial_text(facts.live_frames));
  return text;
}

nlohmann::ordered_json trial_json(const Trial& trial) {
  nlohmann::ordered_json json;
  if (trial.outcome == Outcome::untried) {
    json["works"] = nullptr;
  } else {
    json["works"] = trial.outcome == Outcome::works;
  }
  json["reason"] = trial.reason;
  return json;
}

// A number, or null.
nlohmann::ordered_json optional_number(const std::optional<std::uint64_t>& number) {
  if (!number) return nullptr;
  return *number;
}

nlohmann::ordered_json interface_json(const Diagnosis& facts) {
  const Interface& nic = facts.interface;
  return {{"name", nic.name},
          {"driver", nic.driver},
          {"up", nic.is_up},
          {"carrier", nic.has_carrier},
          {"mtu", nic.mtu},
          {"queues", nic.queues},
          {"queues_max", facts.queues_max},
          {"rx_ring", facts.rx_ring},
          {"rx_ring_max", facts.rx_ring_max},
          {"tx_ring", facts.tx_ring},
          {"tx_ring_max", facts.tx_ring_max},
          {"lro", facts.has_lro},
          {"pps_allowance_exceeded", optional_number(facts.pps_allowance_exceeded)},
          {"xdp_program", facts.occupant ? facts.occupant->name : ""},
          {"held_back_by", facts.held_back ? nlohmann::ordered_json(facts.held_back->process)
                                           : nlohmann::ordered_json(nullptr)}};
}

}  // namespace

std::vector<Problem> find_problems(const Diagnosis& diagnosis) {
  std::vector<Problem> found;
  ProblemList problems(found);
  judge_privileges(diagnosis, problems);
  judge_ways(diagnosis, problems);
  if (diagnosis.interface.name.empty()) return found;
  judge_native(diagnosis, problems);
  judge_zero_copy(diagnosis, problems);
  judge_sizes(diagnosis, problems);
  judge_interrupts(diagnosis, problems);
  return found;
}

std::string diagnosis_text(const Diagnosis& facts, const std::vector<Problem>& problems) {
  const Interface& nic = facts.interface;
  std::string text;
  const auto line = [&text](std::string_view name, const std::string& value) {
    text += row(name, value);
  };
  text += fmt::format("echoscan {}\n", ECHOSCAN_VERSION);
  line("kernel", facts.kernel);
  line("CPUs", fmt::format("{} allowed", facts.cpus_allowed));
  for (const Capability& capability : facts.capabilities)
    line(capability.name.substr(kCapabilityPrefix.size()),
         capability.is_held ? "yes" : fmt::format("no: {}", capability.purpose));
  line("lockable", facts.locked_memory_bytes
                       ? fmt::format("{} KiB", *facts.locked_memory_bytes / 1024)
                       : "unlimited");
  if (!nic.name.empty()) text += interface_text(facts);
  text += "ways\n";
  for (const std::string& way : way_lines(facts.ways)) text += fmt::format("  {}\n", way);
  line("source", or_none(facts.source));
  line("gateway", or_none(facts.gateway));
  line("gateway's MAC", or_none(facts.gateway_mac));
  text += problems.empty() ? "no problems\n" : "problems\n";
  for (const Problem& problem : problems)
    text += fmt::format("  {}{}\n    fix: {}\n", problem.is_fatal ? "fatal: " : "", problem.what,
                        problem.fix);
  return text;
}

std::string diagnosis_json(const Diagnosis& facts, const std::vector<Problem>& problems) {
  using Json = nlohmann::ordered_json;
  const Interface& nic = facts.interface;
  Json capabilities = Json::object();
  for (const Capability& capability : facts.capabilities)
    capabilities[capability.name] = capability.is_held;
  Json list = Json::array();
  for (const Problem& problem : problems)
    list.push_back({{"what", problem.what}, {"fix", problem.fix}, {"fatal", problem.is_fatal}});
  const Json json = {{"type", "doctor"},
                     {"version", ECHOSCAN_VERSION},
                     {"kernel", facts.kernel},
                     {"cpus", facts.cpus_allowed},
                     {"capabilities", capabilities},
                     {"locked_memory_bytes", optional_number(facts.locked_memory_bytes)},
                     {"interface", nic.name.empty() ? Json(nullptr) : interface_json(facts)},
                     {"xdp_native", trial_json(facts.xdp_native)},
                     {"xdp_generic", trial_json(facts.xdp_generic)},
                     {"af_xdp_zero_copy", trial_json(facts.zero_copy)},
                     {"af_xdp_copy", trial_json(facts.copy)},
                     {"xdp_live", trial_json(facts.live_frames)},
                     {"ways", ways_json(facts.ways)},
                     {"source", facts.source},
                     {"gateway", facts.gateway},
                     {"gateway_mac", facts.gateway_mac},
                     {"problems", list}};
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace echoscan
