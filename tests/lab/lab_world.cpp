// The lab's hand on its simulated Internet: puts the far end's XDP program on an interface, prints
// what it counted, and prints the truth that a scan is compared with. Driven by lab.sh, inside its
// namespaces.
//
//   lab_world attach INTERFACE SEED ANSWER_ONE_IN [sink|zoo]
//     the program stays when this process ends, and goes with the interface: attached by netlink,
//     not by a bpf_link; a sink counts what it is asked and answers nothing
//   lab_world attach INTERFACE SEED ANSWER_ONE_IN lossy LOSS_PPM BURST_PPM
//     so many probes in a million get no answer, and so many whole /24s
//   lab_world respond INTERFACE SEED ANSWER_ONE_IN
//     the zoo's responder, in the background until the interface goes; prints its process id
//   lab_world stats INTERFACE [zoo]
//     one JSON object
//   lab_world histories SEED ANSWER_ONE_IN LOSS_PPM BURST_PPM PASSES TARGET...
//     "history count" of each set of passes that somebody answers, bit 0 for the first; 0 for none
//   lab_world truth SEED ANSWER_ONE_IN plain|zoo [--json] TARGET...
//     "address ttl" of each address that answers, ascending; or what a scan has to report of it
//   lab_world check SEED ANSWER_ONE_IN plain|zoo RESULTS TARGET...
//     "found true missing untrue untimed", counts of a scan's result lines beside that truth, and
//     five each of what is missing (-) and untrue (+), as a target is that comes again
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <simdjson.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "scanner/process/library_handle.h"
#include "scanner/process/system_error.h"
#include "targets/prefix.h"
#include "targets/target_set.h"
#include "tests/lab/world.h"
#include "tests/lab/zoo_host.h"
#include "tests/lab/zoo_responder.h"
#include "world.skel.h"

namespace {

using echoscan::AddressRange;
using echoscan::Ipv4;
using echoscan::LibraryHandle;
using echoscan::throw_system_error;
using echoscan::zoo::Form;

constexpr unsigned kPassesMax = 8;
constexpr std::size_t kNamedMax = 5;

std::uint64_t parse_number(const std::string& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size())
    throw std::runtime_error(fmt::format("'{}' is not a number", text));
  return number;
}

int interface_index(const std::string& name) {
  const unsigned index = if_nametoindex(name.c_str());
  if (index == 0) throw std::runtime_error(fmt::format("there is no interface {}", name));
  return static_cast<int>(index);
}

void check(int result, const char* what) {
  if (result < 0) throw_system_error(what, -result);
}

world parse_world(const std::string& seed, const std::string& answer_one_in,
                  std::string_view kind) {
  world parsed{};
  parsed.seed = parse_number(seed);
  parsed.answer_one_in = static_cast<__u32>(parse_number(answer_one_in));
  parsed.is_sink = kind == "sink";
  parsed.is_zoo = kind == "zoo";
  if (parsed.answer_one_in == 0) throw std::runtime_error("answer_one_in is 1 or more");
  return parsed;
}

// SEED ANSWER_ONE_IN lossy LOSS_PPM BURST_PPM
world parse_lossy_world(const std::vector<std::string>& arguments) {
  world parsed = parse_world(arguments[0], arguments[1], arguments[2]);
  parsed.loss_ppm = static_cast<__u32>(parse_number(arguments[3]));
  parsed.burst_ppm = static_cast<__u32>(parse_number(arguments[4]));
  return parsed;
}

// SEED ANSWER_ONE_IN limited LIMIT_PPS
world parse_limited_world(const std::vector<std::string>& arguments) {
  world parsed = parse_world(arguments[0], arguments[1], arguments[2]);
  parsed.limit_pps = static_cast<__u32>(parse_number(arguments[3]));
  return parsed;
}

