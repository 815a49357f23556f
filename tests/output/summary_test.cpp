// The summary: its JSON and back, the equations that it must fulfil, and its text. What fills it is
// in tests/scanner/pipeline_test.cpp.
#include "output/summary/summary.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "bpf/reply.h"
#include "output/summary/equations.h"
#include "output/summary/summary_text.h"
#include "tests/output/sample_summary.h"

namespace echoscan::summary_test {
namespace {

using Json = nlohmann::ordered_json;

// Whatever is written is read back as it was; the JSON has every member, so it is what is compared.
TEST(Summary, IsReadAsItWasWritten) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 500; ++i) {
    const std::string json = summary_json(random_summary(random));
    const tl::expected<Summary, std::string> read = read_summary(json);
    ASSERT_TRUE(read) << read.error() << json;
    ASSERT_EQ(summary_json(*read), json);
  }
}

// Calls `use` with each value that is no object or array, and with its key as the documents have
// it.
template <typename Use>
void for_each_value(Json& value, const std::string& key, const Use& use) {
  if (value.is_object()) {
    for (auto& [name, member] : value.items())
      for_each_value(member, key.empty() ? name : key + "." + name, use);
  } else if (value.is_array()) {
    for (Json& element : value) for_each_value(element, key + "[]", use);
  } else {
    use(value, key);
  }
}

Json full_summary() {
  std::mt19937_64 random(1);
  Json json;
  do json = Json::parse(summary_json(random_summary(random)));
  while (json["labels"].empty() || json["sending"]["queues"].empty() ||
         json["receiving"]["errors"].empty() || json["receiving"]["driver_counters"].empty() ||
         json["rtt_us"]["histogram"].empty() || json["ledger"]["faults"].empty() ||
         json["events"].empty() || json["control"].is_null());
  return json;
}

// Every key is needed, and none may be of another kind: the refusal names it.
TEST(Summary, WhatIsMissingOrOfAnotherKindIsNamed) {
  Json json = full_summary();
  int values = 0;
  for_each_value(json, "", [&](Json& value, const std::string& key) {
    const Json right = value;
    for (const Json& wrong : {Json::array(), Json::object(), Json("no time"), Json(-1.5)}) {
      const bool follows = key == "ledger.adds_up" || key == "estimate.is_lower_bound" ||
                           key == "control.is_rate_too_high";
      // What is in the user's object is the user's.
      const bool is_free =
          key.starts_with("user_metadata.") || (key == "user_metadata" && wrong.is_object());
      if (follows || is_free || wrong.type() == right.type()) continue;
      const bool may_be = key == "version" ||
                          (right.is_number_float() && wrong == -1.5 && !key.starts_with("rtt_us"));
      const bool may_be_number = key.ends_with(".loss") || key.starts_with("estimate.") ||
                                 key.starts_with("response.") || key == "control.deviations" ||
                                 key == "merge.covered";
      if (may_be || (right.is_null() && (wrong.is_string() || (wrong == -1.5 && may_be_number))))
        continue;
      value = wrong;
      const auto read = read_summary(json.dump());
      ASSERT_FALSE(read) << key << " " << wrong;
      const std::string name = key.starts_with("receiving.frames.") ? "receiving.frames" : key;
      EXPECT_NE(read.error().find(name), std::string::npos) << read.error() << " for " << key;
      ++values;
    }
    value = right;
  });
  EXPECT_GT(values, 200);
  for (const char* text : {"", "nonsense", "[]", "{}", "{\"type\": \"bench\"}", "null", "3"})
    EXPECT_FALSE(read_summary(text)) << text;
}

void for_each_key(const Json& object, const Json::json_pointer& place,
                  std::vector<Json::json_pointer>& keys) {
  for (const auto& [name, member] : object.items()) {
    const Json::json_pointer key = place / name;
    if (object.is_object()) keys.push_back(key);
    if (member.is_structured()) for_each_key(member, key, keys);
  }
}

