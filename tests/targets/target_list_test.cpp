// Lists of targets: text and the clouds' JSON, packed or not, labels and who wins where they
// overlap, and a sentence for whatever is wrong. Other publishers' lists: list_format_test.cpp.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "targets/label_map.h"
#include "targets/list_bytes.h"
#include "targets/target_list.h"
#include "targets/utf8.h"
#include "tests/targets/list_checks.h"
#include "tests/targets/packed_text.h"

namespace echoscan::target_list_test {
namespace {

struct ReadList {
  TargetList list;
  std::string failure;
};

ReadList read(const std::string& text, const std::string& name = "list") {
  ReadList result;
  std::istringstream in(text);
  const tl::expected<void, std::string> is_read = read_target_list(in, name, result.list);
  if (!is_read) result.failure = is_read.error();
  return result;
}

// "1.2.3.0/24=label 9.9.9.9" of what a list without errors holds.
std::string entries_of(ReadList& read) {
  EXPECT_EQ(read.failure, "");
  EXPECT_EQ(read.list.errors, std::vector<std::string>{});
  std::string text;
  for (const LabelledRange& entry : entries_of(read.list)) {
    text += (text.empty() ? "" : " ") + to_string(entry.range);
    if (entry.label != kNoLabel) text += "=" + std::string(read.list.labels.text(entry.label));
  }
  return text;
}

std::string entries_of(ReadList&& read) {
  return entries_of(read);
}

// The errors of a list, which goes on behind each.
std::vector<std::string> errors_of(const std::string& text) {
  ReadList result = read(text);
  EXPECT_EQ(result.failure, "");
  EXPECT_EQ(result.list.error_count, result.list.errors.size());
  return result.list.errors;
}

std::string file(const std::string& name) {
  std::ostringstream text;
  text << std::ifstream(std::string(ECHOSCAN_SOURCE_DIR "/tests/targets/lists/") + name).rdbuf();
  EXPECT_FALSE(text.str().empty()) << name;
  return text.str();
}

TEST(TextList, MayHaveCommentsBlanksAndCrlf) {
  EXPECT_EQ(entries_of(read("# a comment\r\n"
                            "\r\n"
                            "  1.2.3.4 \r\n"
                            "\t5.6.7.0/24\t# with a reason\n"
                            "   # only a comment\n"
                            "9.9.9.9-9.9.9.10")),
            "1.2.3.4 5.6.7.0/24 9.9.9.9-9.9.9.10");
  EXPECT_EQ(entries_of(read("\xef\xbb\xbf"
                            "1.2.3.4\r\n")),
            "1.2.3.4");
  for (const char* nothing : {"", "\n", "\xef\xbb\xbf", "\xef\xbb\xbf\n#\n", " \t\r\n"})
    EXPECT_EQ(entries_of(read(nothing)), "");
}

TEST(TextList, LabelsAreTheRestOfTheLine) {
  EXPECT_EQ(entries_of(read("3.5.140.0/22 ap-northeast-2/EC2\r\n"
                            "1.2.3.4\t a label with  blanks \t# and a comment\n"
                            "1.2.3.4-1.2.3.9 r1\n"
                            "1.2.3.4 - 1.2.3.9  r2\n"
                            "1.2.3.4- 1.2.3.9\tr3\n"
                            "1.2.3.4 -1.2.3.9 r4-5\n"
                            "9.9.9.9 \xc3\xa9t\xc3\xa9\n")),
            "3.5.140.0/22=ap-northeast-2/EC2 1.2.3.4=a label with  blanks 1.2.3.4-1.2.3.9=r1 "
            "1.2.3.4-1.2.3.9=r2 1.2.3.4-1.2.3.9=r3 1.2.3.4-1.2.3.9=r4-5 9.9.9.9=\xc3\xa9t\xc3\xa9");
}

TEST(TextList, LabelsArePrintable) {
  for (const char* label : {"a\tb", "a\x1b[2J", "a\x7f", "a\xc2\x85", "a\xe2\x80\xae",
                            "a\xe2\x80\xa8", "a\xe2\x81\xa6", "a\xef\xbb\xbf", "a\xf3\xa0\x81\x81"})
    EXPECT_NE(errors_of("1.1.1.1 " + std::string(label)).at(0).find("control character"),
              std::string::npos);
  // A stray byte, a cut sequence, one that is too long for what it says, a surrogate, too large.
  for (const char* label : {"a\xff", "a\xc3", "a\xc0\xaf", "a\xed\xa0\x80", "a\xf4\x90\x80\x80"})
    EXPECT_NE(errors_of("1.1.1.1 " + std::string(label)).at(0).find("not UTF-8"),
              std::string::npos);
}

TEST(TextList, ErrorsAreFitForATerminal) {
  const std::vector<std::string> errors = errors_of(std::string("\x1b[2J\x07\0\xff garbage", 16));
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0], printable_text(errors[0]));
  EXPECT_NE(errors[0].find("\\x1b[2J\\x07\\x00\\xff: "), std::string::npos) << errors[0];
}

