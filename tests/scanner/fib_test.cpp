// The ways of random multi-homed hosts against `ip route get`, address by address. Needs root: each
// host is a network namespace of its own, without a link to anywhere.
#include "scanner/network/fib.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <thread>

#include "scanner/network/way_partition.h"
#include "scanner/process/file_descriptor.h"
#include "targets/target_set.h"

namespace echoscan::fib_test {
namespace {

using Random = std::mt19937_64;

std::uint32_t below(Random& random, std::uint32_t limit) {
  return static_cast<std::uint32_t>(random() % limit);
}

std::string run(const std::string& command, int& status) {
  std::string text;
  std::FILE* pipe = popen(command.c_str(), "r");
  if (!pipe) throw std::runtime_error("cannot run " + command);
  std::array<char, 4096> part{};
  while (const std::size_t bytes = std::fread(part.data(), 1, part.size(), pipe))
    text.append(part.data(), bytes);
  status = pclose(pipe);
  return text;
}

void must_run(const std::string& command) {
  int status = 0;
  const std::string text = run(command + " 2>&1", status);
  if (status != 0) throw std::runtime_error(command + ": " + text);
}

// A namespace for as long as it lives.
class Host {
 public:
  explicit Host(std::uint64_t seed)
      : name_(fmt::format("echoscan-fib-{}-{}", getpid(), seed)),
        scratch_(fmt::format("{}/{}", testing::TempDir(), name_)) {
    must_run("ip netns add " + name_);
  }
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;
  ~Host() {
    int status = 0;
    run("ip netns delete " + name_, status);
    EXPECT_EQ(status, 0);
    for (const char* end : {".in", ".err"}) std::remove((scratch_ + end).c_str());
  }

  // Runs `body` inside; it may use popen.
  template <typename Body>
  void inside(Body body) const {
    std::exception_ptr failure;
    std::thread([&] {
      const FileDescriptor ns(open(("/run/netns/" + name_).c_str(), O_RDONLY | O_CLOEXEC));
      try {
        if (!ns || setns(ns.get(), CLONE_NEWNET) != 0) throw std::runtime_error("cannot enter");
        body();
      } catch (...) {
        failure = std::current_exception();
      }
    }).join();
    if (failure) std::rethrow_exception(failure);
  }

  // Lines for `ip -batch`, inside.
  void configure(const std::vector<std::string>& lines) const {
    write(lines);
    must_run("ip -batch " + scratch_ + ".in");
  }

  // The answers to lines that may fail: of each the output, or the error in words. Inside.
  [[nodiscard]] std::vector<std::string> ask(const std::vector<std::string>& lines) const {
    write(lines);
    int status = 0;
    std::istringstream out(
        run(fmt::format("ip -o -force -batch {0}.in 2>{0}.err", scratch_), status));
    std::vector<std::string> answers(lines.size());
    std::ifstream errors(scratch_ + ".err");
    std::string said;
    for (std::string line; std::getline(errors, line);) {
      const std::size_t colon = line.rfind(':');
      if (line.starts_with("Command failed"))
        answers.at(std::stoul(line.substr(colon + 1)) - 1) = "!" + said;
      else
        said = line.substr(colon + 2);
    }
    for (std::string& answer : answers)
      if (answer.empty() && !std::getline(out, answer)) throw std::runtime_error("no answer");
    std::string rest;
    if (std::getline(out, rest)) throw std::runtime_error("more answers than questions: " + rest);
    return answers;
  }

 private:
  void write(const std::vector<std::string>& lines) const {
    std::ofstream file(scratch_ + ".in");
    for (const std::string& line : lines) file << line << '\n';
    file.close();
    if (!file) throw std::runtime_error("cannot write " + scratch_);
  }

  std::string name_;
  std::string scratch_;
};

// A host by chance: the commands that make it, its addresses, and where its ways may change.
class Topology {
 public:
  explicit Topology(std::uint64_t seed) : random_(seed), uplinks_(1 + below(random_, 3)) {
    commands.push_back("link set lo up");
    for (unsigned i = 0; i < uplinks_; ++i) add_uplink(i);
    commands.push_back("link add tun0 type veth peer name tun1");
    commands.push_back("link set tun0 arp off up");
    commands.push_back("address add 100.64.9.1/32 dev tun0");
    for (unsigned i = 0; i < uplinks_; ++i) add_routes(i == 0 ? 254 : 100 + i, 12);
    for (unsigned i = 0; i < uplinks_ + 2; ++i) add_rule(i);
  }

  std::vector<std::string> commands;
  std::vector<Ipv4> own;      // one of each uplink
  std::vector<Ipv4> corners;  // around each prefix