void attach(const std::string& interface, const world& wanted) {
  const LibraryHandle<world_bpf, world_bpf__destroy> skeleton(world_bpf__open());
  if (!skeleton) throw_system_error("open the world program");
  std::memcpy(const_cast<world*>(&skeleton->rodata->world), &wanted, sizeof(wanted));
  if (wanted.is_zoo != 0)
    check(bpf_map__set_max_entries(skeleton->maps.world_requests, WORLD_REQUEST_QUEUE_BYTES),
          "size the request ring");
  check(world_bpf__load(skeleton.get()), "load the world program");
  const int index = interface_index(interface);
  const int program = bpf_program__fd(skeleton->progs.far_end);
  // Some of the cards in tests/vm have no native XDP; answers leave by generic XDP just as well.
  if (bpf_xdp_attach(index, program, XDP_FLAGS_DRV_MODE, nullptr) != 0)
    check(bpf_xdp_attach(index, program, XDP_FLAGS_SKB_MODE, nullptr), "attach the world program");
}

// The maps are found through the program that the interface runs; nothing is pinned anywhere.
int open_map(const std::string& interface, std::string_view name) {
  __u32 program_id = 0;
  check(bpf_xdp_query_id(interface_index(interface), 0, &program_id), "query the XDP program");
  if (program_id == 0) throw std::runtime_error(interface + " runs no XDP program");
  const int program = bpf_prog_get_fd_by_id(program_id);
  check(program, "open the XDP program");
  std::vector<__u32> map_ids(8);
  bpf_prog_info program_info{};
  program_info.nr_map_ids = static_cast<__u32>(map_ids.size());
  program_info.map_ids = reinterpret_cast<__u64>(map_ids.data());
  __u32 info_bytes = sizeof(program_info);
  check(bpf_obj_get_info_by_fd(program, &program_info, &info_bytes), "ask about the XDP program");
  for (__u32 i = 0; i < program_info.nr_map_ids; ++i) {
    const int map = bpf_map_get_fd_by_id(map_ids[i]);
    check(map, "open a map of the XDP program");
    bpf_map_info map_info{};
    info_bytes = sizeof(map_info);
    check(bpf_obj_get_info_by_fd(map, &map_info, &info_bytes), "ask about a map");
    // The kernel keeps 15 characters of a name.
    if (std::string_view(map_info.name) == name.substr(0, BPF_OBJ_NAME_LEN - 1)) return map;
    close(map);
  }
  throw std::runtime_error(fmt::format("the program on {} has no map {}", interface, name));
}

world_counters read_counters(const std::string& interface) {
  std::vector<world_counters> per_cpu(static_cast<std::size_t>(libbpf_num_possible_cpus()));
  const __u32 zero = 0;
  check(bpf_map_lookup_elem(open_map(interface, "world_counts"), &zero, per_cpu.data()),
        "read the counters");
  world_counters sum{};
  sum.first_request_ns = ~__u64{0};
  for (const world_counters& cpu : per_cpu) {
    sum.echo_requests += cpu.echo_requests;
    sum.bad_checksums += cpu.bad_checksums;
    sum.silent += cpu.silent;
    sum.lost += cpu.lost;
    sum.limited += cpu.limited;
    sum.replies += cpu.replies;
    sum.handed_over += cpu.handed_over;
    sum.overrun += cpu.overrun;
    sum.other_frames += cpu.other_frames;
    if (cpu.echo_requests == 0) continue;
    sum.first_request_ns = std::min(sum.first_request_ns, cpu.first_request_ns);
    sum.last_request_ns = std::max(sum.last_request_ns, cpu.last_request_ns);
  }
  return sum;
}

std::string by_species(const __u64 (&counts)[WORLD_SPECIES_COUNT]) {
  std::string text;
  for (unsigned species = 0; species < WORLD_SPECIES_COUNT; ++species)
    text += fmt::format("{}\"{}\":{}", species == 0 ? "" : ",",
                        echoscan::zoo::species_name(species), counts[species]);
  return "{" + text + "}";
}

