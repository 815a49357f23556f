// The methods by their names, and what a card that no kernel knows has to be told.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "scanner/options/bench_config.h"
#include "scanner/options/method.h"
#include "scanner/options/scan_config.h"
#include "tests/scanner/refusal_of.h"

namespace echoscan::path_config_test {
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
  for (const char* device : {"0000:01:00", "1:0.0.0", "a/b"})
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

// The kernel knows source and gateways of an interface that it keeps.
TEST(Method, ACardThatTheKernelKeepsIsToldByItsName) {
  EXPECT_EQ(parsed({"--method", "dpdk", "-i", "enp1s0f0np0"}).path.interface_name, "enp1s0f0np0");
  EXPECT_EQ(parsed({"--method", "dpdk", "-i", "eth0.7", "--vlan", "7"}).path.vlan, 7);
  EXPECT_NE(refusal({"--method", "dpdk", "-i", "eth0", "--dpdk-args", "--no-huge -h"}).find("'-h'"),
            std::string::npos);
  EXPECT_NE(refusal({"--method", "dpdk", "-i", "net_null0", "--dpdk-args", "--vdev=net_null0"})
                .find("needs --source-ip"),
            std::string::npos);
}

std::string text_of(const std::vector<std::uint8_t>& bytes) {
  return {bytes.begin(), bytes.end()};
}

std::string padding_of(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "192.0.2.0/24");
  return text_of(parse_scan_config(arguments)->path.payload.padding);
}

TEST(Payload, FollowsTheProbesOwnBytesUpToTheSize) {
  using namespace std::string_literals;
  EXPECT_EQ(padding_of({}), "");
  EXPECT_EQ(padding_of({"--size", "18"}), "");
  EXPECT_EQ(padding_of({"--size", "21"}), "\0\0\0"s);
  EXPECT_EQ(padding_of({"--size", "1472"}), std::string(1454, '\0'));
  EXPECT_EQ(padding_of({"--payload", "abc"}), "abc");
  EXPECT_EQ(padding_of({"--payload", "abc", "--size", "21"}), "abc");
  EXPECT_EQ(padding_of({"--payload", "abc", "--size", "26"}), "abcabcab");
  EXPECT_EQ(padding_of({"--payload", "0x00fFa0"}), "\0\xff\xa0"s);
  EXPECT_EQ(padding_of({"--payload", "0XAB"}), "0XAB");
  EXPECT_EQ(padding_of({"--attribution", "mailto:a@b"}), "\0mailto:a@b\0"s);
  EXPECT_EQ(padding_of({"--attribution", "https://example.net/probe", "--size", "50"}),
            "\0https://example.net/probe\0\0\0\0\0\0"s);
  EXPECT_EQ(padding_of({"--attribution", "tel:+1-201-555-0123", "--payload", "xy", "--size", "44"}),
            "\0tel:+1-201-555-0123\0xyxyx"s);
}

TEST(Payload, RefusesWhatDoesNotFitAndWhatIsNone) {
  for (const char* size : {"17", "0", "1473", "-1", "56B", "1e3", ""})
    EXPECT_NE(refusal({"--size", size}).find("a whole number from 18 to 1472"), std::string::npos)
        << size;
  for (const char* payload : {"", "0x", "0x0", "0xabc", "0xgg", "0x12 34"})
    EXPECT_NE(refusal({"--payload", payload}).find("even number of hexadecimal digits"),
              std::string::npos)
        << payload;
  for (const char* uri : {"", "example.net", "http://example.net", "https://", "mailto:",
                          "https://example.net/a b", "https://example.net/\xc3\xa4", "ftp://a"})
    EXPECT_NE(refusal({"--attribution", uri}).find("begins with https://, mailto: or tel:"),
              std::string::npos)
        << uri;
  EXPECT_NE(
      refusal({"--payload", "abc", "--size", "20"}).find("are 21 bytes, and there is room for 20"),
      std::string::npos);
  EXPECT_NE(refusal({"--attribution", "mailto:a@b", "--size", "29"}).find("are 30 bytes"),
            std::string::npos);
  EXPECT_NE(refusal({"--payload", std::string(1455, 'x')}).find("are 1473 bytes"),
            std::string::npos);
  EXPECT_EQ(padding_of({"--payload", std::string(1454, 'x')}).size(), 1454U);
}

// A bandwidth is what the probes take, however long they are.
TEST(Payload, CountsForTheBandwidth) {
  const auto rate = [](const std::string& size) {
    return parse_scan_config({"192.0.2.0/24", "-B", "10M", "--size", size})
        ->pace.rate_pps.thousandths();
  };
  for (const std::uint64_t size : {18U, 19U, 100U, 1000U, 1472U})
    EXPECT_EQ(rate(std::to_string(size)), 10'000'000'000 / ((size + 42 + 24) * 8)) << size;
  EXPECT_NE(refusal({"-B", "1", "--size", "1472"}).find("--bandwidth 1: a probe takes 12304 bits"),
            std::string::npos);
}

}  // namespace
}  // namespace echoscan::path_config_test
