// Messages: nobody who has one to say waits for its reader, and none is lost unsaid.
#include "scanner/process/message_queue.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "scanner/process/file_descriptor.h"

namespace echoscan::message_queue_test {
namespace {

struct Pipe {
  Pipe() {
    std::signal(SIGPIPE, SIG_IGN);
    int ends[2] = {-1, -1};
    EXPECT_EQ(pipe(ends), 0);
    reader = FileDescriptor(ends[0]);
    writer = FileDescriptor(ends[1]);
  }

  // What is in the pipe until its writers are gone.
  std::string read_all() {
    std::string text;
    char bytes[4096];
    for (ssize_t count = 0; (count = read(reader.get(), bytes, sizeof(bytes))) > 0;)
      text.append(bytes, static_cast<std::size_t>(count));
    return text;
  }

  FileDescriptor reader;
  FileDescriptor writer;
};

std::uint64_t lines_of(const std::string& text) {
  return static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST(MessageQueue, WritesAllInOrder) {
  Pipe pipe;
  std::string expected;
  std::string read;
  std::thread reading([&] { read = pipe.read_all(); });
  {
    MessageQueue queue(pipe.writer.get());
    for (int i = 0; i < 2000; ++i) {
      const std::string message = "message " + std::to_string(i) + "\n";
      expected += message;
      queue.push(message);
    }
  }
  pipe.writer = FileDescriptor();
  reading.join();
  EXPECT_EQ(read, expected);
}

// One message of any length, behind others: a scan's account may be megabytes.
TEST(MessageQueue, ALongMessageIsWrittenWhole) {
  for (const std::size_t bytes : {MessageQueue::kQueueBytes, 40 * MessageQueue::kQueueBytes}) {
    Pipe pipe;
    std::string read;
    std::thread reading([&] { read = pipe.read_all(); });
    const std::string message(bytes, 'z');
    {
      MessageQueue queue(pipe.writer.get());
      queue.push("first\n");
      queue.push(message);
      EXPECT_EQ(queue.dropped(), 0U);
    }
    pipe.writer = FileDescriptor();
    reading.join();
    EXPECT_EQ(read, "first\n" + message);
  }
}

// A pipe that nobody reads: each push returns, the end does, and every message that the pipe does
// not hold is counted.
TEST(MessageQueue, NobodyWaitsForAReader) {
  Pipe pipe;
  const std::string message = std::string(99, 'x') + "\n";
  constexpr int kMessages = 20'000;
  std::uint64_t dropped = 0;
  {
    MessageQueue queue(pipe.writer.get());
    for (int i = 0; i < kMessages; ++i) queue.push(message);
    dropped = queue.dropped();
    EXPECT_GE(dropped, kMessages - (MessageQueue::kQueueBytes + 65536) / message.size() - 3);
  }
  // The queue's thread ends now that it is given up; the last it had in hand may be in part there.
  pipe.writer = FileDescriptor();
  EXPECT_LE(lines_of(pipe.read_all()), 65536 / message.size());
}

// A reader that comes back is told where messages are missing and how many.
TEST(MessageQueue, SaysWhatIsMissing) {
  Pipe pipe;
  const std::string message = std::string(99, 'x') + "\n";
  std::string read;
  std::uint64_t dropped = 0;
  std::thread reading;
  {
    MessageQueue queue(pipe.writer.get());
    while (queue.dropped() < 5) queue.push(message);
    dropped = queue.dropped();
    reading = std::thread([&] { read = pipe.read_all(); });
    // The queue has room when the reader has taken a part of it.
    const std::string last = "the last\n";
    while (true) {
      const std::uint64_t before = queue.dropped();
      queue.push(last);
      if (queue.dropped() == before) break;
      ++dropped;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  pipe.writer = FileDescriptor();
  reading.join();
  const std::string end =
      "echoscan: " + std::to_string(dropped) + " messages could not be written here\nthe last\n";
  ASSERT_GT(read.size(), end.size());
  EXPECT_EQ(read.substr(read.size() - end.size()), end);
}

// A full disk, a reader that has gone away, a descriptor that is closed.
TEST(MessageQueue, WhatCannotBeWrittenIsCounted) {
  Pipe broken;
  broken.reader = FileDescriptor();
  const FileDescriptor full(open("/dev/full", O_WRONLY | O_CLOEXEC));
  const FileDescriptor read_only(open("/dev/null", O_RDONLY | O_CLOEXEC));
  for (const int descriptor : {broken.writer.get(), full.get(), read_only.get(), -1}) {
    MessageQueue queue(descriptor);
    for (int i = 0; i < 10; ++i) queue.push("message\n");
    for (int i = 0; i < 1000 && queue.dropped() < 10; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_EQ(queue.dropped(), 10U) << descriptor;
  }
}

// Another process has made the pipe non-blocking: that is waited for as well.
TEST(MessageQueue, ANonBlockingPipeGetsAll) {
  Pipe pipe;
  ASSERT_EQ(fcntl(pipe.writer.get(), F_SETFL, O_WRONLY | O_NONBLOCK), 0);
  std::string read;
  std::thread reading([&] { read = pipe.read_all(); });
  {
    MessageQueue queue(pipe.writer.get());
    for (int i = 0; i < 2000; ++i) queue.push(std::string(99, 'y') + "\n");
    EXPECT_EQ(queue.dropped(), 0U);
  }
  pipe.writer = FileDescriptor();
  reading.join();
  EXPECT_EQ(read.size(), 200'000U);
}

// What a terminal shows: of the controls, those that the standing line is made of.
std::vector<std::string> screen_of(const std::string& bytes) {
  std::vector<std::string> lines(1);
  std::size_t column = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] == '\n') {
      lines.emplace_back();
      column = 0;
    } else if (bytes[i] == '\r') {
      column = 0;
    } else if (bytes.compare(i, 3, "\033[K") == 0) {
      lines.back().resize(column);
      i += 2;
    } else {
      if (column == lines.back().size()) lines.back() += ' ';
      lines.back()[column++] = bytes[i];
    }
  }
  return lines;
}

// Whatever comes in which order: messages are whole and in order, nothing of a line that stood is
// left between them, and the last one stands at the end until the queue takes it away.
TEST(MessageQueue, ALineStandsBelowAllMessages) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    std::mt19937_64 random(seed);
    Pipe pipe;
    std::string read;
    std::thread reading([&] { read = pipe.read_all(); });
    std::vector<std::string> expected;
    {
      MessageQueue queue(pipe.writer.get());
      for (int i = 0; i < 50; ++i) {
        if (random() % 2 == 0) {
          queue.stand(std::string(random() % 79, '='));
        } else {
          expected.push_back("message " + std::to_string(i));
          queue.push(expected.back() + "\n");
        }
        if (random() % 8 == 0) std::this_thread::sleep_for(std::chrono::microseconds(50));
      }
      queue.stand("the last");
      for (int i = 0; i < 200 && random() % 2 == 0; ++i)
        std::this_thread::sleep_for(std::chrono::microseconds(10));
    }
    pipe.writer = FileDescriptor();
    reading.join();
    expected.emplace_back();
    ASSERT_EQ(screen_of(read), expected) << seed;
  }
}

// A terminal that is held does not collect lines: none is dropped for them, and only the last is
// drawn when it goes on.
TEST(MessageQueue, AHeldTerminalCollectsNoLines) {
  Pipe pipe;
  std::string read;
  std::thread reading;
  {
    MessageQueue queue(pipe.writer.get());
    queue.push(std::string(2 * 65536, 'x') + "\n");
    for (int i = 0; i < 100'000; ++i) queue.stand("line " + std::to_string(i));
    EXPECT_EQ(queue.dropped(), 0U);
    reading = std::thread([&] { read = pipe.read_all(); });
    queue.push("the last\n");
  }
  pipe.writer = FileDescriptor();
  reading.join();
  EXPECT_EQ(screen_of(read),
            (std::vector<std::string>{std::string(2 * 65536, 'x'), "the last", ""}));
  EXPECT_LE(read.size(), 2 * 65536 + 200U);
}

// A terminal that is gone: the thread does not try for ever, and messages are counted as ever.
TEST(MessageQueue, ALineThatCannotBeDrawnHoldsNothingUp) {
  const FileDescriptor full(open("/dev/full", O_WRONLY | O_CLOEXEC));
  MessageQueue queue(full.get());
  queue.stand("a line");
  queue.push("message\n");
  for (int i = 0; i < 1000 && queue.dropped() < 1; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(queue.dropped(), 1U);
}

}  // namespace
}  // namespace echoscan::message_queue_test
