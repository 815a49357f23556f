// The lab's hand on its simulated Internet: puts the far end's XDP program on an interface, prints
// what it counted, and prints the truth that a scan is compared with. Driven by lab.sh, inside its
// namespaces.
//
//   lab_world attach INTERFACE SEED ANSWER_ONE_IN [sink]
//     the program stays when this process ends, and goes with the interface: attached by netlink,
//     not by a bpf_link; a sink counts what it is asked and answers nothing
//   lab_world stats INTERFACE
//     one JSON object
//   lab_world truth SEED ANSWER_ONE_IN TARGET...
//     "address ttl" of each address that answers, ascending
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/if_link.h>
#include <net/if.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "targets/prefix.h"
#include "targets/target_set.h"
#include "tests/lab/world.h"
#include "world.skel.h"

namespace {

using echoscan::AddressRange;
using echoscan::Ipv4;

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
  if (result < 0) throw std::system_error(-result, std::generic_category(), what);
}

world parse_world(const std::string& seed, const std::string& answer_one_in) {
  world parsed{parse_number(seed), static_cast<__u32>(parse_number(answer_one_in)), 0};
  if (parsed.answer_one_in == 0) throw std::runtime_error("answer_one_in is 1 or more");
  return parsed;
}

void attach(const std::string& interface, const world& wanted) {
  world_bpf* skeleton = world_bpf__open();
  if (!skeleton) throw std::system_error(errno, std::generic_category(), "open the world program");
  std::memcpy(const_cast<world*>(&skeleton->rodata->world), &wanted, sizeof(wanted));
  check(world_bpf__load(skeleton), "load the world program");
  const int index = interface_index(interface);
  const int program = bpf_program__fd(skeleton->progs.far_end);
  // Some of the cards in tests/vm have no native XDP; answers leave by generic XDP just as well.
  if (bpf_xdp_attach(index, program, XDP_FLAGS_DRV_MODE, nullptr) != 0)
    check(bpf_xdp_attach(index, program, XDP_FLAGS_SKB_MODE, nullptr), "attach the world program");
  world_bpf__destroy(skeleton);
}

// The counters are found through the program that the interface runs; nothing is pinned anywhere.
world_counters read_counters(const std::string& interface) {
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

  world_counters sum{};
  for (__u32 i = 0; i < program_info.nr_map_ids; ++i) {
    const int map = bpf_map_get_fd_by_id(map_ids[i]);
    check(map, "open a map of the XDP program");
    bpf_map_info map_info{};
    info_bytes = sizeof(map_info);
    check(bpf_obj_get_info_by_fd(map, &map_info, &info_bytes), "ask about a map");
    if (std::string_view(map_info.name) != "world_counts") continue;
    std::vector<world_counters> per_cpu(static_cast<std::size_t>(libbpf_num_possible_cpus()));
    const __u32 zero = 0;
    check(bpf_map_lookup_elem(map, &zero, per_cpu.data()), "read the counters");
    sum.first_request_ns = ~__u64{0};
    for (const world_counters& cpu : per_cpu) {
      sum.echo_requests += cpu.echo_requests;
      sum.bad_checksums += cpu.bad_checksums;
      sum.silent += cpu.silent;
      sum.replies += cpu.replies;
      sum.other_frames += cpu.other_frames;
      if (cpu.echo_requests == 0) continue;
      sum.first_request_ns = std::min(sum.first_request_ns, cpu.first_request_ns);
      sum.last_request_ns = std::max(sum.last_request_ns, cpu.last_request_ns);
    }
  }
  return sum;
}

void print_truth(const world& truth, const std::vector<std::string>& targets) {
  std::vector<AddressRange> ranges;
  for (const std::string& target : targets) {
    std::string error;
    const std::optional<AddressRange> range = echoscan::parse_range(target, error);
    if (!range) throw std::runtime_error(fmt::format("{}: {}", target, error));
    ranges.push_back(*range);
  }
  for (const AddressRange& range : echoscan::merge_ranges(ranges)) {
    for (std::uint64_t value = range.first.value; value <= range.last.value; ++value) {
      const auto address = static_cast<__u32>(value);
      const world_host host = world_host_at(&truth, address);
      if (world_has(address) && host.answers)
        fmt::print("{} {}\n", echoscan::to_string(Ipv4{address}), host.ttl);
    }
  }
}

void run(const std::vector<std::string>& arguments) {
  const std::string command = arguments.empty() ? "" : arguments[0];
  const bool is_sink = arguments.size() == 5 && arguments[4] == "sink";
  if (command == "attach" && (arguments.size() == 4 || is_sink)) {
    world wanted = parse_world(arguments[2], arguments[3]);
    wanted.is_sink = is_sink;
    attach(arguments[1], wanted);
  } else if (command == "stats" && arguments.size() == 2) {
    const world_counters counts = read_counters(arguments[1]);
    const bool has_lasted = counts.last_request_ns > counts.first_request_ns;
    fmt::print(
        "{{\"echo_requests\":{},\"bad_checksums\":{},\"silent\":{},\"replies\":{},"
        "\"other_frames\":{},\"request_seconds\":{}}}\n",
        counts.echo_requests, counts.bad_checksums, counts.silent, counts.replies,
        counts.other_frames,
        has_lasted ? static_cast<double>(counts.last_request_ns - counts.first_request_ns) / 1e9
                   : 0.0);
  } else if (command == "truth" && arguments.size() >= 4) {
    print_truth(parse_world(arguments[1], arguments[2]), {arguments.begin() + 3, arguments.end()});
  } else {
    throw std::runtime_error(
        "usage: attach IF SEED ONE_IN [sink] | stats IF | truth SEED ONE_IN TARGET...");
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
