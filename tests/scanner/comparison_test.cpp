// Two scans held against each other: the counts of a naive implementation with sets, over random
// pairs of scans, whole ones and parts; and what is said of them.
#include "scanner/command/comparison.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "scanner/command/comparison_report.h"
#include "scanner/options/compare_config.h"
#include "targets/target_set.h"
#include "tests/output/mmdb_writer.h"
#include "tests/scanner/refusal_of.h"
#include "tests/sweep_step.h"

namespace echoscan::comparison_test {
namespace {

const std::vector<Grouping> kAll = {Grouping::slash8,  Grouping::slash16, Grouping::slash24,
                                    Grouping::country, Grouping::asn,     Grouping::label};

// Databases whose networks have nothing to do with /24s.
GeoTable small_geo() {
  GeoTable geo;
  const std::string path = testing::TempDir() + "/compared.mmdb";
  MmdbWriter countries("GeoLite2-Country");
  countries.add(Ipv4{0x0a000000}, 12, {{"country", {{"iso_code", "NL"}}}});
  countries.add(Ipv4{0x0a000300}, 26, {{"country", {{"iso_code", "DE"}}}});
  countries.add(Ipv4{0x0aff0000}, 17, {{"country", {{"iso_code", "FR"}}}});
  countries.write(path);
  EXPECT_TRUE(geo.add_database(path));
  MmdbWriter systems("GeoLite2-ASN");
  systems.add(Ipv4{0x0a000080}, 25, {{"autonomous_system_number", 64500}});
  systems.add(Ipv4{0xfffffe00}, 23, {{"autonomous_system_number", 64501}});
  systems.write(path);
  EXPECT_TRUE(geo.add_database(path));
  return geo;
}

struct Pair {
  TargetSet targets;
  LabelMap labels;
  std::vector<Ipv4> first, second;
  std::optional<AskedSet> asked;
  std::set<std::uint32_t> asked_naively;
};

Pair random_pair(std::mt19937_64& random) {
  // Around networks that are at the ends of others, of the address space, and of the databases'.
  const std::uint32_t places[] = {0x0a000000, 0x0a0002f0, 0x0a00ff00, 0x0afffff0, 0xffffff00, 0};
  std::vector<AddressRange> ranges;
  std::vector<LabelledRange> entries;
  LabelTable table;
  for (std::uint64_t count = 1 + random() % 6; count > 0; --count) {
    const std::uint32_t first =
        places[random() % std::size(places)] + static_cast<std::uint32_t>(random() % 200);
    const std::uint32_t last =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(first + random() % 700, UINT32_MAX));
    ranges.push_back({{first}, {std::max(first, last)}});
    if (random() % 2 == 0)
      entries.push_back({ranges.back(), table.id_of("label " + std::to_string(random() % 3))});
  }
  TargetSet targets(merge_ranges(ranges));
  Pair pair{targets, LabelMap(std::move(table), entries), {}, {}, {}, {}};
  if (random() % 2 == 0) pair.asked.emplace(targets.size());
  const std::uint64_t one_in = 1 + random() % 4;
  for (std::uint64_t index = 0; index < targets.size(); ++index) {
    const Ipv4 target = targets.at(index);
    const bool is_asked = !pair.asked || random() % 3 != 0;
    if (is_asked) pair.asked_naively.insert(target.value);
    if (is_asked && pair.asked) pair.asked->add(index);
    // Some have replied to a scan that the other has not asked.
    const bool is_alive = random() % one_in == 0;
    if (is_alive && random() % 8 != 0) pair.first.push_back(target);
    if (is_alive && random() % 8 != 0) pair.second.push_back(target);
  }
  return pair;
}

// Of those who are in a group; one without a reply has no count.
ComparisonCount counted_naively(const Pair& pair, const std::function<bool(Ipv4)>& is_in_group) {
  std::set<std::uint32_t> first, second;
  for (const Ipv4 address : pair.first) first.insert(address.value);
  for (const Ipv4 address : pair.second) second.insert(address.value);
  ComparisonCount count;
  count.asked = 0;
  for (const std::uint32_t address : pair.asked_naively) {
    if (!is_in_group(Ipv4{address})) continue;
    ++*count.asked;
    const bool in_first = first.contains(address);
    const bool in_second = second.contains(address);
    if (in_first && in_second) ++count.both;
    if (in_first && !in_second) ++count.lost;
    if (!in_first && in_second) ++count.gained;
  }
  return count;
}

void expect_same(const ComparisonCount& count, const ComparisonCount& naive,
                 const std::string& where) {
  EXPECT_EQ(count.both, naive.both) << where;
  EXPECT_EQ(count.gained, naive.gained) << where;
  EXPECT_EQ(count.lost, naive.lost) << where;
  EXPECT_EQ(count.asked, naive.asked) << where;
  EXPECT_EQ(*count.neither(), *naive.asked - naive.both - naive.gained - naive.lost) << where;
}

// In which group an address is, as a text of its own; empty: in none.
std::string group_naively(const Pair& pair, const GeoTable& geo, Grouping grouping, Ipv4 address) {
  switch (grouping) {
    case Grouping::slash8:
      return std::to_string(address.value & 0xff000000);
    case Grouping::slash16:
      return std::to_string(address.value & 0xffff0000);
    case Grouping::slash24:
      return std::to_string(address.value & 0xffffff00);
    case Grouping::country:
      return std::string(geo.find(address).country);
    case Grouping::asn: {
      const std::uint32_t asn = geo.find(address).asn;
      return asn == 0 ? "" : std::to_string(asn);
    }
    case Grouping::label:
      break;
  }
  return "label:" + std::string(pair.labels.text(pair.labels.label_of(address)));
}

TEST(Comparison, CountsAsSetsDo) {
  const GeoTable geo = small_geo();
  std::mt19937_64 random(1);
  std::uint64_t groups = 0;
  for (int round = 0; round < 1000 && !testing::Test::HasFailure(); round += kSweepStep) {
    const Pair pair = random_pair(random);
    const Comparison comparison =
        compare_replies(pair.first, pair.second, kAll,
                        {&pair.targets, &pair.labels, &geo, pair.asked ? &*pair.asked : nullptr});
    expect_same(comparison.total, counted_naively(pair, [](Ipv4) { return true; }), "total");
    for (const Grouping grouping : kAll) {
      std::map<std::string, ComparisonCount> found;
      const auto index = static_cast<std::size_t>(grouping);
      for (const auto& [number, count] : comparison.by_number[index])
        found[std::to_string(number)] = count;
      for (const auto& [name, count] : comparison.by_name[index])
        found[(grouping == Grouping::label ? "label:" : "") + name] = count;
      std::set<std::string> expected;
      for (const auto& replied : {pair.first, pair.second})
        for (const Ipv4 address : replied)
          if (pair.asked_naively.contains(address.value))
            if (std::string group = group_naively(pair, geo, grouping, address); !group.empty())
              expected.insert(group);
      EXPECT_EQ(found.size(), expected.size()) << name_of(grouping);
      for (const std::string& group : expected) {
        ++groups;
        ASSERT_TRUE(found.contains(group)) << group;
        expect_same(found[group],
                    counted_naively(pair,
                                    [&](Ipv4 address) {
                                      return group_naively(pair, geo, grouping, address) == group;
                                    }),
                    group);
      }
    }
  }
  EXPECT_GT(groups, 5000U / kSweepStep);
}

TEST(Comparison, OfRepliesAloneItKnowsNobodyWhoWasSilent) {
  const std::vector<Ipv4> first = {{1}, {2}, {300}};
  const std::vector<Ipv4> second = {{2}, {4}, {5}};
  const Comparison comparison = compare_replies(first, second, {Grouping::slash24}, {});
  EXPECT_EQ(comparison.total.both, 1U);
  EXPECT_EQ(comparison.total.gained, 2U);
  EXPECT_EQ(comparison.total.lost, 2U);
  EXPECT_EQ(comparison.total.neither(), std::nullopt);
  const auto& networks = comparison.by_number[static_cast<std::size_t>(Grouping::slash24)];
  ASSERT_EQ(networks.size(), 2U);
  EXPECT_EQ(networks.at(256).lost, 1U);
  EXPECT_EQ(networks.at(256).asked, std::nullopt);
}

TEST(AskedSet, CountsBetweenAnyTwoPlaces) {
  constexpr std::uint64_t kTargets = 300;
  std::mt19937_64 random(2);
  AskedSet asked(kTargets);
  std::vector<bool> bits(kTargets);
  for (std::uint64_t i = 0; i < kTargets; ++i)
    if ((bits[i] = random() % 2 == 0)) asked.add(i);
  for (std::uint64_t first = 0; first <= kTargets; ++first)
    for (std::uint64_t end = first; end <= kTargets; ++end)
      ASSERT_EQ(asked.count(first, end),
                static_cast<std::uint64_t>(
                    std::count(bits.begin() + static_cast<std::ptrdiff_t>(first),
                               bits.begin() + static_cast<std::ptrdiff_t>(end), true)));
}

ComparisonReport sample_report() {
  ComparisonReport report;
  report.first = {"a\x1b[m", "finished", "0.1.0", 1'795'367'474'961, 1'795'367'476'064, 7, 256, 3};
  report.second = {"b", "interrupted", "0.1.0", 1'795'367'574'961, 1'795'367'576'064, 8, 200, 3};
  report.digest = "sha256:" + std::string(64, 'a');
  report.targets = 256;
  report.groupings = {Grouping::slash24, Grouping::label};
  return report;
}

TEST(ComparisonReport, HasTheSameFiguresInAllForms) {
  Comparison comparison;
  comparison.total = {120, 30, 40, 1000};
  comparison.by_number[static_cast<std::size_t>(Grouping::slash24)] = {
      {0x0a000000, {20, 1, 1, 256}}, {0x0a000100, {100, 29, 39, {}}}};
  comparison.by_name[static_cast<std::size_t>(Grouping::label)] = {{"", {1, 2, 3, 10}}};
  ComparisonReport report = sample_report();

  // (160 + 1)(150 + 1) / (120 + 1) - 1
  const double estimate = 161.0 * 151.0 / 121.0 - 1;
  const nlohmann::json json = nlohmann::json::parse(comparison_json(comparison, report));
  EXPECT_EQ(json["total"]["both"], 120);
  EXPECT_EQ(json["total"]["neither"], 810);
  EXPECT_NEAR(json["total"]["estimate"]["targets"].get<double>(), estimate, 1e-9);
  EXPECT_EQ(json["total"]["estimate"]["is_lower_bound"], true);
  EXPECT_NEAR(json["total"]["deviations"].get<double>(), -10 / std::sqrt(70), 1e-9);
  EXPECT_EQ(json["slash24"][0]["group"], "10.0.1.0/24");
  EXPECT_TRUE(json["slash24"][0]["neither"].is_null());
  EXPECT_EQ(json["slash24"][1]["neither"], 234);
  EXPECT_TRUE(json["label"][0]["group"].is_null());
  EXPECT_EQ(json["b"]["outcome"], "interrupted");

  const std::string csv = comparison_csv(comparison, report);
  EXPECT_NE(csv.find("total,total,120,30,40,810,1000,199.917,"), std::string::npos) << csv;
  EXPECT_NE(csv.find("slash24,10.0.1.0/24,100,29,39,,,"), std::string::npos) << csv;
  const auto columns = [](const std::string& line) {
    return std::count(line.begin(), line.end(), ',');
  };
  std::istringstream lines(csv);
  for (std::string line; std::getline(lines, line);) EXPECT_EQ(columns(line), 9) << line;

  report.rows_max = 1;
  const std::string text = comparison_text(comparison, report);
  EXPECT_NE(text.find("at least 200 targets would answer"), std::string::npos) << text;
  EXPECT_NE(text.find("a lower bound"), std::string::npos);
  EXPECT_NE(text.find("slash24, 1 of 2 groups"), std::string::npos);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

TEST(CompareConfig, RefusesWhatMakesNoSense) {
  const auto refusal = [](const std::vector<std::string>& arguments) {
    return refusal_of(parse_compare_config, arguments);
  };
  EXPECT_EQ(refusal({"a", "b"}), "");
  EXPECT_NE(refusal({"a"}), "");
  EXPECT_NE(refusal({"a", "b", "c"}), "");
  EXPECT_NE(refusal({"a", "b", "--by", "country"}), "");
  EXPECT_EQ(refusal({"a", "b", "--by", "country", "--mmdb", "x"}), "");
  EXPECT_NE(refusal({"a", "b", "--by", "slash25"}), "");
  EXPECT_NE(refusal({"a", "b", "--allow-reserved"}), "");
  EXPECT_EQ(refusal({"a", "b", "--allow-reserved", "-t", "x"}), "");
  const auto config = parse_compare_config({"a", "b", "--by", "label,slash8", "--by", "label"});
  EXPECT_EQ(config->tables.groupings, (std::vector<Grouping>{Grouping::slash8, Grouping::label}));
  EXPECT_EQ(config->tables.rows_max, 10U);
  EXPECT_EQ(parse_compare_config({"a", "b", "--format", "csv"})->tables.rows_max, 0U);
}

}  // namespace
}  // namespace echoscan::comparison_test
