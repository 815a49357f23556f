// The form of messages: a terminal of its own, a pipe and a file, in every environment that counts.
#include "scanner/process/message_form.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>
#include <string>

#include "scanner/process/file_descriptor.h"

namespace echoscan::message_form_test {
namespace {

using Variables = std::map<std::string, std::string>;

MessageForm form_of(int descriptor, const Variables& variables) {
  return message_form(descriptor, [&variables](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

struct Terminal {
  Terminal() {
    int ends[2] = {-1, -1};
    EXPECT_EQ(openpty(&ends[0], &ends[1], nullptr, nullptr, nullptr), 0);
    master = FileDescriptor(ends[0]);
    slave = FileDescriptor(ends[1]);
  }
  FileDescriptor master;
  FileDescriptor slave;
};

TEST(MessageForm, ATerminalRedrawsUnlessItOnlyPrints) {
  const Terminal terminal;
  for (const auto& [variables, redraws, is_coloured] :
       std::vector<std::tuple<Variables, bool, bool>>{
           {{{"TERM", "xterm"}}, true, true},
           {{{"TERM", "xterm"}, {"NO_COLOR", "1"}}, true, false},
           {{{"TERM", "xterm"}, {"NO_COLOR", "0"}}, true, false},
           {{{"TERM", "xterm"}, {"NO_COLOR", ""}}, true, true},
           {{{"TERM", "dumb"}}, false, false},
           {{{"TERM", ""}}, false, false},
           {{}, false, false}}) {
    const MessageForm form = form_of(terminal.slave.get(), variables);
    EXPECT_EQ(form.reader, MessageReader::terminal);
    EXPECT_EQ(form.redraws, redraws);
    EXPECT_EQ(form.is_coloured, is_coloured);
  }
}

TEST(MessageForm, AFileIsNoTerminalWhateverTheEnvironmentSays) {
  const FileDescriptor file(open("/proc/self/status", O_RDONLY | O_CLOEXEC));
  const MessageForm form = form_of(file.get(), {{"TERM", "xterm"}});
  EXPECT_EQ(form.reader, MessageReader::file);
  EXPECT_FALSE(form.redraws);
  EXPECT_FALSE(form.is_coloured);
}

TEST(MessageForm, TheJournalIsKnownByDeviceAndInode) {
  int ends[2] = {-1, -1};
  ASSERT_EQ(pipe(ends), 0);
  const FileDescriptor reader(ends[0]);
  const FileDescriptor writer(ends[1]);
  struct stat status {};
  ASSERT_EQ(fstat(writer.get(), &status), 0);
  const std::string device = std::to_string(status.st_dev);
  const std::string inode = std::to_string(status.st_ino);
  const auto reader_with = [&writer](const std::string& stream) {
    return form_of(writer.get(), {{"JOURNAL_STREAM", stream}}).reader;
  };
  EXPECT_EQ(reader_with(device + ":" + inode), MessageReader::journal);
  for (const std::string& other :
       {std::string(), device, inode, ":" + inode, device + ":" + inode + "0",
        device + ":" + std::to_string(status.st_ino + 1),
        std::to_string(status.st_dev + 1) + ":" + inode, device + ":" + inode + " "})
    EXPECT_EQ(reader_with(other), MessageReader::file) << other;
  EXPECT_EQ(form_of(-1, {{"JOURNAL_STREAM", device + ":" + inode}}).reader, MessageReader::file);
}

TEST(MessageForm, AWindowThatChangesIsFollowed) {
  const Terminal terminal;
  for (unsigned short columns = 1; columns < 400; ++columns) {
    const winsize size{24, columns, 0, 0};
    ASSERT_EQ(ioctl(terminal.master.get(), TIOCSWINSZ, &size), 0);
    EXPECT_EQ(columns_of(terminal.slave.get()), columns);
  }
  const winsize unknown{};
  ASSERT_EQ(ioctl(terminal.master.get(), TIOCSWINSZ, &unknown), 0);
  EXPECT_EQ(columns_of(terminal.slave.get()), 80U);
  EXPECT_EQ(columns_of(-1), 80U);
}

}  // namespace
}  // namespace echoscan::message_form_test