TEST(Summary, EveryKeyIsNeeded) {
  const Json json = full_summary();
  std::vector<Json::json_pointer> keys;
  for_each_key(json, Json::json_pointer(), keys);
  EXPECT_GT(keys.size(), 80U);
  for (const Json::json_pointer& key : keys) {
    const std::string part = key.parent_pointer().to_string();
    if (part == "/receiving/frames" || part == "/receiving/driver_counters" ||
        part == "/user_metadata")
      continue;  // by name
    Json less = json;
    less[key.parent_pointer()].erase(key.back());
    const auto read = read_summary(less.dump());
    ASSERT_FALSE(read) << key;
    EXPECT_NE(read.error().find(key.back() + "' is missing"), std::string::npos) << read.error();
  }
}

TEST(Equations, HoldInAScanWhoseFiguresAgree) {
  EXPECT_EQ(faults_of(summary_json(sample_summary())), std::vector<std::string>{});
}

// A true ledger with something in every figure that an equation names.
Json busy_summary() {
  Summary summary = sample_summary();
  summary.targets.count = 1000;
  summary.targets.listed = 1500;
  summary.targets.excluded_by_user = 60;
  summary.targets.excluded_by_system = 40;
  summary.targets.excluded_reserved = 376;
  summary.ledger = {
      .probes = 2000,
      .drawn = 2000,
      .sent = 1900,
      .sent_again = 7,
      .not_sent = {.stopped = 50, .refused = 10, .unconfirmed = 15, .unroutable = 25, .replied = 0},
      .given_up = 50,
      .replied = 300,
      .errored = 20,
      .silent = 630,
      .not_probed = 50,
      .faults = {}};
  summary.passes = {{{950, {250, 10, 27, 0.1}}, {950, {240, 20, 55, 0.2}}},
                    {700, 50, 40, 200},
                    10,
                    Summary::Estimate{310, 5, 305},
                    ""};
  summary.labels = {{"a", 600, 1100, 200}, {"", 400, 800, 100}};
  summary.ways = {{"gateway", "e0", "192.0.2.2", "192.0.2.1", "AF_XDP copy", 700, 1500, 180},
                  {"direct", "e1", "", "198.51.100.1", "raw socket", 300, 400, 120}};
  summary.sending.accepted = summary.sending.ended = 1977;
  summary.sending.queues = {{0, "x", 0, 1000, 0, 0}, {1, "x", 0, 907, 0, 0}};
  for (Summary::Outcome& outcome : summary.receiving.frames) outcome.frames = 10;
  summary.receiving.frames_seen = 10 * summary.receiving.frames.size() + 370;
  summary.receiving.frames[FRAME_REPLY].frames += 370;
  summary.receiving.records = 410;
  summary.receiving.frames[FRAME_ERROR].frames += 30;
  summary.receiving.frames_seen += 30;
  summary.receiving.records = 440;
  summary.receiving.repeats = 75;
  summary.receiving.errored_and_replied = 5;
  summary.receiving.error_repeats = 15;
  summary.receiving.unlisted = 25;
  summary.receiving.repeats_by_target = 90;
  summary.receiving.off_target_replies = 10;
  summary.receiving.in_cooldown = 30;
  summary.receiving.without_rtt = 10;
  summary.receiving.errors = {{"unreach", 3, 1, 25, 15}, {"timxceed", 11, 0, 15, 10}};
  summary.receiving.replied_by_time = {1, {200, 100}};
  summary.receiving.replied_late = {1, {10, 20}};
  summary.rtt.count = 290;
  summary.rtt.histogram = {{1, 2, 90}, {2, 4, 200}};
  summary.output = {.lines = 400,
                    .error_lines = 25,
                    .repeat_lines = 75,
                    .lines_written = 397,
                    .lines_abandoned = 3,
                    .errors_emitted = true,
                    .bytes = 1,
                    .error = ""};
  summary.control = {
      .targets = 50, .both = 20, .only_slowly = 9, .only_at_full_rate = 8, .neither = 13};
  return Json::parse(summary_json(summary));
}

