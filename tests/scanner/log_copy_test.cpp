// The copy of a scan's messages: all of them, also from before there is a file, and where the log
// is quiet.
#include "scanner/process/log_copy.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "scanner/process/file_descriptor.h"
#include "scanner/process/log.h"
#include "tests/output/file_content.h"

namespace echoscan::log_copy_test {
namespace {

constexpr auto kNone = [](std::string_view) { return false; };

struct LogFile {
  std::string path = testing::TempDir() + "/log.txt";
  FileDescriptor descriptor{
      open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
};

// The lines without their dates.
std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    const std::size_t level =
        line.find(" info: ") == line.npos ? line.find(" warning: ") : line.find(" info: ");
    lines.push_back(level == line.npos ? line : line.substr(level + 1));
  }
  return lines;
}

TEST(LogCopy, HasWhatWasSaidBeforeThereIsAFile) {
  for (const LogLevel lowest : {LogLevel::warning, LogLevel::info}) {
    set_up_log(lowest);
    const LogFile file;
    log_info("before all");
    LogCopy copy(kNone);
    log_info("the {}", "first");
    log_warning("the second");
    copy.write_to(file.descriptor.get());
    log_info("the third\x1b[m");
    log_debug("nobody asks");
    write_to_stderr("as it stands\nand more\n");
    write_dated("dated");
    EXPECT_EQ(copy.close(), 0);
    log_info("behind all");
    EXPECT_EQ(lines_of(content(file.path)),
              (std::vector<std::string>{"info: the first", "warning: the second",
                                        "info: the third\\x1b[m", "as it stands", "and more",
                                        "info: dated"}));
    EXPECT_EQ(is_logged(LogLevel::info), lowest == LogLevel::info);
  }
}

TEST(LogCopy, HasDebugLinesWhereTheLogHas) {
  set_up_log(LogLevel::debug);
  const LogFile file;
  LogCopy copy(kNone);
  log_debug("in detail");
  copy.write_to(file.descriptor.get());
  EXPECT_EQ(copy.close(), 0);
  EXPECT_NE(content(file.path).find(" debug: in detail\n"), std::string::npos);
}

TEST(LogCopy, LeavesLinesOutAndSaysHowMany) {
  set_up_log(LogLevel::info);
  const LogFile file;
  LogCopy copy([](std::string_view line) { return line.find("secret") != line.npos; });
  log_info("a secret");
  copy.write_to(file.descriptor.get());
  write_to_stderr("plain\na secret\nplain again\n");
  EXPECT_EQ(copy.close(), 0);
  EXPECT_EQ(content(file.path),
            "plain\nplain again\nechoscan: 2 lines with addresses are left out\n");
}

TEST(LogCopy, LosesNoLineOfManyThreads) {
  set_up_log(LogLevel::warning);
  const LogFile file;
  LogCopy copy(kNone);
  constexpr int kThreads = 4;
  constexpr int kLines = 500;
  std::vector<std::thread> threads;
  for (int number = 0; number < kThreads; ++number)
    threads.emplace_back([number] {
      for (int line = 0; line < kLines; ++line) log_info("thread {} line {}", number, line);
    });
  copy.write_to(file.descriptor.get());
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(copy.close(), 0);
  EXPECT_EQ(lines_of(content(file.path)).size(), std::size_t{kThreads} * kLines);
}

}  // namespace
}  // namespace echoscan::log_copy_test
