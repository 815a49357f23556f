// What -o names: provisional names, logs, devices, compression; and what is left when it goes
// wrong. Compressed files are read back by gzip and zstd themselves.
#include "output/sink/output_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <random>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>

#include "output/result/result_writer.h"
#include "output/sink/compressed_sink.h"
#include "tests/output/file_content.h"

namespace echoscan::output_file_test {
namespace {

namespace fs = std::filesystem;

class OutputFile : public testing::Test {
 protected:
  OutputFile() : folder_(testing::TempDir() + "/output_file_test") {
    fs::remove_all(folder_);
    fs::create_directory(folder_);
  }

  std::unique_ptr<ByteSink> open(const std::string& name, OutputMode mode = OutputMode::replace) {
    return open_any(path(name), mode);
  }
  // Null when it is refused; why is then in `error`.
  std::unique_ptr<ByteSink> open_any(const std::string& path,
                                     OutputMode mode = OutputMode::replace) {
    tl::expected<std::unique_ptr<ByteSink>, std::string> sink = open_output(path, mode);
    if (sink) return std::move(*sink);
    error = sink.error();
    return nullptr;
  }
  [[nodiscard]] std::string path(const std::string& name) const { return folder_ / name; }
  [[nodiscard]] std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }

  std::string error;

 private:
  fs::path folder_;
};

// Who may read the earlier document may read the new one; a secret is nobody else's in any case.
TEST_F(OutputFile, IsReplacedAsAWhole) {
  const auto mode = [this] { return fs::status(path("text")).permissions(); };
  constexpr auto kOwners = fs::perms::owner_read | fs::perms::owner_write;
  constexpr auto kEarlier = kOwners | fs::perms::others_read;
  for (const OutputMode kind : {OutputMode::document, OutputMode::secret}) {
    for (const bool is_lasting : {false, true}) {
      EXPECT_EQ(replace_file(path("text"), "a long text", kind, is_lasting), "");
      fs::permissions(path("text"), kEarlier);
      EXPECT_EQ(replace_file(path("text"), "short", kind, is_lasting), "");
      EXPECT_EQ(content(path("text")), "short");
      EXPECT_EQ(mode(), kind == OutputMode::secret ? kOwners : kEarlier);
      EXPECT_EQ(files(), 1U);
    }
    EXPECT_EQ(replace_file(path("no/text"), "text", kind),
              "cannot write to '" + path("no/text") + "': No such file or directory");
    fs::remove(path("text"));
  }
  EXPECT_EQ(replace_file(path("text"), "new", OutputMode::secret), "");
  EXPECT_EQ(mode(), kOwners);
  // What a killed scan has left, and others may read.
  std::ofstream(path("text.part")) << "left, and longer";
  fs::permissions(path("text.part"), fs::perms::all);
  EXPECT_EQ(replace_file(path("text"), "newer", OutputMode::secret), "");
  EXPECT_EQ(mode(), kOwners);
  EXPECT_EQ(content(path("text")), "newer");
  fs::create_symlink("text", path("link"));
  EXPECT_EQ(replace_file(path("link"), "secret", OutputMode::secret),
            "cannot write to '" + path("link") + "': it is a symbolic link");
  EXPECT_EQ(replace_file(path("link"), "document", OutputMode::document), "");
  EXPECT_EQ(content(path("text")), "document");
}

// A resumed scan gives up lines of which nobody knows whether they are whole.
TEST_F(OutputFile, OfAnEarlierLegIsKeptAsFarAsItIsGood) {
  std::ofstream(path("found.part")) << "one\ntwo\nthree\nfou";
  const auto file = open("found", OutputMode::resume);
  ASSERT_TRUE(file) << error;
  EXPECT_EQ(file->keep_first(15), EINVAL);
  EXPECT_EQ(file->keep_first(8), 0);
  EXPECT_EQ(write_and_finish(*file, "drei\n"), 0);
  EXPECT_EQ(content(path("found")), "one\ntwo\ndrei\n");
  EXPECT_EQ(file->keep_first(4), EINVAL);
  EXPECT_EQ(DescriptorSink(dup(STDERR_FILENO)).keep_first(0), ENOTSUP);
}

// At any moment a packed file has whole frames up to where it says, with the lines that it vouches
// for; and over legs that are killed and cut to there, with anything behind it, no line is lost
// that was vouched for, nor is there one twice.
TEST_F(OutputFile, PackedIsWholeUpToWhatIsInPlace) {
  std::mt19937_64 random(9);
  for (const std::string name : {"found.zst", "found.gz"}) {
    const std::string unpack = name == "found.zst" ? "zstd -dcq" : "gzip -dc";
    const std::string test = name == "found.zst" ? "zstd -tq" : "gzip -t";
    std::uint64_t lines = 0;
    for (int leg = 0; leg < 3; ++leg) {
      auto file = open(name, leg == 0 ? OutputMode::replace : OutputMode::resume);
      ASSERT_TRUE(file) << error;
      std::uint64_t bytes = file->packed_bytes_in_place();
      std::uint64_t vouched = 0;
      std::uint64_t taken = 0;
      for (int burst = 0; burst < 27; ++burst) {
        std::string text;
        for (int line = 0; line < 3000; ++line)
          text += std::to_string(lines + taken++) + " " + std::to_string(random()) + "\n";
        for (std::string_view rest = text; !rest.empty();) {
          rest.remove_prefix(file->write_some(rest).written);
          file->wait_writable(10);
        }
        vouched = file->lines_in_place(taken);
        bytes = file->packed_bytes_in_place();
        if (burst % 9 != 8 || bytes == 0) continue;
        const std::string whole = path("whole");
        const std::string there = output_of(
            "head -c " + std::to_string(bytes) + " " + path(name + ".part") + " >" + whole +
            " && " + test + " <" + whole + " && " + unpack + " <" + whole + " | wc -l");
        ASSERT_GE(std::stoull(there), lines + vouched);
      }
      // There is more than a frame of it, sooner or later.
      while (vouched == 0) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        vouched = file->lines_in_place(taken);
        bytes = file->packed_bytes_in_place();
      }
      file.reset();
      // A loss of power.
      fs::resize_file(path(name + ".part"), bytes);
      std::ofstream(path(name + ".part"), std::ios::app) << std::string(random() % 9000, '\0');
      file = open(name, OutputMode::resume);
      ASSERT_TRUE(file) << error;
      ASSERT_EQ(file->keep_first(bytes), 0);
      ASSERT_EQ(file->packed_bytes_in_place(), bytes);
      file.reset();
      lines = std::stoull(output_of(unpack + " <" + path(name + ".part") + " | wc -l"));
    }
    const auto file = open(name, OutputMode::resume);
    EXPECT_EQ(write_and_finish(*file, std::to_string(lines) + " the last\n"), 0);
    EXPECT_EQ(output_of(unpack + " <" + path(name) + " | awk '$1 != NR - 1' | head -3"), "");
    EXPECT_EQ(std::stoull(output_of(unpack + " <" + path(name) + " | wc -l")), lines + 1);
  }
}

