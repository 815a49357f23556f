// What the doctor concludes from facts: cards and kernels that nobody here has, one problem each.
#include "scanner/command/diagnosis.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <string>

namespace echoscan::diagnosis_test {
namespace {

constexpr Trial kWorks{Trial::Outcome::works};

// The words are nobody's business: another C library has others.
Trial refused(int error) {
  return {Trial::Outcome::refused, "it says \"no\"", error};
}

// A machine on which everything works.
Diagnosis healthy() {
  Diagnosis facts;
  facts.kernel = "7.3.4";
  facts.kernel_version = {7, 3};
  facts.cpus_allowed = 4;
  for (const char* name :
       {"CAP_NET_RAW", "CAP_NET_ADMIN", "CAP_BPF", "CAP_PERFMON", "CAP_IPC_LOCK"})
    facts.capabilities.push_back({name, true, "something"});
  facts.interface.name = "eth7";
  facts.interface.driver = "igb";
  facts.interface.is_ethernet = facts.interface.is_up = facts.interface.has_carrier = true;
  facts.interface.mtu = 1500;
  facts.interface.queues = facts.queues_max = 4;
  facts.rx_ring = facts.tx_ring = facts.rx_ring_max = facts.tx_ring_max = 4096;
  facts.xdp_native = facts.zero_copy = facts.copy = facts.live_frames = kWorks;
  facts.ways = {{Way{Way::Kind::gateway, 7, Ipv4{0xc0000202}, Ipv4{0xc0000201}}, "eth7", {}, 1}};
  facts.source = "192.0.2.1";
  facts.gateway = "192.0.2.2";
  facts.gateway_mac = "02:00:00:00:00:01";
  return facts;
}

// The one problem of `facts` has this fix.
void expect_fix(const Diagnosis& facts, const std::string& fix, bool is_fatal = false) {
  const std::vector<Problem> problems = find_problems(facts);
  ASSERT_EQ(problems.size(), 1U) << diagnosis_text(facts, problems);
  EXPECT_NE(problems[0].fix.find(fix), std::string::npos) << problems[0].fix;
  EXPECT_EQ(problems[0].is_fatal, is_fatal) << problems[0].what;
}

TEST(Diagnosis, AHealthyMachineHasNoProblems) {
  EXPECT_TRUE(find_problems(healthy()).empty());
  EXPECT_NE(diagnosis_text(healthy(), {}).find("no problems"), std::string::npos);
}

TEST(Diagnosis, WhatPreventsAScanIsFatal) {
  Diagnosis facts = healthy();
  facts.capabilities[0].is_held = false;
  expect_fix(facts, "setcap", true);
  // The scan's own sentence, with what to do about the place where it stopped.
  const auto refused_scan = [] {
    Diagnosis stopped = healthy();
    stopped.refusal = "it says no";
    return stopped;
  };
  facts = refused_scan();
  expect_fix(facts, "--method auto", true);
  EXPECT_EQ(find_problems(facts)[0].what, "A scan is refused: it says no.");
  facts.interface.is_up = facts.interface.has_carrier = false;
  expect_fix(facts, "ip link set eth7 up", true);
  facts = refused_scan();
  facts.interface.has_carrier = false;
  expect_fix(facts, "cable", true);
  facts = refused_scan();
  facts.gateway_mac.clear();
  expect_fix(facts, "ping -I eth7 192.0.2.2", true);
  facts = refused_scan();
  facts.ways = {{Way{}}};
  expect_fix(facts, "ip route add default", true);
  facts.interface = {};
  expect_fix(facts, "`ip link` lists", true);
  facts = refused_scan();
  facts.source.clear();
  expect_fix(facts, "ip address add", true);
  facts = refused_scan();
  facts.occupant = {"id 17, \"xdp_fw\"", false};
  expect_fix(facts, "ip link set eth7 xdp off", true);
}

TEST(Diagnosis, WhatAScanGetsByWithIsNotFatal) {
  // A tunnel: no Ethernet, no gateway.
  Diagnosis facts = healthy();
  facts.interface.is_ethernet = false;
  facts.gateway.clear();
  facts.gateway_mac.clear();
  EXPECT_TRUE(find_problems(facts).empty());
  facts = healthy();
  facts.ways[0].targets = 4096;
  facts.ways.push_back({Way{Way::Kind::blackhole, 0, {}, {}}, "", {}, 1234});
  expect_fix(facts, "ip route get");
  EXPECT_EQ(find_problems(facts)[0].what,
            "1,234 of 5,330 targets are unroutable from here: nothing is sent to them.");
}

TEST(Diagnosis, NativeXdpHasItsPrice) {
  Diagnosis facts = healthy();
  facts.xdp_native = refused(EINVAL);
  facts.has_lro = true;
  expect_fix(facts, "ethtool -K eth7 lro off");
  facts.has_lro = false;
  facts.interface.mtu = 9000;
  expect_fix(facts, "ip link set eth7 mtu 3498");
  facts.interface.mtu = 1500;
  facts.interface.driver = "ena";
  expect_fix(facts, "ethtool -L eth7 combined 2");
}

TEST(Diagnosis, ASizeThatDoesNotFitIsToldFromADriverThatCannot) {
  Diagnosis facts = healthy();
  facts.xdp_native = refused(EOPNOTSUPP);
  facts.interface.mtu = 9000;
  EXPECT_TRUE(find_problems(facts).empty());
  facts.interface.driver = "vmxnet3";
  expect_fix(facts, "ip link set eth7 mtu 3498");
  facts.kernel_version = {6, 1};
  EXPECT_TRUE(find_problems(facts).empty());
}

TEST(Diagnosis, ZeroCopyDependsOnKernelAndHost) {
  Diagnosis facts = healthy();
  facts.zero_copy = refused(EOPNOTSUPP);
  facts.kernel_version = {6, 12};
  expect_fix(facts, "a newer kernel");
  facts.interface.driver = "virtio_net";
  expect_fix(facts, "a newer kernel in the guest");
  facts.kernel_version = {6, 13};
  expect_fix(facts, "iommu_platform=on");
}

TEST(Diagnosis, AKernelWithoutXdpLinksIsNamedWithWhatANewerOneBrings) {
  Diagnosis facts = healthy();
  facts.kernel_version = {5, 8};
  expect_fix(facts, "a kernel from 5.9; 6.14 has zero-copy for igb");
  facts.interface.driver = "bnxt_en";
  expect_fix(facts, "a kernel from 5.9");
  facts.kernel_version = {5, 9};
  EXPECT_TRUE(find_problems(facts).empty());
}

TEST(Diagnosis, SizesAndLimits) {
  Diagnosis facts = healthy();
  facts.rx_ring = 256;
  expect_fix(facts, "ethtool -G eth7 rx 4096 tx 4096");
  facts = healthy();
  facts.interface.queues = 1;
  expect_fix(facts, "ethtool -L eth7 combined 4");
  facts = healthy();
  facts.held_back = InterruptNote::Content{4711, {"1", "30000"}, {"2", "200000"}};
  expect_fix(facts, "echo 1 >/sys/class/net/eth7/napi_defer_hard_irqs");
  facts.held_back.reset();
  facts.pps_allowance_exceeded = 17;
  expect_fix(facts, "--rate");
  facts = healthy();
  facts.occupant = {"id 17, \"xdp_fw\"", false};
  expect_fix(facts, "ip link set eth7 xdp off");
  facts.occupant = {"id 17, \"reply_filter\"", true};
  expect_fix(facts, "wait for its end, or --method af_packet");
  facts = healthy();
  facts.locked_memory_bytes = 8 << 20;
  facts.capabilities[4].is_held = false;
  expect_fix(facts, "ulimit -l");
}

TEST(Diagnosis, JsonTellsTriedFromUntried) {
  Diagnosis facts = healthy();
  facts.zero_copy = refused(EOPNOTSUPP);
  facts.copy = {Trial::Outcome::untried, "--read-only"};
  const auto json = nlohmann::json::parse(diagnosis_json(facts, find_problems(facts)));
  EXPECT_EQ(json.at("xdp_native").at("works"), true);
  EXPECT_EQ(json.at("af_xdp_zero_copy").at("works"), false);
  EXPECT_EQ(json.at("af_xdp_zero_copy").at("reason"), "it says \"no\"");
  EXPECT_TRUE(json.at("af_xdp_copy").at("works").is_null());
  EXPECT_EQ(json.at("xdp_live").at("works"), true);
  EXPECT_EQ(json.at("interface").at("driver"), "igb");
}

}  // namespace
}  // namespace echoscan::diagnosis_test
