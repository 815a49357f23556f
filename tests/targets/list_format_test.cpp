// Lists as they are published, each by its content: what is read, what becomes the label, and what
// is refused. tests/targets/published_lists_test.py holds the same files against other readers.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "targets/target_list.h"
#include "tests/targets/list_checks.h"
#include "tests/targets/packed_text.h"

namespace echoscan::list_format_test {
namespace {

struct Reading {
  TargetList list;
  std::string failure;
};

Reading reading_of(const std::string& text, bool is_strict = false) {
  Reading reading;
  reading.list.is_strict = is_strict;
  std::istringstream in(text);
  const tl::expected<void, std::string> is_read = read_target_list(in, "list", reading.list);
  if (!is_read) reading.failure = is_read.error();
  return reading;
}

// "1.2.3.0/24=label | 9.9.9.9 | 2 IPv6" of a list without errors.
std::string content_of(const std::string& text, bool is_strict = false) {
  Reading reading = reading_of(text, is_strict);
  EXPECT_EQ(reading.failure, "") << text;
  EXPECT_EQ(reading.list.errors, std::vector<std::string>{}) << text;
  std::string content;
  for (const LabelledRange& entry : entries_of(reading.list)) {
    content += (content.empty() ? "" : " | ") + to_string(entry.range);
    if (entry.label != kNoLabel)
      content += "=" + std::string(reading.list.labels.text(entry.label));
  }
  if (reading.list.ipv6_count > 0)
    content += " | " + std::to_string(reading.list.ipv6_count) + " IPv6";
  return content;
}

std::vector<std::string> errors_of(const std::string& text, bool is_strict = false) {
  Reading reading = reading_of(text, is_strict);
  EXPECT_EQ(reading.failure, "") << text;
  EXPECT_EQ(reading.list.error_count, reading.list.errors.size());
  return reading.list.errors;
}

std::string sample(const std::string& name) {
  std::ostringstream text;
  text << std::ifstream(std::string(ECHOSCAN_SOURCE_DIR "/tests/targets/lists/") + name).rdbuf();
  EXPECT_FALSE(text.str().empty()) << name;
  return text.str();
}

// As targets and as exclusions, plain and packed.
void expect_sample(const std::string& name, const std::string& expected) {
  EXPECT_EQ(content_of(sample(name)), expected) << name;
  EXPECT_EQ(content_of(gzip(sample(name))), expected) << name;
  EXPECT_EQ(content_of(zstd(sample(name))), expected) << name;
  EXPECT_EQ(content_of(sample(name), true), expected) << name;
}

TEST(PublishedList, SamplesAreReadAsTheyAre) {
  expect_sample("oracle.json",
                "198.18.0.0/21=xx-paris-1/OCI | 198.18.8.0/24=xx-paris-1/OSN+OBJECT_STORAGE | "
                "198.18.16.0/22=xx-lagos-1/OCI | 198.18.20.128/25=xx-lagos-1 | 1 IPv6");
  expect_sample("github.json",
                "198.18.32.0/22=hooks | 198.18.40.0/24=web | 198.18.41.7=web | "
                "198.18.34.0/28=packages | 1 IPv6");
  expect_sample("fastly.json", "198.18.48.0/20 | 198.18.64.0/22 | 2 IPv6");
  expect_sample("cloudflare.txt", "198.18.72.0/21 | 198.18.80.0/22 | 198.18.96.0/19");
  expect_sample("cloudflare.json", "198.18.72.0/21 | 198.18.80.0/22 | 1 IPv6");
  expect_sample("prefixes.json",
                "198.18.160.0/22 | 198.18.164.0-198.18.164.9 | 198.18.165.1 | 1 IPv6");
  expect_sample(
      "geofeed.csv",
      "198.18.144.0/22=XA,XA-01,Northtown,00001 | 198.18.148.0/23=XA,XA-02,\xc3\x98stby | "
      "198.18.150.7=XB | 198.18.151.0/24 | 1 IPv6");
  expect_sample(
      "ranges.csv",
      "198.18.168.0/24=AS64500 Example One | "
      "198.18.169.0-198.18.171.255=AS64501 Example \"Two\", Inc. | "
      "198.18.172.5=AS64502 Example # Three | 198.18.173.1-198.18.173.6=AS64504 | 1 IPv6");
  expect_sample("routes.pfx2as",
                "198.18.176.0/22=AS64500 | 198.18.180.0/24=AS64501_64502 | "
                "198.18.180.128/25=AS64503,64504 | 1 IPv6");
  expect_sample(
      "delegated.txt",
      "198.18.184.0/21=ripencc/XA/allocated | "
      "198.18.192.0-198.18.194.255=ripencc/XB/assigned | "
      "198.18.196.0/24=ripencc/available | 198.18.197.16/28=ripencc/XB/assigned | 1 IPv6");
  expect_sample("drop.txt", "198.18.200.0/21 | 198.18.208.0/24");
  expect_sample("drop.jsonl", "198.18.200.0/21=SBL000001 | 198.18.208.0/24=SBL000002 | 1 IPv6");
  expect_sample("masscan_exclude.txt",
                "198.18.212.0/22 | 198.18.216.0/23 | 198.18.218.1 | 198.18.218.3 | 198.18.218.9 | "
                "198.18.219.1-198.18.219.20 | 1 IPv6");
  expect_sample("nmap_exclude.txt",
                "198.18.224.0/24 | 198.18.225.0/24 | 198.18.226.1-198.18.226.9 | "
                "198.18.227.1-198.18.227.9 | 198.18.228.1 | 198.18.228.2 | 198.18.228.7 | 1 IPv6");
  expect_sample("results.jsonl",
                "198.18.232.1=Paris/web | 198.18.232.9=a \"b\" \xc3\xa9 | 198.18.233.77 | "
                "198.18.232.1=Paris/web");
  expect_sample("results.csv", "198.18.236.1=Paris/web | 198.18.236.9=a \"b\", c | 198.18.237.77");
}

// Its elements with hosts alone are counted; as exclusions they are refused, since what they name
// would be probed.
TEST(PublishedList, Microsoft365NamesHostsToo) {
  const std::string text = sample("microsoft365.json");
  EXPECT_EQ(content_of(text),
            "198.18.128.0/22=Letters/Optimize | 198.18.132.4/31=Letters/Optimize | "
            "198.18.136.0/26=Common/Allow | 1 IPv6");
  EXPECT_EQ(reading_of(text).list.host_entry_count, 1U);
  const std::vector<std::string> errors = errors_of(text, true);
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0].substr(0, 55), "list: [1]: it names hosts (urls) and no address; exclus");
}