// A leg that is refused before it has written anything leaves what the next one goes on behind,
// though nothing whole may be in it yet.
TEST_F(OutputFile, OfAnEarlierLegOutlivesALegThatIsRefused) {
  for (const char* name : {"found", "found.zst", "found.gz"})
    for (const char* left : {"", "half a line", "\x28\xb5"}) {
      const std::string part = path(std::string(name) + ".part");
      std::ofstream(part) << left;
      for (int leg = 0; leg < 3; ++leg) {
        ASSERT_TRUE(open(name, OutputMode::resume)) << error;
        ASSERT_TRUE(fs::exists(part)) << name << " behind leg " << leg;
      }
      fs::remove(part);
    }
}

TEST_F(OutputFile, HasItsNameWhenItIsComplete) {
  std::ofstream(path("found")) << "earlier";
  const std::unique_ptr<ByteSink> file = open("found");
  ASSERT_NE(file, nullptr);
  EXPECT_FALSE(file->continues_earlier());
  EXPECT_EQ(file->write_some("new\n").written, 4U);
  EXPECT_EQ(content(path("found")), "earlier");
  EXPECT_EQ(content(path("found.part")), "new\n");
  EXPECT_EQ(write_and_finish(*file, "lines\n"), 0);
  EXPECT_EQ(content(path("found")), "new\nlines\n");
  EXPECT_EQ(files(), 1U);
}

