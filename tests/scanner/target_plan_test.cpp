// The plan: what is probed, by which seed, and why there may be none.
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "scanner/process/user_error.h"
#include "tests/scanner/plan_of.h"
#include "tests/scanner/refusal_of.h"

namespace echoscan::target_plan_test {
namespace {

std::string write_file(const std::string& name, const std::string& text) {
  std::string path = testing::TempDir() + "/" + name;
  std::ofstream(path) << text;
  return path;
}

std::string plan_refusal(const std::vector<std::string>& arguments) {
  return refusal_of([](const auto& all) { plan_of(all); }, arguments);
}

TEST(TargetPlan, CountsWhatItLeavesOut) {
  const std::string list = write_file("list.txt", "9.0.0.0/24\n9.0.0.128/25\n10.0.0.0/24\n");
  const std::string holes = write_file("holes.txt", "9.0.0.0/30\n");
  const TargetPlan plan =
      plan_of({"-t", list, "9.9.9.9", "-x", "9.0.0.5", "--exclude-file", holes, "--seed", "1"});
  EXPECT_EQ(plan.counts.listed, 256U + 256 + 1);
  EXPECT_EQ(plan.counts.excluded_by_user, 5U);
  EXPECT_EQ(plan.counts.excluded_reserved, 256U);
  EXPECT_EQ(plan.target_count, 252U);
  EXPECT_EQ(plan.seed, 1U);
  EXPECT_FALSE(plan.targets.index_of(Ipv4{0x09000001}));
  EXPECT_FALSE(plan.targets.index_of(Ipv4{0x0a000001}));
  EXPECT_EQ(plan_of({"-t", list, "--allow-reserved"}).counts.excluded_reserved, 0U);
}

// printf '1.0.0.0-1.0.0.255\n9.9.9.9-9.9.9.9\n' | sha256sum
TEST(TargetPlan, DigestIsSha256OfTheRanges) {
  EXPECT_EQ(plan_of({"9.9.9.9", "1.0.0.128/25", "1.0.0.0/25"}).digest,
            "b1a2ceb07a6fac6c1d6ed86d7b7a97291f456bea15d8ba43b822c2429444daf7");
}

TEST(TargetPlan, RandomSeedsDifferAndFitJson) {
  std::set<std::uint64_t> seeds;
  for (int i = 0; i < 20; ++i) seeds.insert(plan_of({"9.9.9.9"}).seed);
  EXPECT_EQ(seeds.size(), 20U);
  EXPECT_LE(*seeds.rbegin(), kSeedMax);
}

TEST(TargetPlan, IdentifiersDifferUnlessOneIsGiven) {
  std::set<std::string> ids;
  for (int i = 0; i < 20; ++i) ids.emplace(plan_of({"9.9.9.9", "--seed", "1"}).scan_id.text());
  EXPECT_EQ(ids.size(), 20U);
  ScanConfig config = parse_scan_config({"9.9.9.9"}).value();
  config.order.scan_id = ScanId(42);
  EXPECT_EQ(plan_of(config).scan_id, ScanId(42));
}

TEST(TargetPlan, RefusalsSayWhy) {
  EXPECT_NE(plan_refusal({"10.0.0.1"}).find("RFC 1918"), std::string::npos);
  EXPECT_NE(plan_refusal({"9.9.9.9", "-x", "9.0.0.0/8"}).find("1 listed, 1 excluded"),
            std::string::npos);
  EXPECT_NE(plan_refusal({"-t", "/nonexistent"}).find("/nonexistent"), std::string::npos);
  EXPECT_NE(plan_refusal({"-t", write_file("empty.txt", "# nothing\n")}).find("no targets"),
            std::string::npos);
  EXPECT_NE(plan_refusal({"-t", "-", "-t", "-"}).find("one list only"), std::string::npos);
  const std::string wrong = write_file("wrong.txt", "9.9.9.9\n9.9.9.9/33\nx\n");
  const std::string message = plan_refusal({"-t", wrong, "9.9.9.10/24"});
  EXPECT_NE(message.find("wrong.txt:2: 9.9.9.9/33: "), std::string::npos) << message;
  EXPECT_NE(message.find("wrong.txt:3: x: "), std::string::npos) << message;
  EXPECT_NE(message.find("the network is 9.9.9.0/24"), std::string::npos) << message;
}

TEST(TargetPlan, TargetsByLabelAreThoseThatAreProbed) {
  const std::string list = write_file("parts.txt", "1.0.0.0/24 a\n1.0.0.0/26 b\n1.0.1.0/24\n");
  const std::vector<std::string> arguments = {"-t", list, "--seed", "1", "-x", "1.0.0.0/28"};
  EXPECT_EQ(plan_of(arguments).targets_by_label, (std::vector<std::uint64_t>{256, 192, 48}));
  std::vector<std::string> first = arguments;
  first.insert(first.end(), {"--max-targets", "100"});
  const TargetPlan plan = plan_of(first);
  ASSERT_EQ(plan.targets_by_label.size(), 3U);
  EXPECT_EQ(plan.targets_by_label[0] + plan.targets_by_label[1] + plan.targets_by_label[2], 100U);
  EXPECT_GT(plan.targets_by_label[2], 0U);
}

}  // namespace
}  // namespace echoscan::target_plan_test
