// The methods by their names, and what a card that no kernel knows has to be told.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "scanner/options/bench_config.h"
#include "scanner/options/method.h"
#include "scanner/options/scan_config.h"
#include "tests/scanner/refusal_of.h"

namespace echoscan {
namespace {

ScanConfig parsed(std::vector<std::string> arguments) {
  arguments.emplace_back("192.0.2.0/24");
  return parse_scan_config(arguments).value();
}

std::string refusal(const std::vector<std::string>& arguments) {
  return refusal_of(parsed, arguments);
}

TEST(Method, EachHasOneNameByWhichItIsChosen) {
  std::set<Method> seen;
  for (const MethodTraits& method : all_methods()) {
    EXPECT_TRUE(seen.insert(method.method).second) << method.name;
    EXPECT_EQ(&traits_of(method.method), &method);
    const std::vector<std::string> in_bench = {"-i",       "lab0",      "--dst",
                                               "10.0.0.1", "--methods", method.name};
    EXPECT_EQ(parse_bench_config(in_bench)->methods, std::vector{method.method});
    std::vector<std::string> in_scan = {"--method", method.name};
    if (method.needs_port)
      in_scan.insert(in_scan.end(),
                     {"-i", "01:00.0", "--source-ip", "192.0.2.1", "--gateway", "192.0.2.2"});
    if (method.in_scan)
      EXPECT_EQ(parsed(in_scan).path.method, method.method);
    else
      EXPECT_NE(refusal({"--method", method.name}).find("--method"), std::string::npos);
  }
  EXPECT_FALSE(seen.contains(Method::automatic));
  EXPECT_EQ(seen.size(), static_cast<std::size_t>(Method::dpdk_null));
}

// What no kernel says has to be said, and what the kernel says cannot be.
TEST(Method, ACardOfItsOwnIsToldByHand) {
  const PathConfig path =
      parsed({"--method", "dpdk", "-i", "01:00.0", "--source-ip", "192.0.2.1", "--gateway",
              "192.0.2.2", "--vlan", "7", "--dpdk-args", "--log-level=8"})
          .path;
  EXPECT_EQ(path.gateway, Ipv4{0xc0000202});
  EXPECT_EQ(path.vlan, 7);
  EXPECT_EQ(path.dpdk_args, "--log-level=8");
  const std::vector<std::string> whole = {"--method",    "dpdk",      "-i",        "01:00.0",
                                          "--source-ip", "192.0.2.1", "--gateway", "192.0.2.2"};
  for (std::size_t left_out = 2; left_out < whole.size(); left_out += 2) {
    std::vector<std::string> arguments = whole;
    const auto at = arguments.begin() + static_cast<std::ptrdiff_t>(left_out);
    arguments.erase(at, at + 2);
    EXPECT_NE(refusal(arguments).find("--method dpdk needs " + whole[left_out]), std::string::npos)
        << refusal(arguments);
  }
  EXPECT_NE(refusal({"--gateway", "192.0.2.2"}).find("--gateway is for --method dpdk"),
            std::string::npos);
  std::vector<std::string> with_user = whole;
  with_user.insert(with_user.end(), {"--user", "root"});
  EXPECT_NE(refusal(with_user).find("--user"), std::string::npos);
  // Also of a dry run, which opens no card.
  for (const char* device : {"zz", "lo", "0000:01:00", "1:0.0.0"})
    EXPECT_NE(refusal({"--dry-run", "--method", "dpdk", "-i", device, "--source-ip", "192.0.2.1",
                       "--gateway", "192.0.2.2"})
                  .find("that is no PCI address"),
              std::string::npos)
        << device;
  EXPECT_NE(refusal({"--method", "dpdk", "-i", "net_null0", "--source-ip", "192.0.2.1", "--gateway",
                     "192.0.2.2", "--dpdk-args", "--vdev=net_null0 -h"})
                .find("--dpdk-args: '-h'"),
            std::string::npos);
}

}  // namespace
}  // namespace echoscan