TEST(PublishedList, ExclusionsPassOverNothingThatIsATarget) {
  for (const char* text :
       {R"({"prefixes":[{"ip_prefix":"1.1.1.0/24","also":"2.2.2.0/24"}]})",
        R"({"prefixes":[{"ip_prefix":"1.1.1.0/24"}],"other":[{"ip_prefix":"2.2.2.0/24"}]})",
        R"({"a":["1.1.1.0/24"],"b":{"c":["2.2.2.0/24"]}})",
        R"({"a":["1.1.1.0/24"],"2.2.2.0/24":"c"})",
        R"([{"ips":["1.1.1.0/24"],"urls":["2.2.2.0/24"]}])",
        R"({"result":{"ipv4_cidrs":["1.1.1.0/24"]},"note":"see (2.2.2.0/24), too"})",
        R"({"cidr":"1.1.1.0/24","also":{"x":["2.2.2.0/24"]}})",
        R"({"target":"1.1.1.0/24","responder":"2.2.2.0/24"})", "target,ttl\n1.1.1.0/24,2.2.2.0/24",
        "1.1.1.0,1.1.1.255,64500,2.2.2.0/24"}) {
    EXPECT_EQ(content_of(text).substr(0, 10), "1.1.1.0/24") << text;
    const std::vector<std::string> errors = errors_of(text, true);
    ASSERT_EQ(errors.size(), 1U) << text;
    EXPECT_NE(errors[0].find(": 2.2.2.0/24: it is written as a target, and stands where none"),
              std::string::npos)
        << text;
  }
}

