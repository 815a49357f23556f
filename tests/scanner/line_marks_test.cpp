// What lines leave unsaid: written, read and cut with the lines; and files that are not ours.
#include "scanner/pipeline/line_marks.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <random>

namespace echoscan::line_marks_test {
namespace {

ReadResult random_result(std::mt19937_64& random) {
  ReadResult result;
  result.target = Ipv4{static_cast<std::uint32_t>(random())};
  result.responder = Ipv4{static_cast<std::uint32_t>(random())};
  result.is_error = random() % 2 == 0;
  result.is_repeat = random() % 2 == 0;
  result.is_late = random() % 2 == 0;
  result.is_elsewhere = random() % 2 == 0;
  if (random() % 2 == 0) result.rtt_ns = random() >> (1 + random() % 50);
  result.received_us = static_cast<std::int64_t>(random() >> 12);
  result.icmp_type = static_cast<std::uint8_t>(random());
  result.icmp_code = static_cast<std::uint8_t>(random());
  return result;
}

void expect_equal(const ReadResult& a, const ReadResult& b) {
  EXPECT_EQ(a.target, b.target);
  EXPECT_EQ(a.responder, b.responder);
  EXPECT_EQ(a.is_error, b.is_error);
  EXPECT_EQ(a.is_repeat, b.is_repeat);
  EXPECT_EQ(a.is_late, b.is_late);
  EXPECT_EQ(a.is_elsewhere, b.is_elsewhere);
  EXPECT_EQ(a.rtt_ns, b.rtt_ns);
  EXPECT_EQ(a.received_us, b.received_us);
  EXPECT_EQ(a.icmp_type, b.icmp_type);
  EXPECT_EQ(a.icmp_code, b.icmp_code);
}

class LineMarksTest : public testing::Test {
 protected:
  LineMarksTest() { std::filesystem::remove(path); }

  const std::string path = testing::TempDir() + "/results.scan.lines";
};

// Legs of random length, each cut to random lines and read in random batches.
TEST_F(LineMarksTest, LegsAddToWhatIsKept) {
  std::mt19937_64 random(11);
  std::vector<ReadResult> written;
  for (int leg = 0; leg < 40; ++leg) {
    auto marks = LineMarks::open(path, leg > 0).value();
    ASSERT_EQ(marks->count(), written.size());
    std::vector<ReadResult> read(written.size());
    for (std::size_t i = 0; i < read.size();) {
      const std::size_t batch = std::min<std::size_t>(1 + random() % 200, read.size() - i);
      ASSERT_EQ(marks->complete(std::span(read).subspan(i, batch)).value(), batch);
      i += batch;
    }
    for (std::size_t i = 0; i < read.size(); ++i) expect_equal(read[i], written[i]);
    std::vector<ReadResult> one_more(1);
    EXPECT_EQ(marks->complete(one_more).value(), 0U);
    if (!written.empty()) written.resize(random() % written.size());
    ASSERT_EQ(marks->keep_first(written.size()), 0);
    for (std::uint64_t lines = random() % 2000; lines > 0; --lines) {
      written.push_back(random_result(random));
      marks->add(written.back());
      if (random() % 100 == 0) marks->flush();
    }
    marks->flush();
    EXPECT_EQ(marks->in_place(), written.size());
    // Half a mark of a killed leg.
    if (leg % 2 == 0) std::ofstream(path, std::ios::app) << std::string(random() % 32, 'x');
  }
}

TEST_F(LineMarksTest, AMarkIsOfItsLine) {
  std::mt19937_64 random(3);
  const auto marks = LineMarks::open(path, false).value();
  std::vector<ReadResult> results;
  for (int i = 0; i < 9; ++i) {
    results.push_back(random_result(random));
    marks->add(results.back());
  }
  marks->flush();
  for (ReadResult& result : results) result.has_target = true;
  results[5].target = Ipv4{results[5].target.value + 1};
  EXPECT_EQ(marks->complete(results).value(), 5U);
}

TEST_F(LineMarksTest, ThoseOfSomebodyElseAreLeft) {
  for (const std::string foreign : {"a list of addresses\n", "ecsmarks12345678"}) {
    std::ofstream(path) << foreign;
    for (const bool is_left : {false, true}) EXPECT_FALSE(LineMarks::open(path, is_left));
    LineMarks::remove(path);
    std::string content;
    std::getline(std::ifstream(path), content, '\0');
    EXPECT_EQ(content, foreign);
  }
}

// A disk that is full at any byte: what is in place is what was written, in its order, and what
// comes later is not put in the place of what was given up.
TEST_F(LineMarksTest, AFullDiskLeavesNoGap) {
  signal(SIGXFSZ, SIG_IGN);
  rlimit earlier{};
  getrlimit(RLIMIT_FSIZE, &earlier);
  for (const rlim_t room : {8U, 9U, 40U, 55U, 1000U, 4'000'000U}) {
    std::mt19937_64 random(room);
    auto marks = LineMarks::open(path, false).value();
    const rlimit limit{room, earlier.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
    std::vector<ReadResult> written;
    for (int i = 0; i < 300'000; ++i) {
      written.push_back(random_result(random));
      marks->add(written.back());
      if (i % 1000 == 0) marks->flush();
      // There is room again.
      if (i == 200'000) setrlimit(RLIMIT_FSIZE, &earlier);
    }
    marks->flush();
    setrlimit(RLIMIT_FSIZE, &earlier);
    ASSERT_EQ(marks->count(), written.size());
    ASSERT_LT(marks->in_place(), written.size()) << room;
    ASSERT_GE(marks->in_place(), (room - 8) / 32);
    const std::uint64_t in_place = marks->in_place();
    marks = LineMarks::open(path, true).value();
    ASSERT_EQ(marks->count(), in_place) << room;
    std::vector<ReadResult> read(in_place);
    ASSERT_EQ(marks->complete(read).value(), in_place);
    for (std::size_t i = 0; i < read.size(); ++i) ASSERT_EQ(read[i].target, written[i].target) << i;
  }
}

}  // namespace
}  // namespace echoscan::line_marks_test