// What the zoo sent, the normal included, whom XDP answers; and what it should have sent and did
// not.
std::string zoo_stats(const std::string& interface, const world_counters& world) {
  responder_counters counts{};
  const __u32 zero = 0;
  check(bpf_map_lookup_elem(open_map(interface, "responder_counts"), &zero, &counts),
        "read the responder's counters");
  counts.requests[SPECIES_NORMAL] = counts.frames[SPECIES_NORMAL] = world.replies;
  __u64 read = 0;
  __u64 lost = world.overrun + counts.unheld;
  for (unsigned species = 0; species < WORLD_SPECIES_COUNT; ++species) {
    lost += counts.refused[species];
    if (species != SPECIES_NORMAL) read += counts.requests[species];
  }
  return fmt::format(
      ",\"zoo\":{{\"requests\":{},\"frames\":{},\"refused\":{},\"unread\":{},\"waiting\":{},"
      "\"overrun\":{},\"unheld\":{},\"lost\":{}}}",
      by_species(counts.requests), by_species(counts.frames), by_species(counts.refused),
      world.handed_over - read, counts.waiting, world.overrun, counts.unheld, lost);
}

void print_stats(const std::string& interface, bool is_zoo) {
  const world_counters counts = read_counters(interface);
  const bool has_lasted = counts.last_request_ns > counts.first_request_ns;
  fmt::print(
      "{{\"echo_requests\":{},\"bad_checksums\":{},\"silent\":{},\"lost\":{},\"limited\":{},"
      "\"replies\":{},"
      "\"other_frames\":{},\"request_seconds\":{}{}}}\n",
      counts.echo_requests, counts.bad_checksums, counts.silent, counts.lost, counts.limited,
      counts.replies, counts.other_frames,
      has_lasted ? static_cast<double>(counts.last_request_ns - counts.first_request_ns) / 1e9
                 : 0.0,
      is_zoo ? zoo_stats(interface, counts) : "");
}

// The process that the caller waits for ends when the responder is ready, so that what can fail
// fails there.
void respond(const std::string& interface, const world& zoo) {
  // Not what the caller's caller reads from until everyone has closed it.
  check(close_range(STDERR_FILENO + 1, ~0U, 0) != 0 ? -errno : 0, "close what was inherited");
  static std::array<int, 2> is_ready;
  if (pipe(is_ready.data()) != 0) check(-errno, "make a pipe");
  const pid_t child = fork();
  check(child < 0 ? -errno : 0, "fork");
  if (child > 0) {
    close(is_ready[1]);
    char byte = 0;
    if (read(is_ready[0], &byte, 1) != 1) throw std::runtime_error("the responder did not start");
    fmt::print("{}\n", child);
    return;
  }
  setsid();
  if (!std::freopen("/dev/null", "w", stdout)) check(-errno, "leave the caller's output");
  echoscan::zoo::respond(interface, zoo, open_map(interface, "world_requests"),
                         open_map(interface, "responder_counts"), [] {
                           if (write(is_ready[1], "r", 1) != 1) _exit(1);
                           close(is_ready[1]);
                         });
}

void print_json(Ipv4 address, const echoscan::zoo::Host& host) {
  const bool is_error = host.form == Form::error;
  const bool is_altered = host.form == Form::cut || host.form == Form::altered;
  const bool has_rtt =
      is_error ? host.quoted_icmp_bytes_max >= PROBE_ICMP_BYTES + PROBE_PAYLOAD_BYTES : !is_altered;
  if (host.form == Form::no_result) return;
  fmt::print(
      "{{\"target\":\"{}\",\"species\":\"{}\",\"type\":\"{}\",\"saddr\":\"{}\","
      "\"classification\":\"{}\",\"icmp_type\":{},\"icmp_code\":{},\"success\":{},"
      "\"off_target\":{},\"has_rtt\":{},\"rtt_trusted\":{},\"ttl\":{},\"quoted_ttl\":{},"
      "\"repeats\":{},\"held_us\":{}}}\n",
      echoscan::to_string(address), echoscan::zoo::species_name(host.species),
      is_error ? "error" : "reply", echoscan::to_string(Ipv4{host.saddr}),
      echoscan::zoo::classification(host.icmp_type), host.icmp_type, host.icmp_code, !is_error,
      host.form == Form::off_target, has_rtt, !is_altered, host.ttl,
      is_error ? fmt::to_string(host.quoted_ttl) : "null", host.repeats, host.held_us);
}