TEST(PublishedList, ArraysOfTextsAreOfPrefixesThroughoutOrNotAtAll) {
  EXPECT_EQ(content_of(R"({"x":["no","yes"],"y":["10.0.0.0/8"],"z":[]})"), "10.0.0.0/8=y");
  EXPECT_EQ(content_of("[]"), "");
  EXPECT_EQ(content_of(R"({"addresses":[]})"), "");
  EXPECT_EQ(errors_of(R"({"x":["no","10.0.0.0/8"],"y":["10.0.0.0/8","no",7,["9.9.9.9"]]})"),
            (std::vector<std::string>{
                "list: x[1]: 10.0.0.0/8: it stands in an array that does not begin with a prefix",
                "list: y[1]: no: 'no' is not an IPv4 address (four numbers from 0 to 255); it may "
                "be the name of a host: `echoscan ping no` asks it, `dig +short no` prints its "
                "addresses, and --resolve looks all names up",
                "list: y[2]: the prefix is no text", "list: y[3]: the prefix is no text"}));
  EXPECT_EQ(
      errors_of(R"(["10.0.0.1/8",null,{"ips":[]},{"id":1}])"),
      (std::vector<std::string>{
          "list: [0]: 10.0.0.1/8: host bits are set; the network is 10.0.0.0/8",
          "list: [1]: the prefix is no text", "list: [3]: there is neither ips nor urls in it"}));
  EXPECT_EQ(errors_of(R"({"regions":[{"region":"r"},{"cidrs":[{"tags":["t"]},{"cidr":7}]}]})"),
            (std::vector<std::string>{"list: regions[0]: there is no cidrs in it",
                                      "list: regions[1]: there is no cidr in one of its cidrs",
                                      "list: regions[1]: the prefix is no text"}));
}

// A colon does not make IPv6: an exclusion would be lost.
TEST(PublishedList, WhatOnlyResemblesIpv6IsAnError) {
  for (const bool is_strict : {false, true}) {
    EXPECT_NE(errors_of(R"(["192.0.2.1:80"])", is_strict).at(0).find("has a port"),
              std::string::npos);
    EXPECT_NE(errors_of(R"(["2001:db8::/129"])", is_strict).at(0).find("IPv6"), std::string::npos);
    for (const char* text : {"::ffff:192.0.2.1", "::ffff:192.0.2.1/128", "::ffff:c000:201",
                             "64:ff9b::192.0.2.1", "::192.0.2.1"}) {
      const std::string sentence = "it is an IPv4 address in the form of IPv6; write 192.0.2.1";
      EXPECT_NE(errors_of("[\"" + std::string(text) + "\"]", is_strict).at(0).find(sentence),
                std::string::npos)
          << text;
      EXPECT_NE(errors_of(text, is_strict).at(0).find(sentence), std::string::npos) << text;
    }
  }
  EXPECT_EQ(content_of("2001:db8::1 a\n2001:db8::/32, 2001:db8:1::/48\n2001:db8::1-2001:db8::9\n"
                       "::1 # loopback\n2001:db8::/32 ; b\n1.1.1.1"),
            "1.1.1.1 | 5 IPv6");
  for (const char* line :
       {"2001:db8::1 192.0.2.1", "2001:db8::/32,192.0.2.1", "192.0.2.1,2001:db8::1",
        "2001:db8::1 ; 192.0.2.1", "2001:db8::1-192.0.2.1", "2001:db8:::1"})
    EXPECT_EQ(errors_of(line).size(), 1U) << line;
}

