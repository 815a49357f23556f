// Names of hosts in lists: what is one, what a line of one means, and in which order they are
// asked.
#include "targets/host_name.h"

#include <gtest/gtest.h>

#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "targets/target_list.h"

namespace echoscan::host_name_test {
namespace {

TEST(HostName, IsNothingThatMayBeAnAddress) {
  for (const char* name : {"a", "localhost", "www.example.net", "www.example.net.", "3com.example",
                           "192.0.2.1.example.net", "a_b.example", "x--1.example", "10x"})
    EXPECT_TRUE(is_host_name(name)) << name;
  for (const char* text :
       {"", ".", "10", "10.", "192.0.2.1", "192.0.2.1.", "0x7f000001", "192.0.2.0x4", "a.10", "-x",
        ".example.net", "a b", "a/24", "a:1", "http://a", "192.0.2.256"})
    EXPECT_FALSE(is_host_name(text)) << text;
  EXPECT_TRUE(is_host_name(std::string(253, 'a')));
  EXPECT_FALSE(is_host_name(std::string(254, 'a')));
}

std::string line_of(std::string_view line) {
  const std::optional<HostLine> host = read_host_line(line);
  return host ? std::string(host->name) + "|" + std::string(host->label) : "none";
}

TEST(HostName, BeginsALineAndHidesNothingInItsLabel) {
  EXPECT_EQ(line_of("www.example.net"), "www.example.net|");
  EXPECT_EQ(line_of("\twww.example.net  the web # comment"), "www.example.net|the web");
  EXPECT_EQ(line_of("www web"), "www|web");
  for (const char* line :
       {"", "# www", "192.0.2.1 www", "www 192.0.2.1", "www a,192.0.2.1", "www.example.net,web",
        "www api.example.net", "www a;b.example.net", "www 192.0.2.0/24"})
    EXPECT_EQ(line_of(line), "none") << line;
}

// What a list comes to: each range with its label, then the errors.
std::string looked_up(const std::string& text, std::size_t* calls = nullptr) {
  TargetList list;
  list.look_up_hosts = [calls](const std::vector<std::string>& names) {
    if (calls != nullptr) ++*calls;
    std::vector<HostAddresses> found;
    for (const std::string& name : names) {
      if (name.starts_with("no")) {
        found.emplace_back(tl::make_unexpected("Host not found"));
      } else {
        const auto number = static_cast<std::uint32_t>(name.size());
        found.emplace_back(std::vector<Ipv4>{Ipv4{number}, Ipv4{number + 256}});
      }
    }
    return found;
  };
  std::istringstream in(text);
  EXPECT_TRUE(read_target_list(in, "list", list));
  std::string out;
  for (const LabelledRange& entry : list.entries)
    out += to_string(entry.range) + "=" + std::string(list.labels.text(entry.label)) + " ";
  for (const std::string& error : list.errors) out += error + "; ";
  return out;
}

TEST(HostName, StandsForAllItsAddressesBehindTheListsOwn) {
  std::size_t calls = 0;
  EXPECT_EQ(looked_up("www x\n192.0.2.1 y\napi2\nnobody\n", &calls),
            "192.0.2.1=y 0.0.0.3=x 0.0.1.3=x 0.0.0.4=api2 0.0.1.4=api2 "
            "list:4: nobody: it cannot be looked up: Host not found; ");
  EXPECT_EQ(calls, 1U);
  calls = 0;
  EXPECT_EQ(looked_up("192.0.2.1 y\n", &calls), "192.0.2.1=y ");
  EXPECT_EQ(calls, 0U);
}

// Without a way to look up, every list is read as if there were no names.
TEST(HostName, ChangesNothingOfLinesThatAreNone) {
  std::mt19937 random(20261128);
  const std::vector<std::string> parts = {"192.0.2.1",  "198.51.100.0/24",
                                          "www",        "a.example.net",
                                          " ",          ",",
                                          "web",        "-",
                                          "10.1.2.3/8", "::1",
                                          "#",          ";",
                                          "0x10",       "24"};
  for (int i = 0; i < 20000; ++i) {
    std::string line;
    for (std::size_t n = 1 + random() % 5; n > 0; --n) line += parts[random() % parts.size()] + " ";
    TargetList without;
    std::istringstream in(line);
    (void)read_target_list(in, "list", without);
    if (without.error_count > 0) continue;
    std::string out;
    for (const LabelledRange& entry : without.entries)
      out += to_string(entry.range) + "=" + std::string(without.labels.text(entry.label)) + " ";
    EXPECT_EQ(looked_up(line), out) << line;
  }
}

}  // namespace
}  // namespace echoscan::host_name_test