// An earlier file that holds something is worth more than half a scan; the next leg goes on behind
// that half, and takes its place when it is whole.
TEST_F(OutputFile, ThatIsCutShortReplacesNothing) {
  for (const std::string name : {"found", "found.gz", "found.zst"}) {
    const std::string unpack = name == "found"      ? "cat"
                               : name == "found.gz" ? "gzip -dc"
                                                    : "zstd -dcq";
    for (const std::string earlier : {"earlier", "", "absent"}) {
      SCOPED_TRACE(name + ", " + earlier);
      const std::string part = path(name + ".part");
      fs::remove(path(name));
      if (earlier != "absent") std::ofstream(path(name)) << earlier;
      auto file = open(name);
      file->keep_earlier();
      EXPECT_EQ(write_and_finish(*file, "first\n"), 0);
      const bool stays = earlier == "earlier";
      EXPECT_EQ(output_of(unpack + " <" + (stays ? part : path(name))), "first\n");
      EXPECT_EQ(fs::exists(part), stays);
      EXPECT_EQ(file->remark().empty(), !stays) << file->remark();
      if (!stays) continue;
      EXPECT_EQ(content(path(name)), "earlier");
      file.reset();
      file = open(name, OutputMode::resume);
      EXPECT_EQ(write_and_finish(*file, "last\n"), 0);
      EXPECT_EQ(output_of(unpack + " <" + path(name)), "first\nlast\n");
      EXPECT_FALSE(fs::exists(part));
    }
  }
}

TEST_F(OutputFile, ThatIsNotFinishedKeepsItsProvisionalName) {
  std::ofstream(path("found")) << "earlier";
  open("found")->write_some("whole\nhalf");
  EXPECT_EQ(content(path("found")), "earlier");
  EXPECT_EQ(content(path("found.part")), "whole\n");
  // The next one begins anew, but not before it has something.
  open("found").reset();
  EXPECT_EQ(content(path("found.part")), "whole\n");
  open("found")->write_some("new\n");
  EXPECT_EQ(content(path("found.part")), "new\n");
  open("other").reset();
  EXPECT_EQ(files(), 2U);
}

TEST_F(OutputFile, IsOneProcessesAlone) {
  const std::unique_ptr<ByteSink> first = open("found");
  first->write_some("first");
  EXPECT_EQ(open("found"), nullptr);
  EXPECT_NE(error.find("found.part': another process is writing to it"), std::string::npos);
  EXPECT_EQ(content(path("found.part")), "first");
}