TEST(PublishedList, ALineOfAnotherKindIsAnError) {
  const auto expect_error = [](const std::string& text, const std::string& expected) {
    const std::vector<std::string> errors = errors_of(text);
    ASSERT_EQ(errors.size(), 1U) << text;
    EXPECT_NE(errors[0].find(expected), std::string::npos) << errors[0];
    EXPECT_EQ(errors_of(text, true), errors);
  };
  const std::string route = "192.0.2.0\t24\t64500\n";
  expect_error(route + "198.51.100.0/24\n", "list:2: 198.51.100.0/24: it is no network, length");
  expect_error(route + "198.51.100.0\t24\n", "list:2: ");
  expect_error(route + "198.51.100.1\t24\t64500\n", "host bits are set");
  expect_error(route + "198.51.100.0\t33\t64500\n", "the prefix length");
  const std::string record = "x|XA|ipv4|192.0.2.0|256|20260102|allocated\n";
  expect_error(record + "192.0.2.0/24\n", "list:2: 192.0.2.0/24: it is no registry's record");
  for (const char* wrong :
       {"x|XA|ipv4|192.0.2.0|0|", "x|XA|ipv4|255.255.255.0|257|", "x|XA|ipv4|192.0.2.0|4x|",
        "x|XA|ipv4|192.0.2.0||", "x|XA|ipv4|192.0.2|256|", "x|XA|ipv6|192.0.2.0|32|"})
    expect_error(record + wrong, "list:2: x|XA|ipv");
  expect_error(record + "x|*|ipv4|*|2|summary\n",
               "list: x: its summary says 2 ipv4 records, and there are 1: the file was cut");
  const std::string row = "192.0.2.0,192.0.2.9,64500,a\n";
  expect_error(row + "192.0.2.0,192.0.2.9,64500,a, b\n",
               "it has 5 columns, where the first line has 4");
  expect_error(row + "192.0.2.0/24\n", "it has 1 columns");
  expect_error(row + "192.0.2.9,192.0.2.0,64500,a\n", "the range runs backwards");
  expect_error(row + "192.0.2.0,2001:db8::,64500,a\n", "list:2: ");
  expect_error(row + "192.0.2.0/28,192.0.2.9,64500,a\n", "the first and the last address");
  expect_error(row + "192.0.2.0,192.0.2.9,x,a\n", "it is no number of a network");
  expect_error(row + "192.0.2.0,192.0.2.9,64500,\"a\n", "a field begins with a quote");
  expect_error(row + "192.0.2.0,192.0.2.9,64500,\"a\"b\n", "goes on behind its closing quote");
  expect_error(row + "192.0.2.0,192.0.2.9,64500,a\"b\n", "has a quote in it");
  const std::string result = R"({"target":"192.0.2.1"})"
                             "\n";
  expect_error(result + R"({"cidr":"192.0.2.0/24"})", "there is no target in it");
  expect_error(result + R"({"saddr":"192.0.2.1"})", "there is no target in it");
  expect_error(result + R"({"target":"192.0.2.1","cidr":"192.0.2.0/24"})", "not both");
  expect_error(result + R"({"target":"192.0.2.1","target":"192.0.2.2"})", "not both");
  expect_error(result + R"({"target":7})", "a text");
  expect_error(result + R"({"target":"192.0.2.1")", "the line is no whole JSON object");
  expect_error(result + R"({"target":"192.0.2.1"} {"target":"192.0.2.2"})", "no whole JSON object");
  expect_error(result + "192.0.2.1\n", "no whole JSON object");
  expect_error("{\"cidr\":\"192.0.2.0/24\"}\n{\"rir\":\"x\"}\n", "there is no cidr in it");
  // In text, the others' lines are errors as ever.
  expect_error("192.0.2.1\n192.0.2.0\t24\t64500\n", "may be a prefix length or a label");
  expect_error("192.0.2.1\nx|XA|ipv4|192.0.2.0|256|20260102|allocated\n", "is not an IPv4 address");
  expect_error("192.0.2.1\n192.0.2.0,192.0.2.9,64500,a\n", "two addresses may be two targets");
  expect_error("192.0.2.0,192.0.2.9,XA\n", "two addresses may be two targets");
}

