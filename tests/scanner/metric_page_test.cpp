// The page of the metrics: the text format to the letter, counters that never fall, and the
// documents that name metrics.
#include "scanner/account/metric_page.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <regex>
#include <set>
#include <sstream>
#include <string>

namespace echoscan::metric_page_test {
namespace {

struct Family {
  std::string kind;
  std::map<std::string, double> samples;  // by labels
};
using Families = std::map<std::string, Family>;

// Reads a page as strictly as the format's specification and the linter of promtool are: each
// family has its HELP, its TYPE and its samples in one piece, in this order; names and labels are
// well formed; no series stands twice; counters, and nothing else, end in _total.
Families read_page(const std::string& page) {
  Families families;
  EXPECT_TRUE(page.ends_with('\n'));
  const std::regex help("# HELP (echoscan_[a-z_]+) (\\S.*)");
  const std::regex type("# TYPE (echoscan_[a-z_]+) (counter|gauge)");
  const std::string label = "[a-z_]+=\"(?:[^\"\\\\\n]|\\\\[\\\\\"n])*\"";
  const std::regex sample("(echoscan_[a-z_]+)(\\{" + label + "(?:," + label +
                          ")*\\})? (-?[0-9]+(?:\\.[0-9]+)?(?:e[-+]?[0-9]+)?)");
  std::istringstream in(page);
  std::string current;
  std::string helped;
  for (std::string line; std::getline(in, line);) {
    std::smatch match;
    if (std::regex_match(line, match, help)) {
      helped = match[1];
      EXPECT_FALSE(families.contains(helped)) << line;
    } else if (std::regex_match(line, match, type)) {
      current = match[1];
      EXPECT_EQ(current, helped) << line;
      families[current].kind = match[2];
      EXPECT_EQ(current.ends_with("_total"), match[2] == "counter") << line;
    } else if (std::regex_match(line, match, sample)) {
      EXPECT_EQ(match[1], current) << line;
      EXPECT_TRUE(families[current].samples.emplace(match[2], std::stod(match[3])).second) << line;
    } else {
      ADD_FAILURE() << "not of the format: " << line;
    }
  }
  return families;
}

Snapshot some_snapshot() {
  Snapshot snapshot;
  snapshot.taken_ns = 3'000'000'000;
  snapshot.started_ns = 1'000'000'000;
  snapshot.senders.resize(2);
  snapshot.transmitters.resize(2);
  snapshot.transmitters[0] = {.queue = 0, .mode = "AF_XDP copy"};
  snapshot.transmitters[1] = {.queue = 1, .mode = "AF_XDP \"zero\\copy\"\n\xff"};
  return snapshot;
}

Progress some_progress() {
  Progress progress;
  progress.taken_unix_ms = 1'795'000'000'123;
  progress.ways = {{"gateway", "eth0", "192.0.2.1", 100}, {"blackhole", "", "", 7}};
  return progress;
}

TEST(MetricPage, IsOfTheFormat) {
  const Families families = read_page(MetricPage().make(some_snapshot(), some_progress()));
  EXPECT_GT(families.size(), 25U);
  for (const auto& [name, family] : families) EXPECT_FALSE(family.samples.empty()) << name;
  EXPECT_EQ(families.at("echoscan_updated_timestamp_seconds").samples.at(""), 1'795'000'000.123);
  EXPECT_EQ(families.at("echoscan_frames_total").samples.size(), std::size_t{FRAME_OUTCOME_COUNT});
  EXPECT_TRUE(
      families.at("echoscan_queue_sent_total")
          .samples.contains("{queue=\"1\",mode=\"AF_XDP \\\"zero\\\\copy\\\"\\\\x0a\\\\xff\"}"));
}

// The sum of each counter over a random walk of figures, some of which fall for a moment.
TEST(MetricPage, CountersNeverFall) {
  std::mt19937_64 random(1);
  MetricPage page;
  Snapshot snapshot = some_snapshot();
  Progress progress = some_progress();
  Families last = read_page(page.make(snapshot, progress));
  const auto move = [&random](auto& figure) {
    figure = std::max<std::uint64_t>(figure + random() % 1000, 300) - random() % 300;
  };
  for (int i = 0; i < 300; ++i) {
    for (SenderFigures& sender : snapshot.senders) {
      move(sender.first_pass);
      move(sender.refused);
      move(sender.way_lost);
      move(sender.paused_link_ns);
      move(sender.paused_pass_ns);
      move(sender.replied_already);
    }
    for (TransmitterFigures& part : snapshot.transmitters) {
      move(part.sent);
      move(part.unroutable);
      move(part.kicks);
    }
    for (auto& outcome : snapshot.receiver.frames.outcome) move(outcome);
    move(snapshot.receiver.replied);
    move(snapshot.receiver.errors);
    move(snapshot.output.bytes);
    move(progress.sent);
    move(progress.ways[0].sent);
    const Families now = read_page(page.make(snapshot, progress));
    for (const auto& [name, family] : now) {
      if (family.kind != "counter") continue;
      for (const auto& [labels, value] : family.samples)
        ASSERT_GE(value, last.at(name).samples.at(labels)) << name << labels;
    }
    last = now;
  }
  EXPECT_GT(last.at("echoscan_probes_sent_total").samples.at(""), 50'000);
}

// Exact as long as a double is.
TEST(MetricPage, LargeCountsAreExact) {
  Progress progress = some_progress();
  for (const std::uint64_t count : {std::uint64_t{4'294'967'297}, std::uint64_t{1} << 53}) {
    progress.sent = count;
    const std::string page = MetricPage().make(some_snapshot(), progress);
    EXPECT_NE(page.find("\nechoscan_probes_sent_total " + std::to_string(count) + "\n"), page.npos);
  }
}

std::string content(const std::string& path) {
  std::ifstream in(ECHOSCAN_SOURCE_DIR "/docs/" + path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

TEST(MetricPage, IsWhatTheDocumentSays) {
  std::map<std::string, std::string> written;
  for (const auto& [name, family] : read_page(MetricPage().make(some_snapshot(), some_progress())))
    written[name] = family.kind;
  std::map<std::string, std::string> explained;
  std::istringstream in(content("metrics.md"));
  const std::regex row("\\| `(echoscan_[a-z_]+)` \\| (counter|gauge) \\| .*");
  for (std::string line; std::getline(in, line);)
    if (std::smatch match; std::regex_match(line, match, row)) explained[match[1]] = match[2];
  EXPECT_EQ(written, explained);
}

// Each query of the dashboard asks for metrics and labels that there are, and takes rates of
// counters alone.
TEST(MetricPage, HasWhatTheDashboardAsksFor) {
  const Families families = read_page(MetricPage().make(some_snapshot(), some_progress()));
  const nlohmann::json dashboard = nlohmann::json::parse(content("grafana.json"));
  std::string all = dashboard.dump();
  const std::regex name("echoscan_[a-z_]+");
  std::size_t names = 0;
  for (std::sregex_iterator at(all.begin(), all.end(), name), end; at != end; ++at, ++names)
    EXPECT_TRUE(families.contains(at->str())) << at->str();
  EXPECT_GT(names, 12U);
  const std::regex rate("rate\\((echoscan_[a-z_]+)");
  const std::regex legend("\\{\\{([a-z_]+)\\}\\}");
  for (const auto& panel : dashboard["panels"])
    for (const auto& target : panel["targets"]) {
      const std::string query = target["expr"];
      for (std::sregex_iterator at(query.begin(), query.end(), rate), end; at != end; ++at)
        EXPECT_EQ(families.at((*at)[1]).kind, "counter") << query;
      std::smatch metric;
      ASSERT_TRUE(std::regex_search(query, metric, name)) << query;
      const std::string labels = families.at(metric[0]).samples.begin()->first;
      const std::string words = target["legendFormat"];
      for (std::sregex_iterator at(words.begin(), words.end(), legend), end; at != end; ++at)
        EXPECT_TRUE((*at)[1] == "instance" || labels.find((*at)[1].str() + "=") != labels.npos)
            << query << " has no label " << (*at)[1];
    }
}

}  // namespace
}  // namespace echoscan::metric_page_test