TEST(TextList, ErrorsNameFileAndLineAndAreLimited) {
  std::string text = "1.2.3.4\n\n1.2.3.4/33 # no such length\n";
  for (int i = 0; i < 30; ++i) text += "nonsense\n";
  ReadList result = read(text, "targets.txt");
  EXPECT_EQ(result.list.error_count, 31U);
  ASSERT_EQ(result.list.errors.size(), kListErrorsMax);
  EXPECT_EQ(result.list.errors[0],
            "targets.txt:3: 1.2.3.4/33: the prefix length behind '/' is a number from 0 to 32");
  EXPECT_EQ(result.list.errors[1].substr(0, 24), "targets.txt:4: nonsense:");
  EXPECT_EQ(entries_of(result.list).size(), 1U);
}

TEST(TextList, LinesAreLimited) {
  const std::string comment = "1.1.1.1 # " + std::string(100'000, '-');
  EXPECT_EQ(entries_of(read(comment + "\n2.2.2.2")), "1.1.1.1 2.2.2.2");
  const std::vector<std::string> errors = errors_of(std::string(100'000, '1') + "\n2.2.2.2");
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_NE(errors[0].find("longer than any target"), std::string::npos);
}

// Lines that lie across the borders of chunks, of every length.
TEST(TextList, ChunksDoNotShow) {
  std::string text;
  std::size_t count = 0;
  for (; text.size() < 300'000; ++count)
    text += "1.2.3." + std::to_string(count % 256) + " " + std::string(count % 100, 'x') + "\n";
  for (const std::string& packed : {text, gzip(text), zstd(text)}) {
    ReadList result = read(packed);
    EXPECT_EQ(result.list.error_count, 0U);
    ASSERT_EQ(result.list.entries.size(), count);
    for (std::size_t i = 0; i < count; ++i) {
      ASSERT_EQ(result.list.entries[i].range.first.value, 0x01020300 + i % 256);
      ASSERT_EQ(result.list.labels.text(result.list.entries[i].label).size(), i % 100);
    }
  }
}

// `yes 10.0.0.1` and a gigabyte that unpacks from a kilobyte took all memory.
// A list of ever new labels took all memory.
TEST(TextList, ALabelTooManyEndsTheReadingAndNamesTheLine) {
  const auto read_into = [](std::size_t bytes_max, const std::string& text) {
    ReadList result;
    result.list.labels = LabelTable(bytes_max);
    std::istringstream in(text);
    const tl::expected<void, std::string> is_read = read_target_list(in, "list", result.list);
    if (!is_read) result.failure = is_read.error();
    return result;
  };
  // No label, one of ten bytes, and one of one, as often as they come.
  const std::size_t room = 3 * kLabelOwnBytes + 11;
  std::string text = "10.0.0.1 Frankfurt!\n";
  for (int i = 0; i < 10'000; ++i) text += "10.0.0.1 x\n10.0.0.2 Frankfurt!\n\n10.0.0.3\n";
  EXPECT_EQ(read_into(room, text).failure, "");
  const std::string too_many =
      " has one label too many: all different ones, with 64 bytes for each beside its text, are to "
      "take ";
  EXPECT_EQ(read_into(room, text + "10.0.0.1 y\n10.0.0.1 z").failure,
            "line 40002" + too_many + "203 bytes at most");
  EXPECT_EQ(read_into(room, text + "10.0.0.1 y").failure,
            "line 40002" + too_many + "203 bytes at most");
  EXPECT_EQ(read_into(room - 1, text).failure, "line 2" + too_many + "202 bytes at most");
  EXPECT_EQ(read_into(room - 1, text).list.range_count, 2U);
  EXPECT_EQ(read_into(100, R"({"prefixes": [
{"ip_prefix": "10.0.0.0/24", "region": "a", "service": "b"},
{"ip_prefix": "10.0.1.0/24", "region": "a", "service": "b"},
{"ip_prefix": "10.0.2.0/24", "region": "a", "service": "c"}]})")
                .failure,
            "line 2" + too_many + "100 bytes at most");
  // As many as ten million names of 36 bytes.
  EXPECT_GE(kLabelsBytesMax, 10'000'000 * (kLabelOwnBytes + 36));
}

TEST(TextList, MemoryGrowsWithDistinctRangesAndNotWithLines) {
  std::string lines;
  for (int i = 0; i < 50'000; ++i) lines += "10.0.0.1\n10.0.0.0/24\n";
  const std::string labelled = "10.0.0.1 a\n10.0.0.1\n10.0.0.0/24 b\n" + lines + lines + lines;
  ReadList plain = read(zstd(lines + lines));
  EXPECT_LE(plain.list.ranges.size(), std::size_t{1} << 17);
  EXPECT_TRUE(plain.list.entries.empty());
  EXPECT_EQ(plain.list.ranges.ranges().size(), 2U);
  EXPECT_EQ(plain.list.ranges.count_repeated(), 256U);
  ReadList with_labels = read(labelled + "10.0.0.7 c\n");
  EXPECT_LE(with_labels.list.entries.size(), std::size_t{1} << 18);
  EXPECT_EQ(with_labels.list.ranges.ranges().size(), 3U);
  EXPECT_EQ(label_by_rule(with_labels.list.entries, Ipv4{0x0a000001}), kNoLabel);
  EXPECT_EQ(with_labels.list.labels.text(label_by_rule(with_labels.list.entries, Ipv4{0x0a000007})),
            "c");
}

TEST(TextList, AnEndlessLineIsAFailure) {
  const std::string line(17 << 20, ' ');
  EXPECT_EQ(read(zstd("1.1.1.1\n2.2.2.2 #" + line)).failure, "line 2 has more than 16 MiB");
  EXPECT_EQ(read(zstd(line)).failure, "line 1 has more than 16 MiB");
  EXPECT_EQ(entries_of(read(zstd("1.1.1.1 # " + line.substr(0, 1 << 20) + "\n2.2.2.2"))),
            "1.1.1.1 2.2.2.2");
}

TEST(PackedList, IsReadAsWhatIsInIt) {
  const std::string first = "1.1.1.1 one\n2.2.2";
  const std::string second = ".2 two\n";
  for (const auto pack : {gzip, zstd}) {
    EXPECT_EQ(entries_of(read(pack(first + second))), "1.1.1.1=one 2.2.2.2=two");
    // Members and frames one behind the other are one list, empty ones too.
    EXPECT_EQ(entries_of(read(pack(first) + pack("") + pack(second))), "1.1.1.1=one 2.2.2.2=two");
    EXPECT_EQ(entries_of(read(pack(file("amazon.json")))), entries_of(read(file("amazon.json"))));
    EXPECT_EQ(entries_of(read(pack(""))), "");
  }
  const std::string skippable("\x50\x2a\x4d\x18\x03\x00\x00\x00xyz", 11);
  EXPECT_EQ(entries_of(read(skippable + zstd(first + second))), "1.1.1.1=one 2.2.2.2=two");
}

TEST(PackedList, CutOrDamagedIsAFailureAndNotAShorterList) {
  std::string text;
  std::mt19937 random(1);
  for (int i = 0; i < 2000; ++i)
    text += to_string(Ipv4{static_cast<std::uint32_t>(random())}) + "\n";
  for (const auto pack : {gzip, zstd}) {
    const std::string name = pack == gzip ? "gzip" : "zstd";
    const std::string packed = pack(text);
    for (std::size_t bytes = 4; bytes < packed.size(); bytes += 1 + bytes / 10)
      EXPECT_EQ(read(packed.substr(0, bytes)).failure, "the " + name + " data ends early") << bytes;
    EXPECT_EQ(read(packed.substr(0, packed.size() - 1)).failure,
              "the " + name + " data ends early");
    EXPECT_NE(read(packed + "garbage").failure.find("the " + name + " data is damaged ("),
              std::string::npos);
    EXPECT_EQ(read(packed + pack(text).substr(0, 9)).failure, "the " + name + " data ends early");
  }
  std::string damaged = gzip(text);
  damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 1);
  EXPECT_NE(read(damaged).failure.find("the gzip data is damaged ("), std::string::npos);
}

TEST(PackedList, OtherFormatsAreNamed) {
  EXPECT_NE(read("\xfd"
                 "7zXZ")
                .failure.find("by xz"),
            std::string::npos);
  EXPECT_NE(read("BZh91AY&SY").failure.find("by bzip2"), std::string::npos);
  EXPECT_NE(read("PK\x03\x04xx").failure.find("by zip"), std::string::npos);
  for (const char* mark : {"\xff\xfe", "\xfe\xff"})
    EXPECT_EQ(read(std::string(mark) + "1").failure, "it is UTF-16; save it as UTF-8");
}

TEST(CloudList, Amazon) {
  ReadList result = read(file("amazon.json"));
  EXPECT_EQ(entries_of(result),
            "198.18.0.0/22=ap-northeast-2/AMAZON 198.18.4.0/24=eu-west-1/AMAZON "
            "198.18.0.0/22=ap-northeast-2/EC2 198.18.5.7=GLOBAL/ROUTE53_HEALTHCHECKS");
  EXPECT_EQ(result.list.ipv6_count, 2U);
}

TEST(CloudList, Google) {
  ReadList result = read(file("google.json"));
  EXPECT_EQ(entries_of(result),
            "198.18.64.0/20=asia-east1/Google Cloud 198.18.80.0/24=us-central1/Google Cloud "
            "198.18.81.0/24");
  EXPECT_EQ(result.list.ipv6_count, 1U);
}

TEST(CloudList, Microsoft) {
  ReadList result = read(file("microsoft.json"));
  EXPECT_EQ(entries_of(result),
            "198.18.128.0/24=ActionGroup 198.18.129.4/30=ActionGroup "
            "198.18.128.0/20=AzureCloud.westeurope");
  EXPECT_EQ(result.list.ipv6_count, 2U);
}

TEST(CloudList, KeysInAnyOrderAndOnOneLine) {
  EXPECT_EQ(
      entries_of(read(R"( {"prefixes":[{"service":"S","ip_prefix":"1.1.1.0/24","region":"R"},)"
                      R"({"x":{"ip_prefix":"9.9.9.9"},"ip_prefix":"2.2.2.2/32"}],"values":[)"
                      R"({"properties":{"addressPrefixes":["3.3.3.3/32"],"x":[["4.4.4.4"]]},)"
                      R"("name":"N"}],"other":[{"ip_prefix":"5.5.5.5"}]})")),
      "1.1.1.0/24=R/S 2.2.2.2 3.3.3.3=N");
  EXPECT_EQ(entries_of(read("\xef\xbb\xbf {\"prefixes\":[]}")), "");
}

TEST(CloudList, ErrorsNameTheElement) {
  EXPECT_EQ(errors_of(R"({"prefixes":[{"ip_prefix":"1.1.1.0/24"},{"ip_prefix":"1.1.1.1/24"},
                {"region":"r"},{"ip_prefix":7},"text",{"ipv4Prefix":["1.1.1.1"]},
                {"ip_prefix":"2.2.2.2/32","region":"a\u0007b"}],
                "values":[{"name":"n"},{"properties":{"addressPrefixes":[null,"?"]}}]})"),
            (std::vector<std::string>{
                "list: prefixes[1]: 1.1.1.1/24: host bits are set; the network is 1.1.1.0/24",
                "list: prefixes[2]: there is no ip_prefix, ipv4Prefix or ipv6Prefix in it",
                "list: prefixes[3]: the prefix is no text", "list: prefixes[4]: this is no object",
                "list: prefixes[5]: the prefix is no text",
                "list: prefixes[6]: a\\x07b: the label has a control character",
                "list: values[0]: there is no properties.addressPrefixes in it",
                "list: values[1]: the prefix is no text",
                "list: values[1]: ?: '?' is not an IPv4 address (four numbers from 0 to 255)"}));
}

TEST(CloudList, WhatIsNoCloudsListIsAFailure) {
  for (const char* text : {"{}", R"({"prefixes":{}})", R"([{"ip_prefix":"1.1.1.1"}])",
                           R"({"a":[{"ip_prefix":"1.1.1.1"}]})"})
    EXPECT_NE(read(text).failure.find("it is JSON, but no list that is read"), std::string::npos)
        << text;
  for (const char* text :
       {"{", R"({"prefixes":[{"ip_prefix":"1.1.1.0/24"}])", R"({"prefixes":[]}x)",
        "{\"prefixes\":[\"\xff\"]}", "[1e99999]", "{\x1b"}) {
    const std::string failure = read(text).failure;
    EXPECT_NE(failure.find("its JSON is broken: "), std::string::npos) << text << ": " << failure;
    EXPECT_EQ(failure, printable_text(failure));
  }
  EXPECT_NE(read(std::string(100'000, '[')).failure.find("nested deeper"), std::string::npos);
  EXPECT_EQ(read(gzip(file("google.json")).substr(0, 60)).failure, "the gzip data ends early");
}

TEST(CloudList, TokensAndElementsAreBounded) {
  const std::string begin = "{\"x\": 1,\n \"prefixes\": [\n";
  for (const std::string& token :
       {"{\"region\": \"" + std::string(70'000, 'x'), "{\"" + std::string(70'000, 'x'),
        "{\"ip_prefix\": " + std::string(70'000, '1'), "\"" + std::string(70'000, '\\')})
    EXPECT_EQ(read(begin + token).failure,
              "its JSON has a string or a number of more than 65536 bytes, in line 3")
        << token.substr(0, 20);
  EXPECT_EQ(entries_of(read(begin + "{\"ip_prefix\": \"1.1.1.1/32\", \"x\": \"" +
                            std::string(65'000, 'x') + "\"}]}")),
            "1.1.1.1");
  std::string many = R"({"values":[{"name":"n","properties":{"addressPrefixes":[)";
  for (int i = 0; i < 250'001; ++i) many += "\"1.1.1.1\",";
  EXPECT_EQ(read(many).failure, "values[0] has more than 250000 prefixes");
}

TEST(LabelMap, TheMostSpecificRangeWinsAndThenTheLaterLine) {
  ReadList result = read(
      "10.0.0.0/8 wide\n10.1.0.0/16 tie, first\n10.1.0.0/16 tie, later\n10.1.2.0/24\n"
      "10.1.3.0-10.1.3.9 nine\n10.1.3.5-10.1.3.9 five\n10.1.3.8-10.1.3.20 across\n"
      "255.255.255.255 end\n0.0.0.0 begin\n");
  EXPECT_EQ(result.list.error_count, 0U);
  const LabelMap map(std::move(result.list.labels), result.list.entries);
  const auto label = [&map](const char* address) {
    return std::string(map.text(map.label_of(parse_ipv4(address).value())));
  };
  EXPECT_EQ(label("10.0.0.0"), "wide");
  EXPECT_EQ(label("10.255.255.255"), "wide");
  EXPECT_EQ(label("10.1.0.0"), "tie, later");
  EXPECT_EQ(label("10.1.2.77"), "");
  EXPECT_EQ(label("10.1.3.4"), "nine");
  EXPECT_EQ(label("10.1.3.8"), "five");
  EXPECT_EQ(label("10.1.3.10"), "across");
  EXPECT_EQ(label("10.1.3.21"), "tie, later");
  EXPECT_EQ(label("255.255.255.255"), "end");
  EXPECT_EQ(label("0.0.0.0"), "begin");
  EXPECT_EQ(label("9.255.255.255"), "");
  EXPECT_EQ(label("11.0.0.0"), "");
}

TEST(LabelMap, AgreesWithTheRuleOnRandomLists) {
  std::mt19937 generator(3);
  const auto random = [&generator] { return static_cast<std::uint32_t>(generator()); };
  for (unsigned round = 0; round < 200; ++round) {
    TargetList list;
    const unsigned span = round % 2 == 0 ? 256 : 4096;
    for (unsigned i = random() % 40; i > 0; --i) {
      const std::uint32_t first = (round % 3 == 0 ? 0x1000 : 0xfffff000) + random() % span;
      const std::uint32_t size = random() % (span / 4);
      const AddressRange range{Ipv4{first}, Ipv4{first > ~size ? ~0U : first + size}};
      list.entries.push_back({range, list.labels.id_of(std::to_string(random() % 5).substr(0, 1))});
      if (random() % 4 == 0) list.entries.back().label = kNoLabel;
    }
    LabelTable table;
    for (LabelId id = 1; id < list.labels.size(); ++id) table.id_of(list.labels.text(id));
    std::vector<AddressRange> ranges;
    for (const LabelledRange& entry : list.entries) ranges.push_back(entry.range);
    const std::vector<AddressRange> merged = merge_ranges(ranges);
    const LabelMap map(std::move(table), list.entries);
    DistinctRanges distinct;
    for (const AddressRange& range : ranges) distinct.add(range);

    std::vector<std::uint64_t> expected(map.empty() ? 0 : map.label_count());
    std::uint64_t repeated = 0;
    for (const AddressRange& range : merged) {
      for (std::uint64_t value = range.first.value; value <= range.last.value; ++value) {
        const Ipv4 address{static_cast<std::uint32_t>(value)};
        const LabelId label = label_by_rule(list.entries, address);
        ASSERT_EQ(map.label_of(address), label) << to_string(address) << " in round " << round;
        if (!map.empty()) ++expected[label];
        const auto lists = [address](const AddressRange& entry) {
          return entry.first <= address && address <= entry.last;
        };
        if (std::count_if(ranges.begin(), ranges.end(), lists) > 1) ++repeated;
      }
    }
    EXPECT_EQ(map.count(merged), expected);
    EXPECT_EQ(distinct.count_repeated(), repeated);
    EXPECT_EQ(distinct.take_merged(), merged);
  }
}

TEST(LabelMap, CutsRangesWhereTheLabelChanges) {
  ReadList result = read("1.0.0.0/24 a\n1.0.0.128/25 b\n1.0.2.0/24\n1.0.3.0/24 a\n");
  const LabelMap map(std::move(result.list.labels), result.list.entries);
  std::string text;
  for (const LabelledRange& part :
       map.label_ranges(std::vector<AddressRange>{{{0x01000010}, {0x0100040f}}}))
    text += to_string(part.range) + "=" + std::string(map.text(part.label)) + " ";
  EXPECT_EQ(text,
            "1.0.0.16-1.0.0.127=a 1.0.0.128/25=b 1.0.1.0-1.0.2.255= 1.0.3.0/24=a 1.0.4.0/28= ");
}

TEST(LabelMap, NothingWithoutLabels) {
  ReadList result = read("1.0.0.0/24\n");
  const LabelMap map(std::move(result.list.labels), result.list.entries);
  EXPECT_TRUE(map.empty());
  EXPECT_EQ(map.label_of(Ipv4{0x01000000}), kNoLabel);
  EXPECT_TRUE(map.count(merge_ranges({{{0}, {9}}})).empty());
}

TEST(TargetSet, CountsSlash24s) {
  const auto count = [](std::vector<AddressRange> ranges) {
    return count_slash24s(merge_ranges(std::move(ranges)));
  };
  EXPECT_EQ(count({}), 0U);
  EXPECT_EQ(count({{{0x01020304}, {0x01020304}}, {{0x01020306}, {0x01020306}}}), 1U);
  EXPECT_EQ(count({{{0x010203ff}, {0x01020400}}, {{0x01020402}, {0x010206ff}}}), 4U);
  EXPECT_EQ(count({{{0}, {0xffffffff}}}), std::uint64_t{1} << 24);
}

TEST(Prefix, RangesAsText) {
  EXPECT_EQ(to_string(AddressRange{{0}, {0xffffffff}}), "0.0.0.0/0");
  EXPECT_EQ(to_string(AddressRange{{0x01020304}, {0x01020304}}), "1.2.3.4");
  EXPECT_EQ(to_string(AddressRange{{0x01020304}, {0x01020305}}), "1.2.3.4/31");
  EXPECT_EQ(to_string(AddressRange{{0x01020303}, {0x01020304}}), "1.2.3.3-1.2.3.4");
}

}  // namespace
}  // namespace echoscan::target_list_test