TEST(PublishedList, HeadersNameTheColumns) {
  EXPECT_EQ(content_of("target\n192.0.2.1\n192.0.2.2\n"), "192.0.2.1 | 192.0.2.2");
  EXPECT_EQ(content_of("\"label\",\"target\"\r\n\"a, b\",192.0.2.1\r\n"), "192.0.2.1=a, b");
  EXPECT_EQ(content_of("first,last\n192.0.2.1,192.0.2.9\n"), "192.0.2.1-192.0.2.9");
  EXPECT_EQ(content_of("name,asn,first,last,x\na,,192.0.2.1,192.0.2.9,\n"),
            "192.0.2.1-192.0.2.9=a");
  // Several files, one behind the other.
  EXPECT_EQ(content_of("target,ttl\n192.0.2.1,9\ntarget,ttl\n192.0.2.2,9\n"),
            "192.0.2.1 | 192.0.2.2");
  EXPECT_NE(errors_of("target,target\n192.0.2.1,192.0.2.2\n").at(0).find("two of its columns"),
            std::string::npos);
  EXPECT_NE(errors_of("target,first,last\n").at(0).find("two of its columns"), std::string::npos);
  // No header that says where the targets are.
  EXPECT_EQ(errors_of("saddr,ttl\n192.0.2.1,9\n").size(), 2U);
}

TEST(PublishedList, EndlessRegistriesTakeNoMemory) {
  std::string text;
  for (int i = 0; i < 200; ++i)
    text += std::string(1, static_cast<char>('a' + i % 20)) + static_cast<char>('a' + i / 20) +
            "|*|ipv4|*|0|summary\n";
  EXPECT_EQ(reading_of(text).list.error_count, 100U);
}

TEST(PublishedList, FilesOfRegistriesMayStandOneBehindTheOther) {
  const std::string all = sample("delegated.txt");
  EXPECT_EQ(reading_of(all + all).list.error_count, 0U);
  EXPECT_EQ(reading_of(all + all).list.range_count, 8U);
  // Cut in the middle, it is no shorter list.
  EXPECT_EQ(errors_of(all.substr(0, all.rfind("ripencc|XB|ipv4"))).size(), 1U);
}

TEST(PublishedList, JsonLinesWithoutATargetAreNamed) {
  EXPECT_EQ(reading_of("{\"saddr\":\"192.0.2.1\"}\n{\"saddr\":\"192.0.2.2\"}\n").failure,
            "its lines are JSON, but the first one has neither a `target` (results) nor a `cidr` "
            "(Spamhaus)");
  EXPECT_EQ(content_of("{\"type\":\"metadata\"}\n{\"cidr\":\"192.0.2.0/24\"}\n"), "192.0.2.0/24");
  EXPECT_EQ(content_of("\xef\xbb\xbf# results\n{\"target\":\"192.0.2.1\",\"label\":null}\n\n"),
            "192.0.2.1");
  // What --fields asks for and nobody knows is null, and as good as absent.
  EXPECT_EQ(
      content_of("{\"target\":\"192.0.2.1\",\"rtt_us\":null,\"label\":null,\"type\":null,"
                 "\"saddr\":null,\"cidr\":null}\n{\"target\":\"192.0.2.2\",\"label\":\"a\"}\n"),
      content_of("{\"target\":\"192.0.2.1\"}\n{\"target\":\"192.0.2.2\",\"label\":\"a\"}\n"));
  EXPECT_NE(
      errors_of("{\"target\":\"192.0.2.1\"}\n{\"target\":null}\n").at(0).find("no target in it"),
      std::string::npos);
}

