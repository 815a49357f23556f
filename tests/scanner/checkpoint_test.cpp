// The checkpoint as text and as a file: read as it was written, and refused when it is damaged or
// somebody else's.
#include "scanner/checkpoint/checkpoint.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "scanner/checkpoint/checkpoint_file.h"

namespace echoscan::checkpoint_test {
namespace {

using Json = nlohmann::json;

Checkpoint sample_checkpoint() {
  Checkpoint checkpoint;
  checkpoint.program = "echoscan x";
  checkpoint.arguments = {"-t", "list \"1\"\n", "\xff\xfe", ""};
  checkpoint.directory = "/some/\xc3\xa9";
  checkpoint.results = "/some/results.jsonl";
  checkpoint.scan_id = "a123456789abcdef";
  checkpoint.form = {"csv", {"target", "type"}, {"errors"}, 10};
  checkpoint.digest = "abc";
  checkpoint.seed = 7;
  checkpoint.first = 90;
  checkpoint.passes = 2;
  checkpoint.shards = 3;
  checkpoint.steps = {10, 60};
  checkpoint.key[0] = 0xf0;
  checkpoint.key[31] = 0x0f;
  checkpoint.after_kill = {{{0, 3}, {50, 100}}, 60, 12, 5};
  checkpoint.after_power_loss = {{{0, 100}}, 0, 0, 0};
  checkpoint.in_doubt = 1;
  checkpoint.legs = {{1, 2, "interrupted", 3, 0, "n1", 8}, {4, 5, "", 6, 7, "n\xff", 9}};
  return checkpoint;
}

TEST(CheckpointFile, IsItsOwnersAloneAndNobodyElses) {
  namespace fs = std::filesystem;
  const std::string folder = testing::TempDir() + "/checkpoint_file";
  fs::remove_all(folder);
  fs::create_directory(folder);
  Checkpoint checkpoint = sample_checkpoint();
  checkpoint.results = folder + "/found";
  const std::string path = checkpoint_path(checkpoint.results);
  EXPECT_FALSE(is_foreign(checkpoint.results));
  const auto mode = [&path] { return fs::status(path).permissions(); };
  constexpr auto kOwners = fs::perms::owner_read | fs::perms::owner_write;
  for (const bool is_lasting : {false, true}) {
    ASSERT_EQ(write_checkpoint(checkpoint, is_lasting), "");
    EXPECT_EQ(mode(), kOwners);
    EXPECT_FALSE(is_foreign(checkpoint.results));
    ASSERT_TRUE(load_checkpoint(checkpoint.results, geteuid()));
    // Neither what it replaces nor what was left lets others read it.
    fs::permissions(path, fs::perms::all);
    std::ofstream(path + ".part") << "left";
    fs::permissions(path + ".part", fs::perms::all);
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), {}), 2) << "one, and the last part";
  remove_checkpoint(checkpoint.results);
  EXPECT_FALSE(fs::exists(path));
  for (const char* text : {"", "a list", "{}", "[1]", "{\"format\": \"another\"}"}) {
    std::ofstream(path) << text;
    EXPECT_TRUE(is_foreign(checkpoint.results)) << text;
  }
  std::ofstream(path) << "{\"format\": \"echoscan checkpoint\", \"version\": 7}";
  EXPECT_FALSE(is_foreign(checkpoint.results)) << "of another version";
  fs::remove(path);
  std::ofstream(folder + "/other") << checkpoint_json(checkpoint);
  fs::create_symlink("other", path);
  EXPECT_TRUE(is_foreign(checkpoint.results)) << "a link";
  EXPECT_EQ(write_checkpoint(checkpoint, false),
            "cannot write to '" + path + "': it is a symbolic link");
  fs::remove(path);
  fs::create_directory(path);
  EXPECT_TRUE(is_foreign(checkpoint.results)) << "a folder";
  EXPECT_NE(write_checkpoint(checkpoint, false), "");
}

TEST(Checkpoint, IsReadAsItWasWritten) {
  const std::string text = checkpoint_json(sample_checkpoint());
  const auto read = read_checkpoint(text);
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(checkpoint_json(*read), text);
  EXPECT_EQ(read->arguments, sample_checkpoint().arguments);
  EXPECT_EQ(read->key, sample_checkpoint().key);
}

// Whatever is changed in it: it is refused with a reason, or it is a checkpoint that reads back.
TEST(Checkpoint, WhatIsDamagedIsRefused) {
  const std::string text = checkpoint_json(sample_checkpoint());
  const Json whole = Json::parse(text);
  const auto refusal = [](const Json& json) {
    const auto read = read_checkpoint(json.dump());
    return read ? "" : read.error();
  };
  for (const auto& [key, value] : whole.items()) {
    Json without = whole;
    without.erase(key);
    EXPECT_NE(refusal(without), "") << key;
    Json wrong = whole;
    wrong[key] = Json::array({Json::object()});
    EXPECT_NE(refusal(wrong), "") << key;
  }
  Json other = whole;
  other["version"] = 3;
  EXPECT_EQ(refusal(other), "it is of version 3, and this program knows version 5");
  for (const char* pending :
       {"[[5, 5]]", "[[5, 4]]", "[[0, 101]]", "[[0, 9], [8, 20]]", "[[50, 60], [0, 9]]"}) {
    other = whole;
    other["after_kill"]["pending"] = Json::parse(pending);
    EXPECT_EQ(refusal(other), "it is damaged: its steps are no part of the order");
  }
  const Json leaves = whole.flatten();
  for (const auto& [path, value] : leaves.items()) {
    // Times may lie before 1970.
    if (!value.is_number() || path.ends_with("_ms")) continue;
    for (const char* no_count : {"-1", "1.5", "1e30", "\"1\"", "null"}) {
      other = whole;
      other[Json::json_pointer(path)] = Json::parse(no_count);
      EXPECT_NE(refusal(other), "") << path << " " << no_count;
    }
  }
  std::mt19937_64 random(6);
  for (int round = 0; round < 3000; ++round) {
    std::string damaged = text;
    for (std::uint64_t i = 1 + random() % 3; i > 0; --i)
      damaged[random() % damaged.size()] = static_cast<char>(random());
    if (round % 3 == 0) damaged.resize(random() % damaged.size());
    if (const auto read = read_checkpoint(damaged)) {
      EXPECT_TRUE(read_checkpoint(checkpoint_json(*read)));
    }
  }
}

}  // namespace
}  // namespace echoscan::checkpoint_test
