// A scan's progress: what a meter makes of snapshots, and the words for it in every width.
#include "scanner/account/progress_text.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>
#include <string>
#include <vector>

namespace echoscan::progress_text_test {
namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;
constexpr std::uint64_t kStartNs = 7 * kSecondNs;

Snapshot snapshot_at(std::uint64_t elapsed_ns, std::uint64_t sent, std::uint64_t replied) {
  Snapshot snapshot;
  snapshot.taken_ns = kStartNs + elapsed_ns;
  snapshot.started_ns = kStartNs;
  snapshot.probes = 1000;
  snapshot.senders.resize(1);
  snapshot.senders[0].handed_over = sent;
  snapshot.senders[0].first_pass = sent;
  snapshot.transmitters.resize(1);
  snapshot.transmitters[0].sent = sent;
  snapshot.receiver.replied = replied;
  return snapshot;
}

TEST(Progress, RatesAreThoseSinceTheLastLook) {
  ProgressMeter meter(kStartNs);
  Progress progress = meter.look(snapshot_at(2 * kSecondNs, 200, 20));
  EXPECT_DOUBLE_EQ(progress.sent_pps, 100);
  EXPECT_DOUBLE_EQ(progress.replied_pps, 10);
  EXPECT_DOUBLE_EQ(progress.done_percent, 20);
  EXPECT_DOUBLE_EQ(progress.hit_percent, 10);
  EXPECT_DOUBLE_EQ(progress.left_s.value(), 8);
  progress = meter.look(snapshot_at(3 * kSecondNs, 500, 25));
  EXPECT_DOUBLE_EQ(progress.sent_pps, 300);
  EXPECT_DOUBLE_EQ(progress.replied_pps, 5);
  EXPECT_DOUBLE_EQ(progress.left_s.value(), 3);
  // Somebody asks at the same moment, or a little later.
  for (const std::uint64_t later_ns : {std::uint64_t{0}, ProgressMeter::kRateNs - 1}) {
    progress = meter.look(snapshot_at(3 * kSecondNs + later_ns, 510, 25));
    EXPECT_DOUBLE_EQ(progress.sent_pps, 300);
    EXPECT_EQ(progress.sent, 510U);
  }
}

TEST(Progress, NothingIsKnownBeforeTheFirstProbe) {
  const Progress progress = ProgressMeter(kStartNs).look(snapshot_at(0, 0, 0));
  EXPECT_FALSE(progress.left_s.has_value());
  EXPECT_NE(progress_bar(progress, 100, false).find("ETA -"), std::string::npos);
  EXPECT_NE(progress_line(progress).find("nothing sent yet"), std::string::npos);
}

// Of targets and not of probes, and of those that have a way.
TEST(Progress, SharesAreOfWhatWasProbed) {
  Snapshot snapshot = snapshot_at(kSecondNs, 600, 30);
  snapshot.senders[0].first_pass = 300;
  snapshot.without_way = 200;
  const Progress progress = ProgressMeter(kStartNs).look(snapshot);
  EXPECT_DOUBLE_EQ(progress.hit_percent, 10);
  EXPECT_DOUBLE_EQ(progress.done_percent, 75);
}

// Every key that docs/status.md explains, and no other.
TEST(ProgressJson, IsWhatTheDocumentSays) {
  Progress progress;
  progress.left_s = 1.5;
  progress.ways.push_back({"gateway", "eth\"0", "", 7, 6, 5});
  const nlohmann::ordered_json json = nlohmann::ordered_json::parse(progress_json(progress));
  EXPECT_EQ(json["left_s"], 1.5);
  EXPECT_EQ(json["ways"][0]["interface"], "eth\"0");
  EXPECT_TRUE(json["ways"][0]["next_hop"].is_null());
  progress.left_s.reset();
  EXPECT_TRUE(nlohmann::json::parse(progress_json(progress))["left_s"].is_null());
  std::vector<std::string> written;
  for (const auto& [key, value] : json.items()) {
    if (key != "ways") written.push_back(key);
    if (value.is_array())
      for (const auto& [inner, unused] : value[0].items()) written.push_back("ways[]." + inner);
  }
  std::vector<std::string> explained;
  std::ifstream in(ECHOSCAN_SOURCE_DIR "/docs/status.md");
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("| `")) continue;
    std::istringstream cell(line.substr(2, line.find(" | ") - 2));
    for (std::string key; std::getline(cell, key, '`');)
      if (key.find_first_not_of(" ,") != key.npos) explained.push_back(key);
  }
  std::sort(written.begin(), written.end());
  std::sort(explained.begin(), explained.end());
  EXPECT_EQ(written, explained);
}