// Of the zoo, those count who give a reply, early or late, from wherever.
bool gives_reply(const echoscan::zoo::Host& host) {
  return host.form != Form::no_result && host.form != Form::error;
}

std::vector<AddressRange> parse_targets(const std::vector<std::string>& targets) {
  std::vector<AddressRange> ranges;
  for (const std::string& target : targets) {
    const tl::expected<AddressRange, std::string> range = echoscan::parse_range(target);
    if (!range) throw std::runtime_error(fmt::format("{}: {}", target, range.error()));
    ranges.push_back(*range);
  }
  return echoscan::merge_ranges(std::move(ranges));
}

void print_histories(const world& truth, unsigned passes, const std::vector<std::string>& targets) {
  if (passes < 1 || passes > kPassesMax) throw std::runtime_error("passes are 1 to 8");
  std::vector<std::uint64_t> counts(std::size_t{1} << passes);
  for (const AddressRange& range : parse_targets(targets)) {
    for (std::uint64_t value = range.first.value; value <= range.last.value; ++value) {
      const auto address = static_cast<__u32>(value);
      std::size_t history = 0;
      if (world_has(address) && world_host_at(&truth, address).answers)
        for (unsigned pass = 0; pass < passes; ++pass)
          if (!world_loses(&truth, address, static_cast<__u8>(pass))) history |= 1U << pass;
      ++counts[history];
    }
  }
  for (std::size_t history = 0; history < counts.size(); ++history)
    fmt::print("{} {}\n", history, counts[history]);
}

// Calls `visit` with each address that somebody lives at, ascending, and with who does.
template <typename Visit>
void visit_hosts(const world& truth, const std::vector<std::string>& targets, Visit visit) {
  for (const AddressRange& range : parse_targets(targets)) {
    for (std::uint64_t value = range.first.value; value <= range.last.value; ++value) {
      const auto address = static_cast<__u32>(value);
      if (!world_has(address) || !world_host_at(&truth, address).answers) continue;
      visit(Ipv4{address}, echoscan::zoo::host_at(truth, address));
    }
  }
}

void print_truth(const world& truth, bool as_json, const std::vector<std::string>& targets) {
  visit_hosts(truth, targets, [&](Ipv4 address, const echoscan::zoo::Host& host) {
    if (!as_json) {
      if (gives_reply(host)) fmt::print("{} {}\n", echoscan::to_string(address), host.ttl);
      return;
    }
    if (host.species == SPECIES_REDIRECTED)
      print_json(address, echoscan::zoo::redirect_at(truth, address.value));
    print_json(address, host);
  });
}

struct Found {
  std::vector<Ipv4> targets;  // ascending; as often as there are lines of one
  std::size_t untimed = 0;    // lines without a round-trip time above 0
};

// Reads result lines by a library of its own, and not by what echoscan reads them with.
Found read_results(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error(fmt::format("cannot read {}", path));
  Found found;
  simdjson::dom::parser parser;
  for (std::string line; std::getline(file, line);) {
    const simdjson::dom::element record = parser.parse(line);
    const std::string target(record["target"].get_string().value());
    const tl::expected<AddressRange, std::string> address = echoscan::parse_range(target);
    if (!address || address->first != address->last)
      throw std::runtime_error(fmt::format("a result's target is '{}'", target));
    found.targets.push_back(address->first);
    double rtt_us = 0;
    if (record["rtt_us"].get(rtt_us) != simdjson::SUCCESS || rtt_us <= 0) ++found.untimed;
  }
  std::ranges::sort(found.targets);
  return found;
}