TEST_F(OutputFile, IsTheOneBehindALinkWithItsPermissions) {
  std::ofstream(path("real")) << "earlier";
  fs::permissions(path("real"), fs::perms::owner_read | fs::perms::owner_write);
  fs::create_symlink("real", path("link"));
  EXPECT_EQ(write_and_finish(*open("link"), "new"), 0);
  EXPECT_TRUE(fs::is_symlink(path("link")));
  EXPECT_EQ(content(path("real")), "new");
  EXPECT_EQ(fs::status(path("real")).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(OutputFile, RefusalNamesTheFileAndTheReason) {
  EXPECT_EQ(open_any("/nonexistent/file"), nullptr);
  EXPECT_EQ(error, "cannot write to '/nonexistent/file': No such file or directory");
  EXPECT_EQ(open_any("/nonexistent/file", OutputMode::append), nullptr);
  EXPECT_EQ(error, "cannot write to '/nonexistent/file': No such file or directory");
  EXPECT_EQ(open_any(path("")), nullptr);
  EXPECT_NE(error.find("Is a directory"), std::string::npos);
}

TEST_F(OutputFile, AppendGoesOnBehindWholeLines) {
  std::unique_ptr<ByteSink> log = open("log", OutputMode::append);
  EXPECT_FALSE(log->continues_earlier());
  log->write_some("one\n");
  EXPECT_EQ(content(path("log")), "one\n");
  EXPECT_EQ(open("log", OutputMode::append), nullptr);
  EXPECT_NE(error.find("log': another process is writing to it"), std::string::npos);
  log.reset();
  log = open("log", OutputMode::append);
  EXPECT_TRUE(log->continues_earlier());
  EXPECT_EQ(write_and_finish(*log, "two\nhal"), 0);
  log.reset();
  EXPECT_EQ(write_and_finish(*open("log", OutputMode::append), "three\n"), 0);
  EXPECT_EQ(content(path("log")), "one\ntwo\nhal\nthree\n");
  EXPECT_EQ(files(), 1U);
}

TEST_F(OutputFile, DevicesAndPipesAreWrittenDirectly) {
  EXPECT_EQ(write_and_finish(*open_any("/dev/null"), "gone"), 0);
  const std::unique_ptr<ByteSink> full = open_any("/dev/full");
  EXPECT_EQ(full->write_some("x").error, ENOSPC);

  ASSERT_EQ(mkfifo(path("fifo").c_str(), 0600), 0);
  std::string read;
  std::thread reader([&] { read = content(path("fifo")); });
  EXPECT_EQ(write_and_finish(*open("fifo"), "through"), 0);
  reader.join();
  EXPECT_EQ(read, "through");

  // What a shell has opened goes on where it is.
  std::ofstream(path("log")) << "earlier ";
  const int descriptor = ::open(path("log").c_str(), O_WRONLY | O_APPEND);
  const std::string name = "/dev/fd/" + std::to_string(descriptor);
  EXPECT_EQ(write_and_finish(*open_any(name), "later"), 0);
  close(descriptor);
  EXPECT_EQ(content(path("log")), "earlier later");
}

std::string many_lines() {
  std::string lines;
  for (int i = 0; i < 200'000; ++i) lines += "{\"target\":\"" + std::to_string(i) + "\"}\n";
  return lines;
}

TEST_F(OutputFile, CompressesByItsName) {
  const std::string lines = many_lines();
  for (const std::string tool : {"gzip", "zstd"}) {
    const std::string name = tool == "gzip" ? "found.gz" : "found.zst";
    EXPECT_EQ(write_and_finish(*open(name), lines), 0);
    EXPECT_LT(fs::file_size(path(name)), lines.size() / 4);
    EXPECT_EQ(output_of(tool + " -dc " + path(name)), lines);
    EXPECT_EQ(write_and_finish(*open(name, OutputMode::append), "more\n"), 0);
    EXPECT_EQ(output_of(tool + " -dc " + path(name)), lines + "more\n");
    EXPECT_EQ(write_and_finish(*open("empty-" + name), ""), 0);
    EXPECT_EQ(output_of(tool + " -dc " + path("empty-" + name)), "");
  }
}

// What is in a file whose scan is killed: all but the last second, in whole blocks.
TEST_F(OutputFile, CompressedLinesAreFlushedEverySecond) {
  const std::unique_ptr<ByteSink> file = open("slow.zst");
  for (int i = 0; i < 15; ++i) {
    file->write_some("line\n");
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  const std::string flushed =
      output_of("zstd -dcq " + path("slow.zst.part") + " 2>/dev/null; [ $? = 1 ]");
  EXPECT_GE(flushed.size(), 25U);
  EXPECT_EQ(flushed.substr(0, 10), "line\nline\n");
}

// A destination that takes nothing, then all, then fails; and is told of it.
class StubbornSink : public ByteSink {
 public:
  struct State {
    std::mutex mutex;
    bool is_stuck = true;
    int error = 0;
    std::string taken;
  };

  explicit StubbornSink(State& state) : state_(state) {}
  Outcome write_some(std::string_view bytes) override {
    const std::lock_guard lock(state_.mutex);
    if (state_.error != 0) return {0, state_.error};
    if (state_.is_stuck) return {0, 0};
    state_.taken.append(bytes);
    return {bytes.size(), 0};
  }
  void wait_writable(int) override { std::this_thread::yield(); }

 private:
  State& state_;
};

// Bytes that do not compress.
std::string noise(std::size_t bytes) {
  std::string text;
  std::uint64_t state = 1;
  for (; text.size() < bytes; state = state * 6364136223846793005 + 1442695040888963407)
    text += static_cast<char>(state >> 56);
  return text;
}

TEST(CompressedSink, ASlowDestinationIsTheWritersLimit) {
  StubbornSink::State state;
  CompressedSink sink(std::make_unique<StubbornSink>(state), Compression::zstd);
  ResultWriter writer(sink);
  const std::string line = noise(64 << 10);
  for (int i = 0; i < 100; ++i) {
    std::copy(line.begin(), line.end(), writer.room(line.size()).begin());
    writer.append(line.size());
    writer.flush();
  }
  EXPECT_TRUE(writer.is_limit());
  EXPECT_FALSE(writer.finish(10));
  {
    const std::lock_guard lock(state.mutex);
    state.is_stuck = false;
  }
  while (!writer.finish(50)) {
  }
  EXPECT_EQ(writer.error(), 0);
  EXPECT_FALSE(writer.is_limit());
  EXPECT_GT(state.taken.size(), 64U << 10);
}

TEST(CompressedSink, AnErrorReachesTheWriter) {
  StubbornSink::State state;
  state.error = ENOSPC;
  CompressedSink sink(std::make_unique<StubbornSink>(state), Compression::gzip);
  EXPECT_EQ(write_and_finish(sink, noise(4 << 20)), ENOSPC);
  EXPECT_EQ(sink.write_some("more").error, ENOSPC);
}

TEST(CompressedSink, CanBeLeftWithoutWaiting) {
  StubbornSink::State state;
  {
    CompressedSink sink(std::make_unique<StubbornSink>(state), Compression::zstd);
    while (sink.write_some(noise(1 << 20)).written > 0) {
    }
    EXPECT_FALSE(sink.finish(1).is_done);
  }
  EXPECT_EQ(state.taken, "");
}

}  // namespace
}  // namespace echoscan::output_file_test
