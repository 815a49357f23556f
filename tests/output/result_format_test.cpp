// A result's line in each format, against the field table and the contract in docs/json-lines.md.
#include "output/result/result_format.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "output/result/csv_line.h"
#include "output/result/json_text.h"
#include "output/result/result_field.h"

namespace echoscan::result_format_test {
namespace {

using Json = nlohmann::ordered_json;
using Syntax = ResultFormat::Syntax;

std::string line_of(const Result& result, const ResultFormat& format = ResultFormat()) {
  char line[kLineBytesMax];
  return std::string(line, format.write_line(line, result));
}

ResultFormat format_of(Syntax syntax, const std::vector<std::string>& names) {
  std::vector<const ResultField*> fields;
  for (const std::string& name : names) fields.push_back(find_result_field(name));
  return ResultFormat(syntax, fields);
}

Result sample_result() {
  Result result;
  result.received_us = 1795367474962093;
  result.target = Ipv4{0xc0000207};
  result.responder = Ipv4{0xc0000207};
  result.rtt_ns = 12345678;
  result.pass = 0;
  result.ttl = 57;
  result.scan_id = ScanId(0xfedcba9876543210);
  return result;
}

// With a value in every field, each as long as it can be.
Result longest_result() {
  static const std::string text(2 * kTextBytesMax, '\x01');
  Result result;
  result.received_us = std::numeric_limits<std::int64_t>::min();
  result.target = result.responder = Ipv4{~std::uint32_t{0}};
  result.classification = Classification::sourcequench;
  result.icmp_type = result.icmp_code = result.ttl = 255;
  result.off_target = true;
  result.rtt_trusted = false;
  result.quoted_ttl = 255;
  result.rtt_ns = ~std::uint64_t{0};
  result.pass = 255;
  result.asn = result.shard = ~std::uint32_t{0};
  result.country = result.city = result.as_org = result.label = result.interface = text;
  result.scan_id = ScanId(~std::uint64_t{0});
  return result;
}

std::vector<std::string> table_names() {
  std::vector<std::string> names;
  for (const ResultField& field : kResultFields) names.emplace_back(field.name);
  return names;
}

std::vector<std::string> keys_of(const Json& object) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.push_back(key);
  return keys;
}

std::string document() {
  std::stringstream text;
  text << std::ifstream(ECHOSCAN_SOURCE_DIR "/docs/json-lines.md").rdbuf();
  return text.str();
}

TEST(ResultField, DocumentHasARowForEachInOrder) {
  const std::string text = document();
  const std::regex row("\n\\| `([a-z_]+)` \\|");
  std::vector<std::string> documented;
  for (std::sregex_iterator match(text.begin(), text.end(), row), end; match != end; ++match)
    documented.push_back((*match)[1]);
  EXPECT_EQ(documented, table_names());
}

TEST(ResultField, IsFoundByName) {
  for (const ResultField& field : kResultFields) EXPECT_EQ(find_result_field(field.name), &field);
  EXPECT_EQ(find_result_field("rtt"), nullptr);
  EXPECT_EQ(find_result_field(""), nullptr);
  EXPECT_TRUE(result_field_names().starts_with("type, ts_us, target, "));
}

// Any bits make one, and one that no reader of CSV takes for a number.
TEST(ScanId, IsALetterAndDigits) {
  std::mt19937_64 random(3);
  std::set<std::string_view::value_type> first;
  const std::regex shape("[a-f][0-9a-f]{15}");
  for (int i = 0; i < 10'000; ++i) {
    const ScanId id(random());
    ASSERT_TRUE(std::regex_match(std::string(id.text()), shape));
    ASSERT_EQ(ScanId::parse(id.text()), id);
    first.insert(id.text()[0]);
  }
  EXPECT_EQ(first.size(), 6U);
  EXPECT_EQ(ScanId(1) == ScanId(2), false);
  EXPECT_TRUE(ScanId().is_empty());
  EXPECT_EQ(ScanId().text(), "");
  for (const char* text : {"", "0123456789abcdef", "a123456789abcde", "a123456789abcdef0",
                           "A123456789abcdef", "a123456789abcdeg", "g123456789abcdef"})
    EXPECT_FALSE(ScanId::parse(text)) << text;
}

TEST(JsonLine, EveryValueComesThrough) {
  Result result = sample_result();
  result.country = "NL";
  result.city = "Den Haag";
  result.asn = 64500;
  result.as_org = "EXAMPLE";
  result.label = "eu-west-1";
  result.shard = 3;
  EXPECT_EQ(line_of(result),
            "{\"type\":\"reply\",\"ts_us\":1795367474962093,\"target\":\"192.0.2.7\","
            "\"saddr\":\"192.0.2.7\",\"classification\":\"echoreply\",\"icmp_type\":0,"
            "\"icmp_code\":0,\"success\":true,\"repeat\":false,\"cooldown\":false,"
            "\"rtt_us\":12345.678,\"pass\":0,\"ttl\":57,\"country\":\"NL\",\"city\":\"Den Haag\","
            "\"asn\":64500,\"as_org\":\"EXAMPLE\",\"label\":\"eu-west-1\",\"shard\":3,"
            "\"scan_id\":\"a123456789abcdef\"}\n");
}

TEST(JsonLine, AnErrorSaysWhatItIs) {
  Result result = sample_result();
  result.responder = Ipv4{0x0a000001};
  result.classification = Classification::timxceed;
  result.icmp_type = 11;
  result.quoted_ttl = 1;
  result.rtt_ns.reset();
  const Json json = Json::parse(line_of(result));
  EXPECT_EQ(json["type"], "error");
  EXPECT_EQ(json["success"], false);
  EXPECT_EQ(json["classification"], "timxceed");
  EXPECT_EQ(json["saddr"], "10.0.0.1");
  EXPECT_EQ(json["quoted_ttl"], 1);
}

TEST(JsonLine, LabelsComeThroughAsTheyAre) {
  Result result = sample_result();
  for (const std::string label :
       {"eu-west-1/EC2", "a \"b\" \\c", "\\", "\xc3\xa9t\xc3\xa9", "\x01\n\x1f"}) {
    result.label = label;
    EXPECT_EQ(Json::parse(line_of(result))["label"], label);
  }
}

TEST(JsonLine, RttHasThreeDecimalsOrIsAbsent) {
  Result result = sample_result();
  result.rtt_ns = 5;
  EXPECT_NE(line_of(result).find("\"rtt_us\":0.005,"), std::string::npos);
  result.rtt_ns = 2'000'000'000;
  EXPECT_NE(line_of(result).find("\"rtt_us\":2000000.000,"), std::string::npos);
  result.rtt_ns.reset();
  EXPECT_FALSE(Json::parse(line_of(result)).contains("rtt_us"));
}

TEST(JsonLine, LongestLineFitsAndHasEveryField) {
  for (const Syntax syntax : {Syntax::jsonl, Syntax::csv, Syntax::ip})
    EXPECT_LE(line_of(longest_result(), ResultFormat(syntax)).size(), kLineBytesMax);
  const Json json = Json::parse(line_of(longest_result()));
  EXPECT_EQ(keys_of(json), table_names());
  EXPECT_EQ(json["label"].get<std::string>(), std::string(kLabelTextBytesMax, '\x01'));
  EXPECT_EQ(json["rtt_us"].get<double>(), 18446744073709551.615);
}

// Whole lines and chosen fields are written by two paths, which must differ in nulls alone.
TEST(JsonLine, AllFieldsByNameAreTheWholeLine) {
  const ResultFormat by_name = format_of(Syntax::jsonl, table_names());
  EXPECT_EQ(line_of(longest_result(), by_name), line_of(longest_result()));
  for (const Result& result : {sample_result(), Result()}) {
    Json json = Json::parse(line_of(result, by_name));
    EXPECT_EQ(keys_of(json), table_names());
    for (const std::string& name : table_names())
      if (json[name].is_null()) json.erase(name);
    EXPECT_EQ(json.dump(), Json::parse(line_of(result)).dump());
  }
}

TEST(JsonLine, ChosenFieldsStandInTheChosenOrder) {
  const ResultFormat format = format_of(Syntax::jsonl, {"ttl", "country", "target"});
  EXPECT_EQ(line_of(sample_result(), format),
            "{\"ttl\":57,\"country\":null,\"target\":\"192.0.2.7\"}\n");
  EXPECT_EQ(line_of(sample_result(), format_of(Syntax::jsonl, {"country"})),
            "{\"country\":null}\n");
}

// Each field alone, known and unknown: JSON has it in any case, CSV a cell.
TEST(ChosenField, IsAlwaysThere) {
  std::size_t unknown = 0;
  for (const ResultField& field : kResultFields) {
    const std::string name(field.name);
    for (const Result& result : {longest_result(), sample_result(), Result()}) {
      const Json whole = Json::parse(line_of(result));
      const Json chosen = Json::parse(line_of(result, format_of(Syntax::jsonl, {name})));
      ASSERT_EQ(keys_of(chosen), std::vector<std::string>{name});
      ASSERT_EQ(chosen[name].is_null(), !whole.contains(name)) << name;
      if (whole.contains(name)) {
        ASSERT_EQ(chosen[name], whole[name]);
      }
      const std::string cell = line_of(result, format_of(Syntax::csv, {name}));
      ASSERT_EQ(cell == "\n", !whole.contains(name)) << name;
      unknown += whole.contains(name) ? 0 : 1;
    }
  }
  EXPECT_GE(unknown, 20U);
}

// The contract: samples in the document are what the program can write.
TEST(JsonLine, SamplesOfTheDocumentAreWhatIsWritten) {
  std::istringstream in(document());
  const std::vector<std::string> names = table_names();
  std::size_t lines = 0;
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("{")) continue;
    ++lines;
    const Json json = Json::parse(line);
    const std::vector<std::string> keys = keys_of(json);
    if (!json.contains("type")) {
      Result chosen;
      chosen.target = parse_ipv4(json["target"].get<std::string>()).value();
      EXPECT_EQ(line_of(chosen, format_of(Syntax::jsonl, keys)), line + "\n");
      continue;
    }
    auto position = names.begin();
    for (const std::string& key : keys) {
      position = std::find(position, names.end(), key);
      ASSERT_NE(position, names.end()) << key << " in " << line;
    }
    for (const ResultField& field : kResultFields) {
      const bool is_always = !field.is_present && !field.text;
      EXPECT_TRUE(!is_always || json.contains(field.name)) << field.name << " in " << line;
    }
    EXPECT_TRUE(parse_ipv4(json["target"].get<std::string>())) << line;
  }
  EXPECT_GE(lines, 3U);
}