void check_results(const world& truth, const std::string& path,
                   const std::vector<std::string>& targets) {
  std::vector<Ipv4> expected;
  visit_hosts(truth, targets, [&expected](Ipv4 address, const echoscan::zoo::Host& host) {
    if (gives_reply(host)) expected.push_back(address);
  });
  const Found found = read_results(path);
  std::vector<Ipv4> missing;
  std::vector<Ipv4> untrue;
  std::ranges::set_difference(expected, found.targets, std::back_inserter(missing));
  std::ranges::set_difference(found.targets, expected, std::back_inserter(untrue));
  fmt::print("{} {} {} {} {}\n", found.targets.size(), expected.size(), missing.size(),
             untrue.size(), found.untimed);
  for (std::size_t i = 0; i < std::min(missing.size(), kNamedMax); ++i)
    fmt::print("-{} ", echoscan::to_string(missing[i]));
  for (std::size_t i = 0; i < std::min(untrue.size(), kNamedMax); ++i)
    fmt::print("+{} ", echoscan::to_string(untrue[i]));
  fmt::print("\n");
}

void run(const std::vector<std::string>& arguments) {
  const std::string command = arguments.empty() ? "" : arguments[0];
  const std::size_t count = arguments.size();
  const std::string last = arguments.empty() ? "" : arguments.back();
  if (command == "attach" && (count == 4 || (count == 5 && (last == "sink" || last == "zoo")))) {
    attach(arguments[1], parse_world(arguments[2], arguments[3], last));
  } else if (command == "attach" && count == 7 && arguments[4] == "lossy") {
    attach(arguments[1], parse_lossy_world({arguments.begin() + 2, arguments.end()}));
  } else if (command == "attach" && count == 6 && arguments[4] == "limited") {
    attach(arguments[1], parse_limited_world({arguments.begin() + 2, arguments.end()}));
  } else if (command == "histories" && count >= 7) {
    std::vector<std::string> lossy(arguments.begin() + 1, arguments.begin() + 5);
    lossy.insert(lossy.begin() + 2, "lossy");
    print_histories(parse_lossy_world(lossy), static_cast<unsigned>(parse_number(arguments[5])),
                    {arguments.begin() + 6, arguments.end()});
  } else if (command == "respond" && count == 4) {
    respond(arguments[1], parse_world(arguments[2], arguments[3], "zoo"));
  } else if (command == "stats" && (count == 2 || (count == 3 && last == "zoo"))) {
    print_stats(arguments[1], count == 3);
  } else if (command == "truth" && count >= 5) {
    const bool as_json = arguments[4] == "--json";
    print_truth(parse_world(arguments[1], arguments[2], arguments[3]), as_json,
                {arguments.begin() + (as_json ? 5 : 4), arguments.end()});
  } else if (command == "check" && count >= 6) {
    check_results(parse_world(arguments[1], arguments[2], arguments[3]), arguments[4],
                  {arguments.begin() + 5, arguments.end()});
  } else {
    throw std::runtime_error(
        "usage: attach IF SEED ONE_IN [sink|zoo|lossy LOSS_PPM BURST_PPM|limited PPS] | respond "
        "IF SEED ONE_IN "
        "| stats IF [zoo] | "
        "truth SEED ONE_IN plain|zoo [--json] TARGET... | "
        "check SEED ONE_IN plain|zoo RESULTS TARGET... | "
        "histories SEED ONE_IN LOSS_PPM BURST_PPM PASSES TARGET...");
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run({argv + 1, argv + argc});
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "lab_world: {}\n", error.what());
    return 1;
  }
}