std::vector<std::string> names_of(const std::vector<std::string>& faults) {
  std::vector<std::string> names;
  for (const std::string& fault : faults) names.push_back(fault.substr(0, fault.find(':')));
  return names;
}

// The keys of a side, as patterns of whole keys.
std::vector<std::regex> operands(const std::string& side) {
  std::vector<std::regex> operands;
  std::size_t begin = 0;
  while (begin != std::string::npos) {
    const std::size_t end = side.find(" + ", begin);
    std::string pattern = side.substr(begin, end == std::string::npos ? end : end - begin);
    pattern = std::regex_replace(pattern, std::regex(R"(\.|\[|\])"), "\\$&");
    operands.emplace_back(std::regex_replace(pattern, std::regex(R"(\*)"), "[a-z_0-9]+"));
    begin = end == std::string::npos ? end : end + 3;
  }
  return operands;
}

// Each figure in each equation counts: one more or one fewer of any is a fault of that equation.
TEST(Equations, EachIsBrokenByEachOfItsFigures) {
  Json json = busy_summary();
  ASSERT_EQ(faults_of(json.dump()), std::vector<std::string>{});
  for (const Equation& equation : equations()) {
    Json changed = json;
    if (std::string(equation.when) == "output.errors_emitted is false") {
      changed["output"]["errors_emitted"] = false;
      changed["output"]["error_lines"] = 0;
      changed["output"]["lines"] = 375;
      changed["output"]["lines_written"] = 372;
      ASSERT_EQ(faults_of(changed.dump()), std::vector<std::string>{});
    }
    for (const std::string side : {equation.left, equation.right}) {
      for (const std::regex& operand : operands(side)) {
        int hits = 0;
        for_each_value(changed, "", [&](Json& value, const std::string& key) {
          if (!std::regex_match(key, operand)) return;
          ++hits;
          const auto right = value.get<std::uint64_t>();
          for (const std::uint64_t wrong : {right + 1, right == 0 ? right + 2 : right - 1}) {
            value = wrong;
            const std::vector<std::string> names = names_of(faults_of(changed.dump()));
            EXPECT_EQ(std::count(names.begin(), names.end(), equation.name), 1)
                << equation.name << ": " << key;
          }
          value = right;
        });
        EXPECT_TRUE(hits > 0 || side == "0") << equation.name << ": " << side;
      }
    }
  }
}

TEST(Equations, HoldOnlyWhenTheyShould) {
  const auto faults_with = [](const char* place, const Json& value, const char* wrong) {
    Json json = busy_summary();
    json[Json::json_pointer(place)] = value;
    json[Json::json_pointer(wrong)] = 1;
    return names_of(faults_of(json.dump()));
  };
  const auto has = [](const std::vector<std::string>& names, const char* name) {
    return std::count(names.begin(), names.end(), name) == 1;
  };
  EXPECT_TRUE(has(faults_with("/outcome", "finished", "/ledger/drawn"), "order"));
  EXPECT_FALSE(has(faults_with("/outcome", "interrupted", "/ledger/drawn"), "order"));
  EXPECT_FALSE(has(faults_with("/labels", Json::array(), "/ledger/drawn"), "targets by label"));
}

TEST(Equations, AFigureThatIsNotThereIsAFault) {
  Json json = busy_summary();
  json["sending"].erase("ended");
  const std::vector<std::string> faults = faults_of(json.dump());
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_EQ(faults[0], "acceptances: sending.accepted is 1977, but sending.ended is not there");
}

