// The note of what --busy-poll has changed: whose it is while its scan lives, and what the next one
// reads when it does not.
#include "scanner/network/interrupt_note.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

namespace echoscan::interrupt_note_test {
namespace {

namespace fs = std::filesystem;

constexpr int kInterface = 7;
const InterruptNote::Content kContent{4711, {"1", "30000"}, {"2", "200000"}};

class InterruptNoteTest : public testing::Test {
 protected:
  InterruptNoteTest() : folder(testing::TempDir() + "/interrupt_note_test") {
    fs::remove_all(folder);
  }
  [[nodiscard]] tl::expected<InterruptNote, Refusal> take() const {
    return InterruptNote::take(kInterface, folder);
  }
  [[nodiscard]] std::optional<InterruptNote::Content> left() const {
    return InterruptNote::find_left(kInterface, folder);
  }

  std::string folder;
};

TEST_F(InterruptNoteTest, SpeaksWhenItsScanLivesNoMore) {
  EXPECT_FALSE(left());
  {
    tl::expected<InterruptNote, Refusal> note = take();
    ASSERT_TRUE(note) << note.error().reason;
    EXPECT_FALSE(note->left());
    ASSERT_TRUE(note->write(kContent));
    EXPECT_FALSE(left());
    const tl::expected<InterruptNote, Refusal> second = take();
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().error, EAGAIN);
    EXPECT_EQ(second.error().reason, "process 4711");
    // Another interface is another matter.
    EXPECT_TRUE(InterruptNote::take(kInterface + 1, folder));
  }
  ASSERT_TRUE(left());
  EXPECT_EQ(left()->process, kContent.process);
  EXPECT_EQ(left()->found, kContent.found);
  EXPECT_EQ(left()->set, kContent.set);
  tl::expected<InterruptNote, Refusal> next = take();
  ASSERT_TRUE(next);
  ASSERT_TRUE(next->left());
  EXPECT_EQ(next->left()->found, kContent.found);
  next->remove();
  EXPECT_FALSE(fs::exists(next->path()));
  // Who comes now makes one of their own, which the former holder's does not touch.
  const tl::expected<InterruptNote, Refusal> third = take();
  ASSERT_TRUE(third);
  next->remove();
  EXPECT_TRUE(fs::exists(third->path()));
}

// A scan may be killed at any byte of its writing.
TEST_F(InterruptNoteTest, HalfANoteSaysNothing) {
  const std::string path = take()->path();
  ASSERT_TRUE(take()->write(kContent));
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  const std::string all = text.str();
  for (std::size_t bytes = 0; bytes < all.size(); ++bytes) {
    std::ofstream(path) << all.substr(0, bytes);
    EXPECT_FALSE(left()) << bytes;
    EXPECT_FALSE(take()->left());
  }
  std::ofstream(path) << all;
  EXPECT_TRUE(left());
}

TEST_F(InterruptNoteTest, WhatIsNoNoteIsRefused) {
  const std::string path = take()->path();
  fs::remove(path);
  fs::create_symlink("elsewhere", path);
  EXPECT_FALSE(take());
  EXPECT_FALSE(left());
  EXPECT_FALSE(InterruptNote::take(kInterface, "/nonexistent/folder"));
}

}  // namespace
}  // namespace echoscan::interrupt_note_test