std::string json_text(std::string_view text) {
  std::string out(6 * text.size() + 8, '?');
  out.resize(static_cast<std::size_t>(write_json_text(out.data(), text) - out.data()));
  return out;
}

TEST(JsonText, IsEscaped) {
  EXPECT_EQ(json_text(""), "");
  EXPECT_EQ(json_text("plain, but longer than 8 bytes"), "plain, but longer than 8 bytes");
  EXPECT_EQ(json_text("\"C:\\dir\"\n\t\x1f"), "\\\"C:\\\\dir\\\"\\u000a\\u0009\\u001f");
  EXPECT_EQ(json_text("\x7f"), "\\u007f");
  EXPECT_EQ(json_text(std::string_view("a\0b", 3)), "a\\u0000b");
}

TEST(JsonText, KeepsUtf8AndRepairsTheRest) {
  for (const char* text : {"São Paulo", "Łódź", "東京", "\xf0\x9f\x8c\x8d", "\xed\x9f\xbf"})
    EXPECT_EQ(json_text(text), text);
  const std::string bad = "\xef\xbf\xbd";
  EXPECT_EQ(json_text("S\xe3o Paulo"), "S" + bad + "o Paulo");
  EXPECT_EQ(json_text("\xc0\x80"), bad + bad);
  EXPECT_EQ(json_text("\xe0\x80\x80"), bad + bad + bad);
  EXPECT_EQ(json_text("\xed\xa0\x80"), bad + bad + bad);
  EXPECT_EQ(json_text("\xf5\x80"), bad + bad);
  EXPECT_EQ(json_text("cut \xe6\x9d"), "cut " + bad + bad);
}

