#include "scanner/command/doctor.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <optional>
#include <span>

#include "scanner/command/card_diagnosis.h"
#include "scanner/command/diagnosis.h"
#include "scanner/command/rehearsal.h"
#include "scanner/network/busy_poll.h"
#include "scanner/network/ethtool.h"
#include "scanner/network/interface.h"
#include "scanner/network/own_address.h"
#include "scanner/path/receive_path.h"
#include "scanner/path/transmit_path.h"
#include "scanner/plan/target_selection.h"
#include "scanner/process/clock.h"
#include "scanner/process/limits.h"
#include "scanner/process/privileges.h"
#include "targets/utf8.h"

namespace echoscan {
namespace {

constexpr double kCarrierTimeoutS = 30;

std::vector<Capability> held_capabilities() {
  const Privileges held = current_privileges();
  return {{"CAP_NET_RAW", held.net_raw, "nothing can be sent"},
          {"CAP_NET_ADMIN", held.net_admin, "no XDP"},
          {"CAP_BPF", held.bpf, "no XDP"},
          {"CAP_PERFMON", held.perfmon, "no XDP"},
          {"CAP_IPC_LOCK", held.ipc_lock, "AF_XDP within the limit of `ulimit -l`"}};
}

void look_at_system(Diagnosis& facts) {
  facts.kernel = kernel_release();
  facts.kernel_version = parse_kernel_version(facts.kernel).value_or(KernelVersion{});
  cpu_set_t cpus;
  if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
    facts.cpus_allowed = static_cast<unsigned>(CPU_COUNT(&cpus));
  facts.capabilities = held_capabilities();
  rlimit limit{};
  getrlimit(RLIMIT_MEMLOCK, &limit);
  if (limit.rlim_cur != RLIM_INFINITY) facts.locked_memory_bytes = limit.rlim_cur;
}

void look_at_interface(Diagnosis& facts, Interface interface) {
  facts.interface = std::move(interface);
  const std::string& name = facts.interface.name;
  if (const std::optional<Channels> channels = read_channels(name))
    facts.queues_max = channels->max;
  const RingSizes rings = read_ring_sizes(name);
  facts.rx_ring = rings.rx;
  facts.rx_ring_max = rings.rx_max;
  facts.tx_ring = rings.tx;
  facts.tx_ring_max = rings.tx_max;
  facts.has_lro = has_lro(name);
  facts.pps_allowance_exceeded = read_driver_counter(name, "pps_allowance_exceeded");
  facts.occupant = find_xdp_occupant(facts.interface);
  facts.held_back = find_held_back(facts.interface);
}

Trial outcome_of(const tl::expected<void, Refusal>& attempt) {
  if (attempt) return {Trial::Outcome::works, {}};
  return {Trial::Outcome::refused, attempt.error().reason, attempt.error().error};
}

void leave_untried(Diagnosis& facts, const std::string& reason) {
  for (Trial* trial :
       {&facts.xdp_native, &facts.xdp_generic, &facts.zero_copy, &facts.copy, &facts.live_frames})
    *trial = {Trial::Outcome::untried, reason};
}

// Tries what a scan does, in its order: attach, wait for the link, bind. Nothing stays on return.
void try_paths(Diagnosis& facts, Clock& clock) {
  const XdpTrial xdp = try_xdp(facts.interface);
  facts.xdp_native = outcome_of(xdp.native);
  if (xdp.native) {
    facts.xdp_generic = {Trial::Outcome::untried, "native is better"};
  } else {
    facts.xdp_generic = outcome_of(xdp.generic);
  }
  if (!xdp.source) {
    facts.zero_copy = facts.copy =
        facts.live_frames = {Trial::Outcome::untried, "it goes with XDP"};
    return;
  }
  wait_for_carrier(facts.interface, clock, kCarrierTimeoutS);
  facts.zero_copy = outcome_of(try_af_xdp(facts.interface, true, clock));
  facts.copy = outcome_of(try_af_xdp(facts.interface, false, clock));
  facts.live_frames = outcome_of(try_xdp_live(facts.interface, allowed_cpus().front()));
}

// Why XDP and AF_XDP are not tried; nothing when they are to be. `why_only_looks` is why the doctor
// tries nothing at all.
std::string reason_not_to_try(const Diagnosis& facts, const std::string& why_only_looks) {
  if (!why_only_looks.empty()) return why_only_looks;
  if (!facts.interface.is_up || !facts.interface.has_carrier) return "the link is down";
  if (!facts.interface.is_ethernet) return "no Ethernet";
  if (facts.occupant) return facts.occupant->clause();
  return {};
}

// The interface that the scan would send by, else the one named, else that of the first way.
std::optional<Interface> choose_interface(const PathConfig& config, const Rehearsal& scan) {
  if (scan.network) return scan.network->interface;
  const auto way = std::ranges::find_if(
      scan.ways, [](const WayShare& share) { return share.way.interface_index != 0; });
  try {
    if (!config.interface_name.empty()) return find_interface(config.interface_name);
    if (way != scan.ways.end()) return find_interface(way->way.interface_index);
  } catch (const UserError&) {
    // There is no such interface, as the refusal says.
  }
  return std::nullopt;
}

void take_ways(Diagnosis& facts, const Rehearsal& scan) {
  facts.ways = scan.ways;
  facts.refusal = scan.refusal;
  if (scan.gateway_mac) facts.gateway_mac = to_string(*scan.gateway_mac);
  std::optional<Ipv4> source;
  if (scan.network) {
    source = scan.network->source;
    const std::vector<Gateway>& gateways = scan.network->gateways;
    if (!scan.network->kernel_routes && !gateways.empty())
      facts.gateway = to_string(gateways.front().address);
  } else if (facts.interface.index != 0) {
    source = find_source_address(facts.interface);
  }
  if (source) facts.source = to_string(*source);
}

Diagnosis diagnose(const PathConfig& config, std::span<const AddressRange> targets,
                   const std::string& why_only_looks, Clock& clock) {
  Diagnosis facts;
  look_at_system(facts);
  const Rehearsal scan = rehearse(config, targets, why_only_looks.empty(), clock);
  if (const std::optional<Interface> interface = choose_interface(config, scan)) {
    look_at_interface(facts, *interface);
    if (const std::string reason = reason_not_to_try(facts, why_only_looks); !reason.empty()) {
      leave_untried(facts, reason);
    } else {
      try_paths(facts, clock);
      // Taking the program away restarts the link as attaching it did.
      wait_for_carrier(facts.interface, clock, kCarrierTimeoutS);
    }
  }
  take_ways(facts, scan);
  return facts;
}

ExitCode print_verdict(const std::string& text, const std::vector<Problem>& problems) {
  fmt::print("{}", text);
  const bool is_hopeless = std::ranges::any_of(problems, &Problem::is_fatal);
  return is_hopeless ? ExitCode::environment : ExitCode::finished;
}

ExitCode run_card_doctor(const DoctorConfig& config) {
  const CardDiagnosis facts = diagnose_card(config.path);
  const std::vector<Problem> problems = find_card_problems(facts);
  return print_verdict(config.as_json ? card_json(facts, problems)
                                      : printable_text(card_text(facts, problems), true),
                       problems);
}

}  // namespace

ExitCode run_doctor(const DoctorConfig& config) {
  if (is_about_card(config.path)) return run_card_doctor(config);
  MonotonicClock clock;
  const TargetSelection selection = select_targets(config.target);
  refuse_empty(selection);
  const Diagnosis facts =
      diagnose(config.path, selection.ranges, config.read_only ? "--read-only" : "", clock);
  const std::vector<Problem> problems = find_problems(facts);
  return print_verdict(config.as_json ? diagnosis_json(facts, problems)
                                      : printable_text(diagnosis_text(facts, problems), true),
                       problems);
}

std::string doctors_json(const PathConfig& config, std::span<const AddressRange> targets,
                         Clock& clock, DoctorsAddresses addresses) {
  if (is_about_card(config)) {
    const CardDiagnosis card = diagnose_card(config);
    return card_json(card, find_card_problems(card));
  }
  Diagnosis facts = diagnose(config, targets, "a scan tries it itself", clock);
  const std::vector<Problem> problems = find_problems(facts);
  if (addresses == DoctorsAddresses::left_out) {
    facts.source.clear();
    facts.gateway.clear();
    facts.gateway_mac.clear();
    for (WayShare& share : facts.ways) {
      share.way.next_hop = {};
      share.way.source.reset();
    }
  }
  return diagnosis_json(facts, problems);
}

}  // namespace echoscan