// docs/summary.md prints the table.
TEST(Equations, DocumentHasThemAll) {
  std::vector<std::string> rows;
  for (const Equation& equation : equations())
    rows.push_back(std::string("| ") + equation.name + " | `" + equation.left + "` | `" +
                   equation.right + "` | " +
                   (*equation.when == 0 ? "" : "`" + std::string(equation.when) + "`: ") +
                   equation.why + " |");
  std::vector<std::string> documented;
  std::ifstream in(ECHOSCAN_SOURCE_DIR "/docs/summary.md");
  bool is_table = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("| sum |")) is_table = true;
    if (is_table && line.starts_with("| ")) documented.push_back(line);
  }
  ASSERT_FALSE(documented.empty());
  documented.erase(documented.begin());
  EXPECT_EQ(documented, rows);
}

TEST(Summary, JsonHasTheLedger) {
  const Json json = Json::parse(summary_json(sample_summary()));
  EXPECT_EQ(json["type"], "summary");
  EXPECT_EQ(json["started"], "2026-11-22T17:11:14.961Z");
  EXPECT_EQ(json["ledger"]["probes"], 1024);
  EXPECT_EQ(json["ledger"]["not_sent"]["stopped"], 0);
  EXPECT_EQ(json["ledger"]["adds_up"], true);
  EXPECT_EQ(json["sending"]["rate_asked_pps"], "max");
  EXPECT_EQ(json["sending"]["queues"][0]["mode"], "AF_XDP copy");
  EXPECT_EQ(json["receiving"]["frames"]["reply"], 122);
  EXPECT_DOUBLE_EQ(json["rtt_us"]["p50"].get<double>(), 5.9);
  EXPECT_EQ(json["output"]["error"], nullptr);
  EXPECT_EQ(json["receiving"]["driver_counters"], Json::object());
}

