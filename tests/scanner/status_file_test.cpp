// The file of --status-file: whole whenever somebody looks, the newest at the end, and no reason to
// wait or to fail.
#include "scanner/account/status_file.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/ringbuffer_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "scanner/process/user_error.h"

namespace echoscan::status_file_test {
namespace {

namespace fs = std::filesystem;

class StatusFileTest : public testing::Test {
 protected:
  StatusFileTest() : folder(fs::path(testing::TempDir()) / "status_file_test") {
    fs::remove_all(folder);
    fs::create_directory(folder);
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("test", log));
  }
  ~StatusFileTest() override { fs::remove_all(folder); }

  static std::string content(const fs::path& path) {
    std::ifstream in(path);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
  }
  // What has been warned of until now, while the file's thread may be warning of more.
  [[nodiscard]] std::vector<std::string> warnings() const { return log->last_formatted(); }

  fs::path folder;
  std::shared_ptr<spdlog::sinks::ringbuffer_sink_mt> log =
      std::make_shared<spdlog::sinks::ringbuffer_sink_mt>(100);
};

// A text is a digit so many times; a reader that looks all the time never sees two digits, or a
// part of one text.
TEST_F(StatusFileTest, WhoeverLooksSeesOneTextAndAllOfIt) {
  const fs::path path = folder / "status";
  std::atomic<bool> is_over = false;
  std::size_t seen = 0;
  std::thread reader([&] {
    while (!is_over) {
      const std::string text = content(path);
      if (!fs::exists(path) || text.empty()) continue;
      ++seen;
      ASSERT_EQ(text.size(), 1000U * static_cast<unsigned>(text[0] - '0'));
      ASSERT_EQ(text.find_first_not_of(text[0]), text.npos);
    }
  });
  {
    StatusFile file(path);
    for (int i = 0; i < 200; ++i) {
      file.put(std::string(static_cast<std::size_t>(1000 * (i % 9 + 1)),
                           static_cast<char>('0' + i % 9 + 1)));
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    file.put(std::string(4000, '4'));
  }
  is_over = true;
  reader.join();
  EXPECT_GT(seen, 0U);
  EXPECT_EQ(content(path), std::string(4000, '4'));
  EXPECT_FALSE(fs::exists(folder / "status.part"));
  EXPECT_EQ(warnings(), std::vector<std::string>{});
}

// Nothing is written before there is something, and an earlier scan's object stays until then.
TEST_F(StatusFileTest, NothingIsWrittenBeforeTheFirstText) {
  const fs::path path = folder / "status";
  std::ofstream(path) << "earlier";
  { const StatusFile file(path); }
  EXPECT_EQ(content(path), "earlier");
}

TEST_F(StatusFileTest, WhatCannotBeWrittenIsSaidOnce) {
  {
    StatusFile file(folder / "nowhere" / "status");
    for (int i = 0; i < 20; ++i) {
      file.put("text");
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }
  const std::vector<std::string> said = warnings();
  ASSERT_EQ(said.size(), 1U);
  EXPECT_NE(said[0].find("--status-file"), std::string::npos) << said[0];
  EXPECT_NE(said[0].find("No such file or directory"), std::string::npos) << said[0];
}

// The folder comes back: the file does, too.
TEST_F(StatusFileTest, ItGoesOnWhenItCan) {
  const fs::path path = folder / "later" / "status";
  StatusFile file(path);
  file.put("first");
  for (int i = 0; i < 1000 && warnings().empty(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  fs::create_directory(folder / "later");
  file.put("second");
  for (int i = 0; i < 1000 && content(path) != "second"; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(content(path), "second");
}

TEST_F(StatusFileTest, WhatCannotBeReplacedIsRefused) {
  const fs::path fifo = folder / "fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  fs::create_symlink("/dev/null", folder / "link");
  for (const fs::path& path : {fs::path("/dev/null"), fifo, folder, folder / "link",
                               fs::path("/dev/stdout"), fs::path("/proc/self/fd/2")})
    EXPECT_THROW(StatusFile{path}, UserError) << path;
}

}  // namespace
}  // namespace echoscan::status_file_test