  std::vector<Ipv4> addresses(std::size_t count) {
    std::vector<Ipv4> some = corners;
    while (some.size() < count)
      some.push_back(Ipv4{below(random_, 4) == 0 ? static_cast<std::uint32_t>(random_())
                                                 : 0x0a000000 + below(random_, 1U << 24)});
    return some;
  }

 private:
  void add_uplink(unsigned i) {
    const std::uint32_t network = 0xc6336400 + i * 64;  // 198.51.100.0/26 and so on
    own.push_back(Ipv4{network + 1 + below(random_, 3)});
    commands.push_back(fmt::format("link add e{0} type veth peer name p{0}", i));
    commands.push_back(fmt::format("link set p{} up", i));
    commands.push_back(fmt::format("link set e{} up", i));
    commands.push_back(
        fmt::format("address add {}/{} dev e{} broadcast +", to_string(own[i]), 26 + i, i));
    add_corners({Ipv4{network}, Ipv4{network + 63}});
    add_corners({own[i], own[i]});
  }

  void add_corners(const AddressRange& range) {
    for (const std::uint32_t value :
         {range.first.value - 1, range.first.value, range.first.value + 1, range.last.value,
          range.last.value + 1})
      corners.push_back(Ipv4{value});
  }

  // A prefix that the table does not have yet.
  AddressRange new_prefix(unsigned table) {
    while (true) {
      const unsigned length = below(random_, 3) == 0 ? 32 : 9 + below(random_, 20);
      const auto hosts = static_cast<std::uint32_t>((std::uint64_t{1} << (32 - length)) - 1);
      // Near each other, so that they nest.
      const std::uint32_t near =
          below(random_, 2) == 0 ? below(random_, 1U << 12) << 4 : below(random_, 1U << 24);
      const std::uint32_t first = (0x0a000000 + near) & ~hosts;
      const AddressRange range{Ipv4{first}, Ipv4{first + hosts}};
      if (!taken_.insert({table, range}).second) continue;
      add_corners(range);
      return range;
    }
  }

  std::string random_router() {
    const unsigned uplink = below(random_, uplinks_);
    if (below(random_, 6) == 0)
      return fmt::format("via inet6 fe80::{} dev e{}", 2 + below(random_, 2), uplink);
    const Ipv4 router{0xc6336400 + uplink * 64 + 5 + below(random_, 3)};
    return fmt::format("via {} dev e{}", to_string(router), uplink);
  }

  std::string random_action() {
    switch (below(random_, 10)) {
      case 0:
        return "blackhole";
      case 1:
        return "unreachable";
      case 2:
        return "prohibit";
      case 3:
        return "throw";
      default:
        return "";
    }
  }

  void add_routes(unsigned table, unsigned count) {
    if (below(random_, 5) != 0)
      commands.push_back(fmt::format("route add default {} table {}", random_router(), table));
    for (unsigned i = 0; i < count; ++i) {
      const std::string prefix = to_string(new_prefix(table));
      const std::string action = random_action();
      std::string hop = random_router();
      if (below(random_, 4) == 0) hop = fmt::format("dev e{}", below(random_, uplinks_));
      if (below(random_, 8) == 0) hop = "dev tun0";
      if (below(random_, 4) == 0) hop += " src " + to_string(own[below(random_, uplinks_)]);
      commands.push_back(action.empty()
                             ? fmt::format("route add {} {} table {}", prefix, hop, table)
                             : fmt::format("route add {} {} table {}", action, prefix, table));
    }
  }

  void add_rule(unsigned number) {
    const std::string source = "from " + to_string(own[below(random_, uplinks_)]);
    const std::string to = "to " + to_string(new_prefix(0));
    const std::string table = fmt::format("lookup {}", 100 + below(random_, uplinks_));
    const std::array<std::string, 7> kinds{source + " " + table,
                                           to + " " + table,
                                           source + " " + to + " " + table,
                                           to + " blackhole",
                                           to + " prohibit",
                                           source + " " + to + " unreachable",
                                           "ipproto icmp " + to + " " + table};
    commands.push_back(
        fmt::format("rule add pref {} {}", 1000 + number, kinds[below(random_, kinds.size())]));
  }

