// output/: the writer against slow and full readers, and the histogram's percentiles. Lines are in
// result_format_test.cpp, the summary in summary_test.cpp.
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <random>
#include <string>
#include <vector>

#include "output/result/result_writer.h"
#include "output/sink/line_ends.h"
#include "output/summary/rtt_histogram.h"
#include "output/summary/time_bins.h"

namespace echoscan::output_test {
namespace {

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

TEST(LineEnds, AreCountedInAnyBytes) {
  std::mt19937 random(20261129);
  for (int i = 0; i < 20'000; ++i) {
    // From none but ends of lines to hardly any.
    const unsigned kinds = 1 + static_cast<unsigned>(random() % 100);
    std::string bytes(random() % 600, '\0');
    for (char& byte : bytes) byte = random() % kinds == 0 ? '\n' : static_cast<char>(random());
    ASSERT_EQ(count_line_ends(bytes), static_cast<std::uint64_t>(std::ranges::count(bytes, '\n')));
  }
}

// Lines are in place when the sink has all of them, whatever pieces it takes; a header is none.
TEST(ResultWriter, LinesInPlaceAreThoseThatTheSinkHasWhole) {
  struct Sink : ByteSink {
    Outcome write_some(std::string_view bytes) override {
      const std::size_t count = std::min(bytes.size(), takes);
      taken += bytes.substr(0, count);
      return {count, 0};
    }
    void wait_writable(int) override {}
    std::size_t takes = 0;
    std::string taken;
  };
  std::mt19937_64 random(8);
  for (const std::string header : {"", "a,b\n"}) {
    Sink sink;
    ResultWriter writer(sink);
    writer.continue_behind(5, 100);
    std::ranges::copy(header, writer.room(header.size()).begin());
    writer.append(header.size(), 0);
    for (int round = 0; round < 5000; ++round) {
      for (std::uint64_t i = random() % 3; i > 0; --i) {
        const std::string line(random() % 20, 'x');
        std::ranges::copy(line + "\n", writer.room(line.size() + 1).begin());
        writer.append(line.size() + 1);
      }
      sink.takes = random() % 40;
      writer.flush();
      const auto ends = static_cast<std::uint64_t>(std::ranges::count(sink.taken, '\n'));
      const std::uint64_t whole = 5 + ends - std::min<std::uint64_t>(ends, header.empty() ? 0 : 1);
      ASSERT_LE(writer.lines_in_place(), whole) << round;
      ASSERT_GE(writer.lines_in_place() + (header.empty() ? 0 : 1), whole) << round;
    }
    sink.takes = std::string::npos;
    writer.flush();
    EXPECT_EQ(writer.lines_in_place(), writer.lines());
  }
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

}  // namespace
}  // namespace echoscan::output_test
