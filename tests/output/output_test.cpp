// output/: the writer against slow and full readers, the histogram's percentiles, and the summary's
// two forms. Lines are in result_format_test.cpp.
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "bpf/reply.h"
#include "output/result/result_writer.h"
#include "output/summary/rtt_histogram.h"
#include "output/summary/summary.h"
#include "output/summary/time_bins.h"

namespace echoscan {
namespace {

using Json = nlohmann::ordered_json;

// Takes what it is allowed to, then nothing, then an error.
class ScriptedSink : public ByteSink {
 public:
  Outcome write_some(std::string_view bytes) override {
    if (error != 0) return {0, error};
    const std::size_t written = std::min(bytes.size(), room);
    room -= written;
    taken.append(bytes.substr(0, written));
    return {written, 0};
  }
  void wait_writable(int) override { ++waits; }

  std::string taken;
  std::size_t room = ~std::size_t{0};
  int error = 0;
  int waits = 0;
};

void append_line(ResultWriter& writer, const std::string& line) {
  const std::span<char> room = writer.room(line.size());
  ASSERT_GE(room.size(), line.size());
  std::copy(line.begin(), line.end(), room.begin());
  writer.append(line.size());
}

TEST(ResultWriter, WhatASlowReaderLeavesIsKeptInOrder) {
  ScriptedSink sink;
  ResultWriter writer(sink);
  std::string all;
  for (int i = 0; i < 1000; ++i) {
    const std::string line = "line " + std::to_string(i) + "\n";
    all += line;
    append_line(writer, line);
    sink.room = static_cast<std::size_t>(i % 7);
    EXPECT_TRUE(writer.flush());
  }
  EXPECT_GT(writer.backlog_bytes(), 0U);
  sink.room = ~std::size_t{0};
  EXPECT_TRUE(writer.flush_waiting(1));
  EXPECT_EQ(sink.waits, 1);
  EXPECT_EQ(sink.taken, all);
  EXPECT_EQ(writer.backlog_bytes(), 0U);
  EXPECT_EQ(writer.lines(), 1000U);
  EXPECT_EQ(writer.bytes_written(), all.size());
}

TEST(ResultWriter, BacklogMakesItTheLimitAndAFullBufferHasNoRoom) {
  ScriptedSink sink;
  sink.room = 0;
  ResultWriter writer(sink);
  const std::string line(1000, 'x');
  while (writer.backlog_bytes() <= ResultWriter::kBacklogHighBytes) append_line(writer, line);
  EXPECT_FALSE(writer.is_limit());
  writer.flush();
  EXPECT_TRUE(writer.is_limit());
  while (!writer.room(line.size()).empty()) append_line(writer, line);
  EXPECT_GT(writer.backlog_bytes(), ResultWriter::kBufferBytes - 2 * line.size());
  sink.room = ~std::size_t{0};
  writer.flush();
  EXPECT_FALSE(writer.is_limit());
  EXPECT_FALSE(writer.room(line.size()).empty());
  EXPECT_EQ(sink.taken.size(), writer.lines() * line.size());
}

TEST(ResultWriter, RoomComesBackWhenTheFrontHasBeenWritten) {
  ScriptedSink sink;
  sink.room = 0;
  ResultWriter writer(sink);
  const std::string line(4096, 'x');
  std::uint64_t appended = 0;
  for (; !writer.room(line.size()).empty(); ++appended) append_line(writer, line);
  sink.room = ResultWriter::kBufferBytes / 2 + line.size();
  writer.flush();
  append_line(writer, line);
  sink.room = ~std::size_t{0};
  writer.flush();
  EXPECT_EQ(sink.taken.size(), (appended + 1) * line.size());
}

TEST(ResultWriter, AnErrorIsKept) {
  ScriptedSink sink;
  sink.error = ENOSPC;
  ResultWriter writer(sink);
  append_line(writer, "lost\n");
  EXPECT_FALSE(writer.flush());
  EXPECT_EQ(writer.error(), ENOSPC);
  sink.error = 0;
  EXPECT_FALSE(writer.flush());
  EXPECT_TRUE(sink.taken.empty());
}

TEST(RttHistogram, PercentilesWithinABinOfTheTruth) {
  std::mt19937_64 random(5);
  RttHistogram histogram;
  std::vector<std::uint64_t> times;
  for (int i = 0; i < 100000; ++i) {
    times.push_back(random() % (std::uint64_t{1} << (10 + random() % 24)));
    histogram.add(times.back());
  }
  std::sort(times.begin(), times.end());
  EXPECT_EQ(histogram.count(), times.size());
  EXPECT_EQ(histogram.min_ns(), times.front());
  EXPECT_EQ(histogram.max_ns(), times.back());
  for (const double share : {0.01, 0.5, 0.9, 0.99, 1.0}) {
    const auto rank = static_cast<std::size_t>(share * static_cast<double>(times.size())) - 1;
    const auto truth = static_cast<double>(times[rank]);
    EXPECT_NEAR(static_cast<double>(histogram.percentile_ns(share)), truth, truth * 0.01 + 1);
  }
}

TEST(RttHistogram, ExtremesAndNothing) {
  RttHistogram histogram;
  EXPECT_EQ(histogram.percentile_ns(0.5), 0U);
  EXPECT_EQ(histogram.min_ns(), 0U);
  histogram.add(~std::uint64_t{0});
  EXPECT_EQ(histogram.percentile_ns(0.5), ~std::uint64_t{0});
  histogram.add(0);
  EXPECT_EQ(histogram.min_ns(), 0U);
  EXPECT_EQ(histogram.percentile_ns(0), 0U);
}

TEST(RttHistogram, BinsForAPictureHoldEveryTimeOnce) {
  std::mt19937_64 random(6);
  RttHistogram histogram;
  std::vector<std::uint64_t> times = {0, 1, 63, 64, 127, 128, 1'000'000, ~std::uint64_t{0} / 4};
  for (int i = 0; i < 10000; ++i) times.push_back(random() >> (random() % 60 + 3));
  for (const std::uint64_t ns : times) histogram.add(ns);
  std::uint64_t end_ns = 0;
  std::uint64_t total = 0;
  for (const RttHistogram::Bin& bin : histogram.bins()) {
    EXPECT_GE(bin.from_ns, end_ns);
    EXPECT_LT(bin.from_ns, bin.to_ns);
    EXPECT_EQ(bin.count, static_cast<std::uint64_t>(
                             std::count_if(times.begin(), times.end(), [&bin](std::uint64_t ns) {
                               return ns >= bin.from_ns && ns < bin.to_ns;
                             })));
    EXPECT_TRUE(bin.from_ns < 64 || bin.to_ns <= bin.from_ns + bin.from_ns / 4) << bin.from_ns;
    end_ns = bin.to_ns;
    total += bin.count;
  }
  EXPECT_EQ(total, times.size());
  EXPECT_TRUE(RttHistogram().bins().empty());
}

TEST(TimeBins, SecondsUntilThereAreTooMany) {
  constexpr std::uint64_t kSecondNs = 1'000'000'000;
  TimeBins bins;
  EXPECT_TRUE(bins.counts().empty());
  for (const std::uint64_t ns : {std::uint64_t{0}, kSecondNs - 1, kSecondNs, 3 * kSecondNs})
    bins.add(ns);
  EXPECT_EQ(bins.bin_seconds(), 1U);
  EXPECT_EQ(bins.counts(), (std::vector<std::uint64_t>{2, 1, 0, 1}));
  bins.add(TimeBins::kBinsMax * kSecondNs - 1);
  EXPECT_EQ(bins.bin_seconds(), 1U);
  EXPECT_EQ(bins.counts().size(), TimeBins::kBinsMax);
  bins.add(TimeBins::kBinsMax * kSecondNs);
  EXPECT_EQ(bins.bin_seconds(), 2U);
  EXPECT_EQ(bins.counts()[0], 3U);
  EXPECT_EQ(bins.counts()[1], 1U);
  EXPECT_EQ(bins.counts().size(), TimeBins::kBinsMax / 2 + 1);
  EXPECT_EQ(bins.total(), 6U);
  bins.add(~std::uint64_t{0});
  EXPECT_LE(bins.counts().size(), TimeBins::kBinsMax);
  EXPECT_EQ(bins.total(), 7U);
}

Summary sample_summary() {
  Summary summary;
  summary.version = "0.1.0";
  summary.outcome = "finished";
  summary.started_us = 1795367474961000;
  summary.ended_us = 1795367476064000;
  summary.targets = summary.probes = summary.sent = 1024;
  summary.replied = 122;
  summary.silent = 902;
  summary.digest = std::string(64, 'a');
  summary.not_sent = {{"stopped", 0}, {"refused", 0}};
  summary.frames = {{"reply", 122}, {"ring_full", 0}};
  summary.queues = {{0, "AF_XDP copy", 0, 1024, 0, 40}};
  summary.rtt_count = 122;
  summary.rtt_p50_ns = 5900;
  return summary;
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
  summary.not_sent = {{"stopped", 0}, {"refused", 0}, {"unconfirmed", 0}, {"unroutable", 0}};
  summary.frames.clear();
#define ADD_OUTCOME(enumerator, name, meaning) summary.frames.push_back({name, 0});
  FRAME_OUTCOMES(ADD_OUTCOME)
#undef ADD_OUTCOME
  summary.labels = {{"a", 1, 1, 1}};
  summary.errors = {{"unreach", 3, 1, 2, 1}};
  summary.top_repeaters = {{"192.0.2.1", 5, 5}};
  summary.replied_by_time = summary.replied_late = {1, {1}};
  summary.rtt_bins = {{1000, 1250, 1}};
  std::set<std::string> keys;
  add_keys(Json::parse(summary_json(summary)), "", keys);
  keys.insert("ledger.faults");  // empty in a ledger that adds up

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

TEST(Summary, ErrorsAndRepeatsAreSaidToPeople) {
  Summary summary = sample_summary();
  EXPECT_EQ(summary_text(summary).find("errors  "), std::string::npos);
  EXPECT_EQ(summary_text(summary).find("repeats"), std::string::npos);
  summary.errored = 2000;
  summary.errors = {{"unreach", 3, 1, 1999, 1900}, {"timxceed", 11, 0, 101, 100}};
  summary.repeats = 100'060;
  summary.top_repeaters = {
      {"192.0.2.1", 99'999, 99'999}, {"192.0.2.2", 50, 50}, {"192.0.2.3", 11, 11}};
  const std::string text = summary_text(summary);
  EXPECT_NE(text.find("2,000 had an ICMP error, 902 silent"), std::string::npos) << text;
  EXPECT_NE(text.find("errors    1,999 unreach 3/1, 101 timxceed 11/0\n"), std::string::npos);
  EXPECT_NE(text.find("100,060 replies, 0 errors; most: 99,999 of 192.0.2.1\n"), std::string::npos);
}

TEST(Summary, TextNamesLossesFirst) {
  Summary summary = sample_summary();
  EXPECT_EQ(summary_text(summary).find("lost"), std::string::npos);
  summary.frames = {{"reply", 100}, {"ring_full", 22}};
  summary.not_sent = {{"stopped", 0}, {"refused", 7}};
  summary.dropped_unseen = 3;
  summary.output_error = "No space left on device";
  summary.faults = {"frames seen is 1, but the sum of their outcomes is 2"};
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
  summary.listed_repeatedly = 1284;
  summary.bad_lines = 7;
  const std::string text = summary_text(summary);
  EXPECT_NE(text.find("1,284 addresses were listed more than once, 7 bad lines were skipped\n"),
            std::string::npos)
      << text;
}

TEST(Summary, Thousands) {
  EXPECT_EQ(with_thousands(0), "0");
  EXPECT_EQ(with_thousands(999), "999");
  EXPECT_EQ(with_thousands(1000), "1,000");
  EXPECT_EQ(with_thousands(1234567), "1,234,567");
  EXPECT_EQ(with_thousands(1000000001), "1,000,000,001");
}

}  // namespace
}  // namespace echoscan