// Every pair of bytes, at each place in a word: what comes out is JSON, and ASCII comes back.
TEST(JsonText, AnyBytesParse) {
  for (unsigned first = 0; first < 256; ++first) {
    for (unsigned second = 0; second < 256; ++second) {
      std::string text = "12345678";
      text[first % 7] = static_cast<char>(first);
      text[first % 7 + 1] = static_cast<char>(second);
      const Json json = Json::parse('"' + json_text(text) + '"', nullptr, false);
      ASSERT_TRUE(json.is_string()) << first << " " << second;
      if (first < 128 && second < 128) {
        ASSERT_EQ(json.get<std::string>(), text);
      }
    }
  }
}

TEST(CsvLine, HeaderAndLineHaveTheSameColumns) {
  const ResultFormat all(Syntax::csv);
  std::string names;
  for (const std::string& name : table_names()) names += (names.empty() ? "" : ",") + name;
  EXPECT_EQ(all.header(), names + "\n");
  EXPECT_EQ(
      line_of(sample_result(), all),
      "reply,1795367474962093,192.0.2.7,192.0.2.7,echoreply,0,0,true,false,false,,12345.678,,0,"
      "57,,,,,,,,0,a123456789abcdef\n");
  const ResultFormat some = format_of(Syntax::csv, {"target", "as_org", "ttl"});
  EXPECT_EQ(some.header(), "target,as_org,ttl\n");
  EXPECT_EQ(line_of(sample_result(), some), "192.0.2.7,,57\n");
  EXPECT_EQ(ResultFormat(Syntax::jsonl).header(), "");
  EXPECT_EQ(ResultFormat(Syntax::ip).header(), "");
}

TEST(CsvLine, TextIsQuotedWhereItHasTo) {
  const ResultFormat format = format_of(Syntax::csv, {"as_org", "label"});
  Result result;
  result.as_org = "Example, Inc.";
  result.label = "the \"new\" site";
  EXPECT_EQ(line_of(result, format), "\"Example, Inc.\",\"the \"\"new\"\" site\"\n");
  result.as_org = "two\nlines";
  result.label = "São Paulo";
  EXPECT_EQ(line_of(result, format), "\"two?lines\",São Paulo\n");
  // What a terminal would obey: ESC, DEL, C1, U+202E, U+2028.
  result.as_org = "a\x1b[2J\x7f\xc2\x9b";
  result.label = "b\xe2\x80\xae\xe2\x80\xa8\xff";
  EXPECT_EQ(line_of(result, format), "a?[2J??,b??\xff\n");
  std::string text = "x";
  append_csv_text(text, "a,b");
  EXPECT_EQ(text, "x\"a,b\"");
}

TEST(IpLine, IsTheTarget) {
  Result result = sample_result();
  result.responder = Ipv4{1};
  EXPECT_EQ(line_of(result, ResultFormat(Syntax::ip)), "192.0.2.7\n");
}

}  // namespace
}  // namespace echoscan::result_format_test
