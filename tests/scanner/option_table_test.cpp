// What a command says of its options to programs, and how it is asked for the version.
#include "scanner/options/option_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "scanner/options/aggregate_config.h"
#include "scanner/options/bench_config.h"
#include "scanner/options/compare_config.h"
#include "scanner/options/doctor_config.h"
#include "scanner/options/merge_config.h"
#include "scanner/options/option_group.h"
#include "scanner/options/scan_config.h"
#include "scanner/options/verify_config.h"
#include "scanner/process/user_error.h"

namespace echoscan::option_table_test {
namespace {

using Json = nlohmann::json;

// What `parse` prints when it is asked for the table, which ends it.
template <typename Parse>
Json table_of(const Parse& parse) {
  testing::internal::CaptureStdout();
  EXPECT_FALSE(parse(std::vector<std::string>{"--help-json"}));
  return Json::parse(testing::internal::GetCapturedStdout());
}

Json scan_table() {
  return table_of([](const auto& arguments) {
    return parse_scan_config(arguments, [](const char*) -> const char* { return nullptr; });
  });
}

Json row_of(const Json& table, const std::string& name) {
  for (const Json& row : table["options"])
    if (std::find(row["names"].begin(), row["names"].end(), name) != row["names"].end()) return row;
  ADD_FAILURE() << "no " << name;
  return {};
}

TEST(OptionTable, HasWhatWasDeclared) {
  const Json table = scan_table();
  EXPECT_EQ(table["name"], "echoscan scan");
  EXPECT_TRUE(table["footer"].get<std::string>().starts_with("Exit status: "));
  const Json targets = row_of(table, "-t");
  EXPECT_EQ(targets["names"], Json({"-t", "--targets"}));
  EXPECT_EQ(targets["type"], "FILE");
  EXPECT_EQ(targets["heading"], "Targets");
  EXPECT_TRUE(targets["repeatable"]);
  EXPECT_FALSE(targets["argument"]);
  const Json status = row_of(table, "--status");
  EXPECT_EQ(status["type"], "auto|off|json");
  EXPECT_FALSE(status["repeatable"]);
  EXPECT_EQ(row_of(table, "--dry-run")["type"], "");
  EXPECT_TRUE(row_of(table, "target")["argument"]);
  for (const char* name : {"--help", "--version", "--config", "--verbose"}) row_of(table, name);
}

TEST(OptionTable, HasEachOptionOfTheHelpAndNoOther) {
  testing::internal::CaptureStdout();
  EXPECT_FALSE(parse_doctor_config({"--help"}));
  const std::string help = testing::internal::GetCapturedStdout();
  const Json table = table_of(parse_doctor_config);
  std::size_t rows = 0;
  for (std::size_t at = help.find("\n  -"); at != help.npos; at = help.find("\n  -", at + 1))
    ++rows;
  EXPECT_EQ(table["options"].size(), rows);
  for (const Json& row : table["options"]) {
    const std::string longest = row["names"].back();
    EXPECT_NE(help.find(longest), help.npos) << longest;
    EXPECT_EQ(longest.find("help-json"), longest.npos);
  }
}

TEST(OptionTable, EachCommandHasOne) {
  EXPECT_EQ(table_of(parse_aggregate_config)["name"], "echoscan aggregate");
  EXPECT_EQ(table_of(parse_merge_config)["name"], "echoscan merge");
  EXPECT_EQ(table_of(parse_verify_config)["name"], "echoscan verify");
  EXPECT_EQ(table_of(parse_bench_config)["name"], "echoscan bench");
  const Json compare = table_of(parse_compare_config);
  EXPECT_TRUE(row_of(compare, "SCAN")["argument"]);
  // CLI11 2.4 refuses a name with a blank, and with it the whole command.
  for (const Json& row : compare["options"])
    for (const std::string name : row["names"]) EXPECT_EQ(name.find(' '), name.npos) << name;
}

TEST(OptionTable, TheListHasCommandsAndFieldsInTheirOrder) {
  const std::vector<CommandListRow> rows = {{"b", "does b", "[options]"}, {"a", "does a", "FILE"}};
  const Json list = Json::parse(command_list_json("1.2.3", "is a program", rows));
  EXPECT_EQ(list["version"], "1.2.3");
  EXPECT_EQ(list["commands"][0]["name"], "b");
  EXPECT_EQ(list["commands"][1]["usage"], "FILE");
  EXPECT_EQ(list["result_fields"][0], "type");
  EXPECT_EQ(list["result_fields"].back(), "scan_id");
}

TEST(Version, IsAskedForBehindEachCommand) {
  for (const char* option : {"-V", "--version"}) {
    EXPECT_THROW(parse_doctor_config({option}), AskedForVersion);
    EXPECT_THROW(parse_verify_config({"somewhere", option}), AskedForVersion);
  }
  // As the value of another option it is a text, and in a file nobody asks.
  EXPECT_THROW(parse_doctor_config({"--interface=-V", "--bogus"}), UserError);
  const std::string file = testing::TempDir() + "/version.toml";
  std::ofstream(file) << "version = true\n";
  EXPECT_THROW(parse_doctor_config({"--config", file}), UserError);
}

}  // namespace
}  // namespace echoscan::option_table_test
