// Results read back in every format, against what was written; and what is no result.
#include "output/aggregate/result_reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "output/result/result_field.h"

namespace echoscan::result_reader_test {
namespace {

using Syntax = ResultFormat::Syntax;

std::vector<const ResultField*> fields_of(const std::vector<std::string>& names) {
  std::vector<const ResultField*> fields;
  for (const std::string& name : names) fields.push_back(find_result_field(name));
  return fields;
}

Result random_result(std::mt19937_64& random) {
  static const std::vector<std::string> texts = {"", "a,b", "\"quoted\" \\", "line\nend",
                                                 "\xc3\xa9"};
  Result result;
  result.received_us = static_cast<std::int64_t>(random() >> 12);
  result.target = Ipv4{static_cast<std::uint32_t>(random())};
  result.responder = random() % 2 == 0 ? result.target : Ipv4{static_cast<std::uint32_t>(random())};
  result.icmp_type = random() % 3 == 0 ? 3 : 0;
  result.icmp_code = static_cast<std::uint8_t>(random());
  result.classification =
      result.icmp_type == 0 ? Classification::echoreply : Classification::unreach;
  result.repeat = random() % 4 == 0;
  result.cooldown = random() % 2 == 0;
  if (random() % 5 == 0) result.interface = "e,1";
  if (random() % 3 != 0) result.rtt_ns = random() >> (20 + random() % 40);
  result.rtt_trusted = result.rtt_ns.has_value();
  result.label = texts[random() % texts.size()];
  result.city = texts[random() % texts.size()];
  result.as_org = texts[random() % texts.size()];
  return result;
}

std::string write_results(const ResultFormat& format, const std::vector<Result>& results,
                          const std::string& behind = "") {
  const std::string path = testing::TempDir() + "/results";
  std::ofstream out(path, std::ios::binary);
  out << format.header();
  char line[kLineBytesMax];
  for (const Result& result : results) out.write(line, format.write_line(line, result) - line);
  out << behind;
  return path;
}

TEST(ResultReader, ReadsWhatWasWritten) {
  std::mt19937_64 random(7);
  const std::vector<std::vector<std::string>> choices = {
      {},
      {"target"},
      {"label", "rtt_us", "target", "city"},
      {"as_org", "target", "type", "repeat"},
      {"interface", "cooldown", "country"},
      {"ttl"},
      {"success", "saddr", "target", "ts_us", "icmp_code", "icmp_type", "label"}};
  for (const Syntax syntax : {Syntax::jsonl, Syntax::csv, Syntax::ip})
    for (const std::vector<std::string>& names : choices) {
      std::vector<Result> results;
      for (int i = 0; i < 400; ++i) results.push_back(random_result(random));
      const std::vector<const ResultField*> fields = fields_of(names);
      const std::string path = write_results(ResultFormat(syntax, fields), results);
      const auto reader = ResultReader::open(path, syntax, fields);
      ASSERT_TRUE(reader) << reader.error();
      const auto has = [&](const std::string& name) {
        return syntax != Syntax::ip &&
               (names.empty() || std::ranges::find(names, name) != names.end());
      };
      for (const Result& result : results) {
        ReadResult read;
        ASSERT_TRUE((*reader)->next(read)) << (*reader)->error();
        ASSERT_EQ(read.has_target, syntax == Syntax::ip || has("target"));
        ASSERT_EQ(read.target, read.has_target ? result.target : Ipv4{});
        ASSERT_EQ(read.is_late, has("cooldown") && result.cooldown);
        ASSERT_EQ(read.is_elsewhere, has("interface") && !result.interface.empty());
        ASSERT_EQ(read.is_error, (has("type") || has("success")) && result.icmp_type != 0);
        ASSERT_EQ(read.is_repeat, has("repeat") && result.repeat);
        ASSERT_EQ(read.rtt_ns, has("rtt_us") ? result.rtt_ns : std::nullopt);
        ASSERT_EQ(read.responder.has_value(), has("saddr"));
        if (read.responder) {
          ASSERT_EQ(*read.responder, result.responder);
        }
        ASSERT_EQ(read.received_us.value_or(-1), has("ts_us") ? result.received_us : -1);
        ASSERT_EQ(read.icmp_code, has("icmp_code") ? result.icmp_code : 0);
      }
      ReadResult read;
      ASSERT_FALSE((*reader)->next(read));
      ASSERT_EQ((*reader)->error(), "");
      ASSERT_EQ((*reader)->bytes(), std::ifstream(path, std::ios::ate).tellg());
    }
}

// What --fields asks for and nobody knows is null: each field so, and all, read as without it.
TEST(ResultReader, NullIsAsGoodAsAbsent) {
  std::string all;
  std::vector<std::string> members;
  for (const ResultField& field : kResultFields) {
    if (field.name == "target") continue;
    members.push_back(",\"" + std::string(field.name) + "\":null");
    all += members.back();
  }
  members.push_back(all);
  for (const std::string& member : members) {
    const std::string line = "{\"target\":\"192.0.2.1\"" + member + "}\n";
    const auto reader = ResultReader::open(write_results(ResultFormat(), {}, line), Syntax::jsonl,
                                           std::vector<const ResultField*>{});
    ASSERT_TRUE(reader);
    ReadResult read;
    ASSERT_TRUE((*reader)->next(read)) << (*reader)->error() << line;
    EXPECT_EQ(read.target, (Ipv4{0xc0000201}));
    EXPECT_TRUE(read.has_target && !read.is_error && !read.is_repeat && !read.is_late &&
                !read.is_elsewhere && !read.rtt_ns && !read.responder && !read.received_us)
        << line;
  }
}

TEST(ResultReader, WhatIsNoResultIsAnError) {
  Result result;
  result.target = result.responder = Ipv4{0xc0000207};
  const std::vector<std::pair<Syntax, std::string>> lines = {
      {Syntax::jsonl, "{}\n"},
      {Syntax::jsonl, "{\"target\":\"192.0.2.1\"} x\n"},
      {Syntax::jsonl, "{\"target\":\"192.0.2.1\",\"repeat\":3}\n"},
      {Syntax::jsonl, "{\"target\":null}\n"},
      {Syntax::jsonl, "{\"target\":\"192.0.2.1\",\"repeat\":nul}\n"},
      {Syntax::jsonl, "{\"target\":\"192.0.2.1\",\"rtt_us\":nil}\n"},
      {Syntax::jsonl, "{\"target\":\"192.0.2.1\",\"icmp_type\":256}\n"},
      {Syntax::jsonl, "{\"target\":\"192.0.2.1\",\"rtt_us\":-1}\n"},
      {Syntax::jsonl, "{\"target\":\"192.0.2.1\",\"\\u0072epeat\":true}\n"},
      {Syntax::jsonl, "{\"target\":\"192.0.2.1\",\"repeat\n"},
      {Syntax::jsonl, "{\"target\":\"192.0.2.1\",\"repeat\\\n"},
      {Syntax::csv, "a,b\n"},
      {Syntax::ip, "192.0.2.1.1\n"},
      {Syntax::ip, "\n"}};
  for (const auto& [syntax, line] : lines) {
    const std::string path = write_results(ResultFormat(syntax), {result}, line);
    const auto reader = ResultReader::open(path, syntax, {});
    ASSERT_TRUE(reader);
    ReadResult read;
    EXPECT_TRUE((*reader)->next(read));
    EXPECT_FALSE((*reader)->next(read)) << line;
    EXPECT_NE((*reader)->error().find("is not a result of this scan"), std::string::npos) << line;
  }
}

// Each field alone left out, and each alone written.
TEST(ResultReader, WhatIsLeftUnsaidIsKnown) {
  const auto all = [](const std::vector<const ResultField*>& fields, bool errors, bool repeats) {
    return says_all(Syntax::csv, fields, errors, repeats);
  };
  EXPECT_TRUE(all({}, true, true));
  EXPECT_TRUE(says_all(Syntax::jsonl, {}, true, true));
  EXPECT_FALSE(says_all(Syntax::ip, {}, false, false));
  for (const ResultField& field : kResultFields) {
    std::vector<const ResultField*> others;
    for (const ResultField& other : kResultFields)
      if (other.name != field.name) others.push_back(&other);
    const auto is = [&](const std::vector<std::string_view>& names) {
      return std::ranges::find(names, field.name) != names.end();
    };
    const bool counts = is({"target", "saddr", "cooldown", "rtt_us", "ts_us", "interface"});
    EXPECT_EQ(all(others, false, false), !counts) << field.name;
    EXPECT_EQ(all(others, true, false), !counts && !is({"icmp_type", "icmp_code"})) << field.name;
    EXPECT_EQ(all(others, false, true), !counts && !is({"repeat"})) << field.name;
    EXPECT_FALSE(all({&field}, false, false));
  }
}

}  // namespace
}  // namespace echoscan::result_reader_test