TEST(Summary, WhatADriverCountsHasItsNames) {
  Summary summary = sample_summary();
  summary.receiving.driver_counters = {{"rx_good_packets", 963}, {"tx_q0_bytes", 61'800}};
  const std::string text = summary_json(summary);
  EXPECT_EQ(Json::parse(text)["receiving"]["driver_counters"],
            (Json{{"rx_good_packets", 963}, {"tx_q0_bytes", 61'800}}));
  const tl::expected<Summary, std::string> read = read_summary(text);
  ASSERT_TRUE(read) << read.error();
  ASSERT_EQ(read->receiving.driver_counters.size(), 2U);
  EXPECT_EQ(read->receiving.driver_counters[1].name, "tx_q0_bytes");
  EXPECT_EQ(read->receiving.driver_counters[1].count, 61'800U);
}

// "a.b" for a value, "a[].b" for the values of an array's objects, "a[]" for plain ones.
void add_keys(const Json& value, const std::string& name, std::set<std::string>& keys) {
  if (value.is_array()) {
    for (const Json& element : value) add_keys(element, name + "[]", keys);
  } else if (value.is_object()) {
    for (const auto& [key, member] : value.items())
      add_keys(member, name.empty() ? key : name + "." + key, keys);
  } else {
    keys.insert(name);
  }
}

TEST(Summary, DocumentHasEveryKeyAndNoOther) {
  Summary summary = sample_summary();
  const std::vector<Summary::PassAnswers> answers = {{1, 0, 0, 0}};
  summary.passes = {{{1, answers[0]}}, {0, 1}, 0, Summary::Estimate{1, 0, 1}, ""};
  summary.labels = {{"a", 1, 1, 1, answers}};
  summary.ways = {{"gateway", "e0", "192.0.2.2", "192.0.2.1", "AF_XDP copy", 1, 1, 1, answers}};
  summary.receiving.errors = {{"unreach", 3, 1, 2, 1}};
  summary.receiving.top_repeaters = {{"192.0.2.1", 5, 5}};
  summary.receiving.top_responders = {{"198.51.100.1", 5, 5}};
  summary.receiving.replied_by_time = summary.receiving.replied_late = {1, {1}};
  summary.rtt.histogram = {{1000, 1250, 1}};
  summary.events = {{0.5, "the link is down", "sending pauses"}};
  summary.legs = {{1, 2, "finished", 3, 0}};
  summary.order.left = {{1, 2}};
  summary.lists = {{"list.txt", "targets", "sha256:0", 1, 1}};
  summary.origin.arguments = {"192.0.2.0/24"};
  summary.merge.shards.emplace_back().origin.arguments = {"192.0.2.0/24"};
  summary.merge.missing = {1};
  summary.control = Summary::Control{};
  std::set<std::string> keys;
  add_keys(Json::parse(summary_json(summary)), "", keys);
  keys.insert("ledger.faults");              // empty in a ledger that adds up
  keys.insert("receiving.driver_counters");  // by the driver's names

  std::set<std::string> documented;
  const std::regex key("`([^`]+)`");
  std::ifstream in(ECHOSCAN_SOURCE_DIR "/docs/summary.md");
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("| `")) continue;
    const std::string names = line.substr(1, line.find('|', 1) - 1);
    for (std::sregex_iterator match(names.begin(), names.end(), key), end; match != end; ++match)
      EXPECT_TRUE(documented.insert((*match)[1]).second) << (*match)[1] << " stands twice";
  }
  EXPECT_EQ(keys, documented);
}

TEST(Summary, PassesAreSaidToPeople) {
  Summary summary = sample_summary();
  EXPECT_EQ(summary_text(summary).find("passes "), std::string::npos);
  summary.passes = {{{1024, {110, 12, 10, 0.0909}}, {1024, {110, 12, 10, 0.0909}}},
                    {900, 12, 12, 98},
                    2,
                    Summary::Estimate{123.47, 1.26, std::nullopt},
                    ""};
  std::string text = summary_text(summary);
  EXPECT_NE(
      text.find("  passes    1: 110 of 1,024 sent answered, 12 only then; 9.09 % lost or gone\n"
                "            2: 110 of"),
      std::string::npos)
      << text;
  EXPECT_NE(text.find("2 replied to a pass that nobody knows"), std::string::npos);
  EXPECT_NE(text.find("loss or churn, a lower bound: losses that hit both passes are invisible\n"
                      "            so 123 would answer at least (Chapman; chance alone 1.3 either"),
            std::string::npos)
      << text;
  summary.passes.estimate = {};
  summary.passes.why_no_estimate = "the scan ended before the last pass did";
  text = summary_text(summary);
  EXPECT_NE(text.find("no estimate of losses: the scan ended before"), std::string::npos);
  EXPECT_EQ(text.find("lower bound"), std::string::npos);
}

TEST(Summary, TheControlGroupIsSaidToPeople) {
  Summary summary = sample_summary();
  EXPECT_EQ(summary_text(summary).find("control"), std::string::npos);
  Summary::Control& control = summary.control.emplace(Summary::Control{});
  control = {
      .targets = 1310, .rate_pps = 25.6, .both = 600, .only_slowly = 30, .only_at_full_rate = 31};
  settle(control);
  EXPECT_NE(summary_text(summary).find("1,310 targets asked at 25.6 a second, then at "),
            std::string::npos)
      << summary_text(summary);
  EXPECT_NE(summary_text(summary).find(
                "600 answered both times, 30 only slowly,\n            31 only at"),
            std::string::npos)
      << summary_text(summary);
  EXPECT_NE(summary_text(summary).find("no fewer answer at the full rate than chance explains"),
            std::string::npos);
  control.only_slowly = 131;
  settle(control);
  EXPECT_NE(
      summary_text(summary).find("that is 8 standard deviations below chance: the rate is too"),
      std::string::npos)
      << summary_text(summary);
  control.is_complete = false;
  settle(control);
  EXPECT_NE(summary_text(summary).find("which says nothing of the rate: the scan ended before all"),
            std::string::npos);
}

TEST(Summary, ErrorsAndRepeatsAreSaidToPeople) {
  Summary summary = sample_summary();
  EXPECT_EQ(summary_text(summary).find("errors  "), std::string::npos);
  EXPECT_EQ(summary_text(summary).find("repeats"), std::string::npos);
  summary.ledger.errored = 2000;
  summary.receiving.errors = {{"unreach", 3, 1, 1999, 1900}, {"timxceed", 11, 0, 101, 100}};
  summary.receiving.repeats = 100'060;
  summary.receiving.top_repeaters = {
      {"192.0.2.1", 99'999, 99'999}, {"192.0.2.2", 50, 50}, {"192.0.2.3", 11, 11}};
  const std::string text = summary_text(summary);
  EXPECT_NE(text.find("2,000 had only an ICMP error, 902 silent"), std::string::npos) << text;
  EXPECT_NE(text.find("errors    1,999 unreach 3/1, 101 timxceed 11/0\n"), std::string::npos);
  EXPECT_NE(text.find("100,060 replies, 0 errors; most: 99,999 of 192.0.2.1\n"), std::string::npos);
}

TEST(Summary, TextSaysWhatEarlierLegsSent) {
  Summary summary = sample_summary();
  summary.legs.assign(3, {0, 0, "", 0, 5});
  summary.ledger.sent_earlier = 1234;
  const std::string line = "  1,234 of the probes by 2 earlier legs, 5 again by this one\n";
  EXPECT_NE(summary_text(summary).find(line), std::string::npos);
  summary.legs.resize(1);
  EXPECT_EQ(summary_text(summary).find("earlier leg"), std::string::npos);
}

TEST(Summary, TextNamesLossesFirst) {
  Summary summary = sample_summary();
  EXPECT_EQ(summary_text(summary).find("lost"), std::string::npos);
  for (Summary::Outcome& outcome : summary.receiving.frames)
    if (outcome.name == name_of_ring_full()) outcome.frames = 22;
  summary.ledger.not_sent.refused = 7;
  summary.receiving.dropped_unseen = 3;
  summary.output.error = "No space left on device";
  summary.ledger.faults = {"frames seen is 1, but the sum of their outcomes is 2"};
  const std::string text = summary_text(summary);
  for (const char* loss : {"DOES NOT ADD UP: frames seen is 1", "22 found the ring full",
                           "7 refused", "3 dropped by the kernel", "No space left on device"}) {
    const std::size_t place = text.find(loss);
    EXPECT_NE(place, std::string::npos) << loss;
    EXPECT_LT(place, text.find("echoscan: finished")) << loss;
  }
  EXPECT_TRUE(text.starts_with("echoscan: not everything is here, and the loss is on this side"));
}

TEST(Summary, LabelsAreAllInTheJsonAndAFewInTheText) {
  Summary summary = sample_summary();
  EXPECT_EQ(Json::parse(summary_json(summary))["labels"], Json::array());
  EXPECT_EQ(summary_text(summary).find("label"), std::string::npos);
  summary.labels = {{"eu/\"EC2\"", 1000, 990, 100}, {"", 24, 24, 22}};
  const Json json = Json::parse(summary_json(summary));
  EXPECT_EQ(json["labels"][0]["label"], "eu/\"EC2\"");
  EXPECT_EQ(json["labels"][0]["sent"], 990);
  EXPECT_EQ(json["labels"][1]["label"], nullptr);
  EXPECT_EQ(json["labels"][1]["replied"], 22);
  EXPECT_NE(summary_text(summary).find("100 replied of 1,000 targets (10.00 %): eu/\"EC2\"\n"),
            std::string::npos);
  EXPECT_NE(summary_text(summary).find("(91.67 %): (none)\n"), std::string::npos);
  summary.labels.resize(40);
  EXPECT_NE(summary_text(summary).find("and 35 more labels"), std::string::npos);
}

TEST(Summary, TextSaysWhatListsLeftOut) {
  Summary summary = sample_summary();
  summary.targets.listed_repeatedly = 1284;
  summary.targets.bad_lines = 7;
  const std::string text = summary_text(summary);
  EXPECT_NE(text.find("1,284 addresses were listed more than once, 7 bad lines were skipped\n"),
            std::string::npos)
      << text;
}

}  // namespace
}  // namespace echoscan::summary_test