std::string without_colours(std::string text) {
  for (const std::string colour : {"\033[32m", "\033[m"})
    if (const std::size_t at = text.find(colour); at != text.npos) text.erase(at, colour.size());
  return text;
}

// Any figures, in any width: it fits, the percentage stands wherever it has room, each part is
// there whole or not at all, and nothing that a terminal obeys is there but the colours.
TEST(ProgressBar, FitsEveryWidth) {
  std::mt19937_64 random(1);
  const auto any = [&random] { return random() >> (random() % 64); };
  for (int i = 0; i < 100; ++i) {
    Progress progress;
    progress.done_percent = static_cast<double>(random() % 100'001) / 1000;
    progress.sent = any();
    progress.sent_pps = static_cast<double>(any() % 1'000'000'000);
    progress.replied = any();
    progress.hit_percent = static_cast<double>(random() % 100'001) / 1000;
    if (random() % 8 != 0) progress.left_s = static_cast<double>(any() % 100'000'000);
    progress.is_cooldown = random() % 8 == 0;
    if (random() % 4 == 0) progress.ring_full = any() >> 1;
    progress.output_is_limit = random() % 4 == 0;
    progress.receiver_is_limit = !progress.output_is_limit && random() % 4 == 0;
    const std::string all = progress_bar(progress, 1000, false);
    for (unsigned columns = 0; columns < 260; ++columns) {
      const std::string line = progress_bar(progress, columns, false);
      ASSERT_LE(line.size(), columns);
      ASSERT_EQ(without_colours(progress_bar(progress, columns, true)), line);
      ASSERT_EQ(line.find_first_of("\n\r\t\033"), std::string::npos);
      const std::size_t parts = line.starts_with('[') ? line.find("] ") + 2 : 0;
      if (columns >= 7) {
        ASSERT_NE(line.find(" %"), std::string::npos) << columns << line;
      }
      for (std::size_t from = parts, to = 0; from < line.size(); from = to + 2) {
        to = std::min(line.find("  ", from), line.size());
        const std::string part = line.substr(from, to - from);
        ASSERT_NE((all + "  ").find(part + "  "), std::string::npos) << line << "; " << all;
      }
    }
    ASSERT_TRUE(all.starts_with('['));
  }
}

TEST(ProgressBar, SaysWhatAPersonAsks) {
  Progress progress;
  progress.done_percent = 45.1;
  progress.left_s = 7 * 3600 + 21 * 60;
  progress.sent = 120'000;
  progress.sent_pps = 10'000;
  progress.replied = 14'512;
  progress.hit_percent = 12.09;
  EXPECT_EQ(progress_bar(progress, 114, false),
            "[===============>                     ] 45.1 %  ETA 7 h 21 min  sent 120,000  10.0 "
            "kpps  alive 14,512  hit 12.09 %");
  EXPECT_EQ(progress_bar(progress, 30, false), "45.1 %  ETA 7 h 21 min");
  progress.output_is_limit = true;
  progress.ring_full = 3;
  EXPECT_NE(progress_bar(progress, 160, false).find("lost 3  output is the limit"),
            std::string::npos);
  EXPECT_NE(progress_line(progress).find("7 h 21 min left; sent 120,000 (10.0 kpps); replied"),
            std::string::npos);
  EXPECT_NE(progress_line(progress).find("; output is the limit"), std::string::npos);
  progress.is_cooldown = true;
  EXPECT_NE(progress_bar(progress, 80, false).find("cooldown"), std::string::npos);
}

// The bar is as full as the percentage says.
TEST(ProgressBar, IsAsFullAsItSays) {
  for (int thousandths = 0; thousandths <= 100'000; thousandths += 7) {
    Progress progress;
    progress.done_percent = thousandths / 1000.0;
    const std::string line = progress_bar(progress, 300, false);
    const std::size_t width = line.find(']') - 1;
    const auto filled = static_cast<std::size_t>(
        std::count(line.begin(), line.begin() + static_cast<std::ptrdiff_t>(width), '=') +
        std::count(line.begin(), line.begin() + static_cast<std::ptrdiff_t>(width), '>'));
    ASSERT_LE(filled * 100'000, width * static_cast<std::size_t>(thousandths));
    ASSERT_GE((filled + 1) * 100'000, width * static_cast<std::size_t>(thousandths));
  }
}

}  // namespace
}  // namespace echoscan::progress_text_test