TEST(PublishedList, LongLabelsAreCutBetweenCharacters) {
  const std::string longest(kTargetLabelBytesMax, 'x');
  EXPECT_EQ(content_of("192.0.2.1 " + longest), "192.0.2.1=" + longest);
  EXPECT_EQ(reading_of("192.0.2.1 " + longest).list.cut_label_count, 0U);
  // 254 bytes and a character of two, and of four; and blanks where it is cut.
  const std::string nearly = longest.substr(1);
  for (const std::string end : {"\xc3\xa9", "\xf0\x9f\x98\x80", "\xc3\xa9 and more", " y"})
    EXPECT_EQ(content_of("192.0.2.1 " + nearly + end), "192.0.2.1=" + nearly) << end;
  Reading reading = reading_of("192.0.2.1,192.0.2.9 " + longest + "y\n192.0.2.2 short\n192.0.2.3 " +
                               longest + "z\n");
  EXPECT_EQ(reading.list.cut_label_count, 1U) << "the first line has two meanings";
  EXPECT_EQ(reading.list.error_count, 1U);
  reading = reading_of("192.0.2.1/32,192.0.2.9/32 " + longest + "y\n192.0.2.3 " + longest + "z\n" +
                       "{\"prefixes\"");
  EXPECT_EQ(reading.list.cut_label_count, 2U);
  EXPECT_EQ(reading.list.labels.size(), 2U) << "what is equal when it is cut is one label";
  for (const std::string format :
       {R"({"prefixes":[{"ip_prefix":"192.0.2.1/32","service":"@"}]})", R"({"@":["192.0.2.1/32"]})",
        R"({"target":"192.0.2.1","label":"@"})", "x|@|ipv4|192.0.2.1|1|2026|",
        "192.0.2.1,192.0.2.1,64500,@", "target,label\n192.0.2.1,@"}) {
    std::string text = format;
    text.replace(text.find('@'), 1, longest + longest);
    reading = reading_of(text);
    EXPECT_EQ(reading.list.error_count, 0U) << format;
    EXPECT_EQ(reading.list.cut_label_count, 1U) << format;
    EXPECT_EQ(reading.list.labels.text(1).size(), kTargetLabelBytesMax) << format;
  }
  // What is wrong behind the cut is wrong all the same.
  EXPECT_NE(errors_of("192.0.2.1 " + longest + "\xff").at(0).find("not UTF-8"), std::string::npos);
}

TEST(PublishedList, NamesOfHostsAreRefusedWithTheWayOut) {
  for (const std::string name :
       {"web", "host.example.net", "my-host.example.net", "a_b.example.net",
        "192.0.2.1-static.example.net", "3com.example"}) {
    const std::vector<std::string> errors = errors_of("192.0.2.1\n" + name + "\n");
    ASSERT_EQ(errors.size(), 1U) << name;
    EXPECT_EQ(errors[0], "list:2: " + name + ": '" + name +
                             "' is not an IPv4 address (four numbers from 0 to 255); it may be the "
                             "name of a host: `echoscan ping " +
                             name + "` asks it, `dig +short " + name +
                             "` prints its addresses, and --resolve looks all names up");
  }
  for (const char* text : {"http://example.net/", "0xc0000201", "192.0.2.256", "$x"})
    EXPECT_EQ(errors_of(text).at(0).find("dig"), std::string::npos) << text;
}

TEST(PublishedList, MessagesShowTextAsItIsAndEscapeWhatATerminalObeys) {
  EXPECT_NE(errors_of("\xc3\x98stby 1").at(0).find("list:1: \xc3\x98stby: '\xc3\x98stby' is not"),
            std::string::npos);
  EXPECT_NE(errors_of("a\x1b[2J\xe2\x80\xae\xff").at(0).find("a\\x1b[2J\\xe2\\x80\\xae\\xff"),
            std::string::npos);
  EXPECT_EQ(errors_of("{\"a\x7f\":[\"10.0.0.0/8\",null]}").at(1).substr(0, 23),
            "list: a\\x7f[1]: the pre");
  // Cut between characters.
  const std::string shown = errors_of(std::string(59, 'x') + "\xc3\xa9").at(0);
  EXPECT_EQ(shown.substr(0, 70), "list:1: " + std::string(59, 'x') + ": '");
}

}  // namespace
}  // namespace echoscan::list_format_test