  Random random_;
  unsigned uplinks_;
  std::set<std::pair<unsigned, AddressRange>> taken_;
};

// "via 192.0.2.1 dev e0 src 192.0.2.7" of a line of `ip route get`, or the refusal.
std::string truth_text(const std::string& answer) {
  static const std::map<std::string, std::string> refusals{{"!Invalid argument", "blackhole"},
                                                           {"!No route to host", "unreachable"},
                                                           {"!Permission denied", "prohibit"},
                                                           {"!Network is unreachable", "no route"}};
  if (answer.starts_with("!")) return refusals.at(answer);
  static const std::set<std::string> kinds{"local", "broadcast", "multicast"};
  std::istringstream words(answer);
  std::string kind;
  std::string via;
  std::string dev;
  std::string source;
  for (std::string word; words >> word;) {
    const bool is_first = via.empty() && dev.empty();  // "table local" is behind those
    if (is_first && kinds.contains(word)) kind = word + " ";
    if (word == "via") words >> via;
    if (via == "inet6") words >> via;
    if (word == "dev") words >> dev;
    if (word == "src" || word == "from") words >> source;
    if (word == "\\") break;
  }
  return fmt::format("{}via {} dev {} src {}", kind, via, dev, source);
}

std::string our_text(const Way& way) {
  if (is_refusal(way.kind)) return kind_name(way.kind);
  std::array<char, IF_NAMESIZE> name{};
  if_indextoname(static_cast<unsigned>(way.interface_index), name.data());
  const bool is_named = way.kind != Way::Kind::gateway && way.kind != Way::Kind::direct;
  return fmt::format("{}via {} dev {} src {}",
                     is_named ? kind_name(way.kind) + std::string(" ") : "", next_hop_text(way),
                     name.data(), way.source ? to_string(*way.source) : "");
}

const Way& way_of(const std::vector<WayShare>& shares, Ipv4 address) {
  for (const WayShare& share : shares) {
    const auto range = std::partition_point(
        share.ranges.begin(), share.ranges.end(),
        [address](const AddressRange& candidate) { return candidate.last < address; });
    if (range != share.ranges.end() && range->first <= address) return share.way;
  }
  throw std::runtime_error(to_string(address) + " has no way");
}

// All of the address space is cut by way; of each address the way is what the kernel says to it.
void compare(const Host& host, const std::vector<Ipv4>& addresses, const WayQuestion& question,
             const std::string& options) {
  const std::vector<AddressRange> all{{Ipv4{0}, Ipv4{0xffffffff}}};
  const std::vector<WayShare> shares = find_ways(all, question);
  std::uint64_t sum = 0;
  for (const WayShare& share : shares) sum += share.targets;
  EXPECT_EQ(sum, std::uint64_t{1} << 32);

  std::vector<std::string> lines;
  std::vector<std::string> match_lines;
  for (const Ipv4 address : addresses) {
    lines.push_back(fmt::format("route get {}{} ipproto icmp", to_string(address), options));
    match_lines.push_back(
        fmt::format("route get fibmatch {}{} ipproto icmp", to_string(address), options));
  }
  const std::vector<std::string> truth = host.ask(lines);
  // Out of one interface the kernel takes what has no route for a neighbour.
  const std::vector<std::string> matches =
      question.interface_index != 0 ? host.ask(match_lines) : std::vector<std::string>();
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    std::string expected = truth_text(truth[i]);
    if (!matches.empty() && matches[i].starts_with("!") && !truth[i].starts_with("!"))
      expected = "no route";
    EXPECT_EQ(our_text(way_of(shares, addresses[i])), expected)
        << to_string(addresses[i]) << options;
  }
}

TEST(Fib, EveryAddressOfRandomHostsHasTheWayThatTheKernelSays) {
  if (geteuid() != 0) GTEST_SKIP() << "network namespaces need root";
  std::map<Way::Kind, std::uint64_t> kinds;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    Topology topology(seed);
    const Host host(seed);
    host.inside([&] {
      host.configure(topology.commands);
      const std::vector<Ipv4> addresses = topology.addresses(2000);
      for (const Way& way : ask_ways(addresses, {})) ++kinds[way.kind];
      compare(host, addresses, {}, "");
      for (std::size_t i = 0; i < topology.own.size(); ++i) {
        const std::string name = fmt::format("e{}", i);
        const auto index = static_cast<int>(if_nametoindex(name.c_str()));
        const std::string from = " from " + to_string(topology.own[i]);
        compare(host, addresses, {topology.own[i], 0}, from);
        compare(host, addresses, {std::nullopt, index}, " oif " + name);
        compare(host, addresses, {topology.own[i], index}, from + " oif " + name);
      }
    });
    if (HasFailure()) break;
  }
  // The hosts were worth asking.
  for (const Way::Kind kind :
       {Way::Kind::gateway, Way::Kind::direct, Way::Kind::local, Way::Kind::broadcast,
        Way::Kind::blackhole, Way::Kind::unreachable, Way::Kind::prohibit, Way::Kind::no_route})
    EXPECT_GT(kinds[kind], 0U) << kind_name(kind);
}

}  // namespace
}  // namespace echoscan::fib_test
