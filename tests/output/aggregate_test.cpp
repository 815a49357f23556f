// Lines of results back into counts: the file's forms, malformed lines, groups, percentiles, and
// the report's three forms. The command itself is in tests/end_to_end/scan_aggregate_test.sh.
#include "output/aggregate/aggregate.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>

#include "output/aggregate/aggregate_report.h"
#include "output/aggregate/line_source.h"
#include "output/aggregate/rtt_sketch.h"
#include "output/result/result_field.h"
#include "output/result/result_format.h"
#include "output/sink/output_file.h"
#include "targets/utf8.h"

namespace echoscan::aggregate_test {
namespace {

using Json = nlohmann::json;

const std::vector<Grouping> kAll = {Grouping::slash8,  Grouping::slash16, Grouping::slash24,
                                    Grouping::country, Grouping::asn,     Grouping::label};

std::string path_of(const std::string& name) {
  return testing::TempDir() + "/aggregate_" + name;
}

struct ReadLines {
  std::vector<std::string> lines;
  std::string error;
};

ReadLines read_lines(const std::string& path) {
  ReadLines read;
  const auto source = LineSource::open(path);
  if (!source) return {{}, source.error()};
  for (std::string_view line; (*source)->next(line);) {
    read.lines.emplace_back(line);
    EXPECT_EQ((*source)->line_number(), read.lines.size());
  }
  read.error = (*source)->error();
  return read;
}

void write(const std::string& path, OutputMode mode, const std::string& text) {
  ASSERT_EQ(write_and_finish(*open_output(path, mode).value(), text), 0);
}

std::vector<std::string> many_lines() {
  std::mt19937_64 random(1);
  std::vector<std::string> lines;
  for (int i = 0; i < 30'000; ++i)
    lines.emplace_back(random() % 300, static_cast<char>('a' + i % 26));
  return lines;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

TEST(LineSource, GivesEveryLineOfEveryForm) {
  const std::vector<std::string> lines = many_lines();
  const std::string text = joined(lines);
  for (const char* name : {"plain", "packed.gz", "packed.zst"}) {
    write(path_of(name), OutputMode::replace, text);
    ReadLines read = read_lines(path_of(name));
    EXPECT_EQ(read.lines, lines) << name;
    EXPECT_EQ(read.error, "");
    // A log has several streams in a row.
    write(path_of(name), OutputMode::append, "more\n");
    read = read_lines(path_of(name));
    EXPECT_EQ(read.lines.size(), lines.size() + 1) << name;
    EXPECT_EQ(read.error, "");
  }
}

TEST(LineSource, SaysWhatIsCutOrDamagedAndGivesTheRest) {
  const std::vector<std::string> lines = many_lines();
  for (const std::string format : {"gzip", "zstd"}) {
    const std::string name = format == "gzip" ? "cut.gz" : "cut.zst";
    write(path_of(name), OutputMode::replace, joined(lines));
    std::stringstream packed;
    packed << std::ifstream(path_of(name)).rdbuf();
    std::ofstream(path_of(name)) << packed.str().substr(0, packed.str().size() / 2);
    ReadLines read = read_lines(path_of(name));
    EXPECT_GT(read.lines.size(), 1000U);
    EXPECT_EQ(read.error, "the " + format + " data ends early");
    std::ofstream(path_of(name)) << packed.str() << "not a stream";
    read = read_lines(path_of(name));
    EXPECT_EQ(read.lines.size(), lines.size());
    EXPECT_TRUE(read.error.starts_with("the " + format + " data is damaged (")) << read.error;
  }
}

TEST(LineSource, EdgesOfFiles) {
  EXPECT_EQ(LineSource::open("/nonexistent").error(),
            "cannot read '/nonexistent': No such file or directory");
  EXPECT_NE(LineSource::open(testing::TempDir()).error().find("Is a directory"), std::string::npos);
  for (const auto& [text, lines] : std::vector<std::pair<std::string, std::vector<std::string>>>{
           {"", {}}, {"\n", {""}}, {"a", {"a"}}, {"a\n\nb", {"a", "", "b"}}, {"\x1f", {"\x1f"}}}) {
    std::ofstream(path_of("edge")) << text;
    const ReadLines read = read_lines(path_of("edge"));
    EXPECT_EQ(read.lines, lines);
    EXPECT_EQ(read.error, "");
  }
  // Longer than the buffer: in pieces, none of it lost.
  std::ofstream(path_of("long")) << std::string(3 << 20, 'x');
  std::size_t bytes = 0;
  for (const std::string& piece : read_lines(path_of("long")).lines) bytes += piece.size();
  EXPECT_EQ(bytes, std::size_t{3} << 20);
}

TEST(RttSketch, PercentilesWithinThreePercent) {
  for (const int count : {1, 10, 500, 5000, 100'000}) {
    std::mt19937_64 random(static_cast<std::uint64_t>(count));
    std::lognormal_distribution<double> times(17, 2);
    RttSketch sketch;
    std::vector<std::uint64_t> all;
    for (int i = 0; i < count; ++i) {
      all.push_back(static_cast<std::uint64_t>(times(random)) + 2000);
      sketch.add(all.back());
    }
    std::sort(all.begin(), all.end());
    for (const double share : {0.01, 0.5, 0.9, 0.99, 1.0}) {
      const auto place = static_cast<std::size_t>(std::ceil(share * count)) - 1;
      const auto truth = static_cast<double>(all[place]);
      EXPECT_NEAR(static_cast<double>(sketch.percentile_ns(share)), truth, truth * 0.032) << share;
    }
    EXPECT_EQ(sketch.count(), static_cast<std::uint64_t>(count));
  }
  RttSketch extremes;
  EXPECT_EQ(extremes.percentile_ns(0.5), 0U);
  extremes.add(0);
  extremes.add(~std::uint64_t{0});
  EXPECT_LT(extremes.percentile_ns(0.5), 64U);
  EXPECT_GT(extremes.percentile_ns(1), std::uint64_t{3600} * 1'000'000'000);
}

bool add(Aggregate& aggregate, const std::string& line) {
  std::string padded = line + std::string(LineSource::kPaddingBytes, '\0');
  return aggregate.add_line(std::string_view(padded).substr(0, line.size()));
}

Result reply_from(const char* target) {
  Result result;
  result.target = result.responder = parse_ipv4(target).value();
  result.rtt_ns = 5'000'000;
  return result;
}

void add(Aggregate& aggregate, const Result& result) {
  char line[kLineBytesMax];
  const std::string text(line, write_json_line(line, result));
  EXPECT_TRUE(add(aggregate, text.substr(0, text.size() - 1))) << text;
}

TEST(Aggregate, CountsWhatTheProgramWrites) {
  Aggregate aggregate(kAll);
  Result result = reply_from("10.1.2.3");
  result.country = "NL";
  result.asn = 64500;
  result.as_org = "EXAMPLE \"one\"";
  result.label = "a,b";
  add(aggregate, result);
  result.repeat = true;
  add(aggregate, result);
  add(aggregate, reply_from("10.1.3.4"));
  Result error = reply_from("10.2.0.1");
  error.classification = Classification::unreach;
  error.rtt_ns.reset();
  error.country = "NL";
  add(aggregate, error);

  EXPECT_EQ(aggregate.total().replies, 2U);
  EXPECT_EQ(aggregate.total().errors, 1U);
  EXPECT_EQ(aggregate.total().repeats, 1U);
  EXPECT_EQ(aggregate.rtt().count(), 2U);
  EXPECT_EQ(aggregate.by_number(Grouping::slash8).at(0x0a000000).replies, 2U);
  EXPECT_EQ(aggregate.by_number(Grouping::slash16).size(), 2U);
  EXPECT_EQ(aggregate.by_number(Grouping::slash24).size(), 3U);
  EXPECT_EQ(aggregate.by_number(Grouping::asn).at(64500).repeats, 1U);
  EXPECT_EQ(aggregate.organisation(64500), "EXAMPLE \"one\"");
  EXPECT_EQ(aggregate.organisation(1), "");
  EXPECT_EQ(aggregate.by_name(Grouping::country).at("NL").replies, 1U);
  EXPECT_EQ(aggregate.by_name(Grouping::country).at("NL").errors, 1U);
  EXPECT_EQ(aggregate.by_name(Grouping::label).at("a,b").replies, 1U);
}

// What --fields asks for and nobody knows.
TEST(Aggregate, NullIsAsGoodAsAbsent) {
  Aggregate aggregate(kAll);
  for (const ResultField& field : kResultFields) {
    if (field.name == "target") continue;
    EXPECT_TRUE(
        add(aggregate, "{\"target\":\"10.0.0.1\",\"" + std::string(field.name) + "\":null}"));
  }
  EXPECT_EQ(aggregate.total().replies, kResultFields.size() - 1);
  EXPECT_EQ(aggregate.total().errors + aggregate.total().repeats + aggregate.total().later, 0U);
  EXPECT_EQ(aggregate.rtt().count(), 0U);
  EXPECT_TRUE(aggregate.by_number(Grouping::asn).empty());
  EXPECT_TRUE(aggregate.by_name(Grouping::country).empty());
  EXPECT_TRUE(aggregate.by_name(Grouping::label).empty());
  EXPECT_TRUE(add(aggregate, "{\"target\":null}"));
  EXPECT_EQ(aggregate.other_lines(), 1U);
  EXPECT_FALSE(add(aggregate, "{\"target\":\"10.0.0.1\",\"asn\":nul}"));
}

// A target that has an error, replies after all, and then goes on, is one reply.
TEST(Aggregate, ErrorsAndRepeatsAreNoReplies) {
  Aggregate aggregate(kAll);
  Result error = reply_from("10.1.2.3");
  error.responder = Ipv4{0x0a010001};
  error.classification = Classification::timxceed;
  error.quoted_ttl = 1;
  error.rtt_ns = 9'000'000'000;
  add(aggregate, error);
  error.repeat = true;
  add(aggregate, error);
  Result reply = reply_from("10.1.2.3");
  add(aggregate, reply);
  reply.repeat = true;
  reply.rtt_ns = 8'000'000'000;
  for (int i = 0; i < 10; ++i) add(aggregate, reply);
  for (const Aggregate::Group* group :
       {&aggregate.total(), &aggregate.by_number(Grouping::slash24).at(0x0a010200)}) {
    EXPECT_EQ(group->replies, 1U);
    EXPECT_EQ(group->errors, 1U);
    EXPECT_EQ(group->repeats, 11U);
    EXPECT_EQ(group->rtt.count(), 1U);
  }
  EXPECT_EQ(aggregate.rtt().max_ns(), 5'000'000U);
  AggregateReport report;
  report.targets = {4, 4};
  EXPECT_EQ(Json::parse(aggregate_json(aggregate, report))["total"]["response_rate"], 0.25);
}

// Whichever of the fields that tell --fields has left.
TEST(Aggregate, OneFieldTellsAnError) {
  Aggregate aggregate(kAll);
  for (const char* field : {R"("type":"error")", R"("success":false)",
                            R"("classification":"unreach")", R"("classification":"paramprob")"})
    EXPECT_TRUE(add(aggregate, fmt::format(R"({{"target":"10.0.0.1",{}}})", field)));
  EXPECT_TRUE(add(aggregate, R"({"type":"error","target":"10.0.0.1","success":true})"));
  EXPECT_EQ(aggregate.total().errors, 5U);
  for (const char* field : {R"("type":"reply")", R"("success":true)",
                            R"("classification":"echoreply")", R"("icmp_code":0)"})
    EXPECT_TRUE(add(aggregate, fmt::format(R"({{"target":"10.0.0.1",{}}})", field)));
  EXPECT_EQ(aggregate.total().replies, 4U);
  EXPECT_FALSE(add(aggregate, R"({"target":"10.0.0.1","classification":3})"));
}

TEST(Aggregate, TakesAnyFieldsInAnyOrderAndRefusesWhatIsMalformed) {
  Aggregate aggregate(kAll);
  EXPECT_TRUE(add(aggregate, R"({"target":"10.0.0.1"})"));
  EXPECT_TRUE(
      add(aggregate, R"( {"rtt_us": 12, "extra": [{"target": 7}], "target": "10.0.0.2"} )"));
  EXPECT_TRUE(add(aggregate, R"({"type":"error","target":"10.0.0.3"})"));
  EXPECT_TRUE(add(aggregate, R"({"type":"status","sent":5})"));
  EXPECT_EQ(aggregate.other_lines(), 1U);
  for (const char* wrong :
       {"", " ", "hello", "[1]", "null", "\"text\"", "{", R"({"target":"10.0.0.1")",
        R"({"target":"10.0.0.1"}x)", R"({"target":"10.0.0.1"}{"target":"10.0.0.1"})",
        R"({"target":"10.0.0"})", R"({"target":10})", R"({"target":"10.0.0.1","rtt_us":"1"})",
        R"({"target":"10.0.0.1","rtt_us":-1})", R"({"target":"10.0.0.1","asn":-1})",
        R"({"target":"10.0.0.1","asn":4294967296})", R"({"target":"10.0.0.1","repeat":1})",
        R"({"target":"10.0.0.1","country":7})", "{\"target\":\"10.0.0.1\",\"label\":\"\xff\"}"})
    EXPECT_FALSE(add(aggregate, wrong)) << wrong;
  EXPECT_EQ(aggregate.total().replies, 2U);
  EXPECT_EQ(aggregate.total().errors, 1U);
}

TEST(AggregateReport, ThreeFormsSayTheSame) {
  Aggregate aggregate(kAll);
  Result result = reply_from("10.1.2.3");
  result.asn = 64500;
  result.as_org = "EXAMPLE, Inc.";
  result.label = "say \"hi\"";
  add(aggregate, result);
  add(aggregate, reply_from("10.2.0.1"));
  AggregateReport report;
  report.files = 1;
  report.lines = 3;
  report.malformed = 1;
  report.targets = {8, 8};
  report.targets_by_number[static_cast<std::size_t>(Grouping::slash16)][0x0a010000] = {4, 4};

  const Json json = Json::parse(aggregate_json(aggregate, report));
  EXPECT_EQ(json["lines"], 3);
  EXPECT_EQ(json["malformed"], 1);
  EXPECT_EQ(json["total"]["response_rate"], 0.25);
  EXPECT_EQ(json["total"]["rtt_us"]["max"], 5000.0);
  EXPECT_EQ(json["slash16"][0]["group"], "10.1.0.0/16");
  EXPECT_EQ(json["slash16"][0]["targets"], 4);
  EXPECT_EQ(json["slash16"][0]["response_rate"], 0.25);
  EXPECT_FALSE(json["slash16"][1].contains("response_rate"));
  EXPECT_EQ(json["asn"][0]["as_org"], "EXAMPLE, Inc.");
  EXPECT_TRUE(json["country"].empty());

  const std::string csv = aggregate_csv(aggregate, report);
  EXPECT_NE(csv.find("\ntotal,total,,2,0,0,8,0.250000,"), std::string::npos) << csv;
  EXPECT_NE(csv.find("\nslash16,10.1.0.0/16,,1,0,0,4,0.250000,"), std::string::npos) << csv;
  EXPECT_NE(csv.find("\nasn,64500,\"EXAMPLE, Inc.\",1,0,0,,,"), std::string::npos) << csv;
  EXPECT_NE(csv.find("\nlabel,\"say \"\"hi\"\"\",,1,"), std::string::npos) << csv;

  report.rows_max = 1;
  const std::string text = aggregate_text(aggregate, report);
  EXPECT_TRUE(text.starts_with("3 lines in 1 file, 1 malformed, 0 of other kinds\n")) << text;
  EXPECT_NE(text.find("slash16, 1 of 2 groups\n"), std::string::npos) << text;
  EXPECT_NE(text.find("25.00 %"), std::string::npos) << text;
  // A LAN's round trips are microseconds.
  EXPECT_NE(text.find("5.0 ms"), std::string::npos) << text;
  Aggregate near(kAll);
  near.add_line(R"({"target":"10.1.2.3","success":true,"rtt_us":22.686})" +
                std::string(LineSource::kPaddingBytes, ' '));
  EXPECT_NE(aggregate_text(near, report).find(" 22.7 us     22.7 us     22.7 us\n"),
            std::string::npos)
      << aggregate_text(near, report);
}

// Labels and organisations come from whoever wrote the lines.
TEST(AggregateReport, NothingThatATerminalObeysIsPrinted) {
  Aggregate aggregate(kAll);
  const std::string line =
      R"({"target":"10.1.2.3","success":true,"asn":64500,"as_org":"a\u001b[2J\u202eb",)"
      R"("country":"\u009b\u007f","label":"=1\u2028\u0007\n"})" +
      std::string(LineSource::kPaddingBytes, ' ');
  ASSERT_TRUE(aggregate.add_line(
      std::string_view(line).substr(0, line.size() - LineSource::kPaddingBytes)));
  const AggregateReport report;
  for (const std::string& form :
       {aggregate_text(aggregate, report), aggregate_csv(aggregate, report),
        aggregate_json(aggregate, report)}) {
    EXPECT_NE(form.find("[2J"), std::string::npos) << form;
    std::string_view rest = form;
    while (!rest.empty()) {
      const std::size_t bytes = utf8_bytes(rest);
      ASSERT_GT(bytes, 0U) << form;
      EXPECT_TRUE(rest[0] == '\n' || !is_control(rest.substr(0, bytes))) << form;
      rest.remove_prefix(bytes);
    }
  }
  EXPECT_EQ(Json::parse(aggregate_json(aggregate, report))["label"][0]["group"],
            "=1\u2028\u0007\n");
  EXPECT_NE(aggregate_text(aggregate, report).find(R"(a\x1b[2J\xe2\x80\xaeb)"), std::string::npos);
}

}  // namespace
}  // namespace echoscan::aggregate_test
