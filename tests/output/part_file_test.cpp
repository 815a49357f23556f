// Provisional names when others are at work beside the scan: finished between opening and locking,
// links and second names planted, the file replaced or removed in mid-scan, a disk that runs full
// at every byte.
#include "output/sink/part_file.h"

#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "output/sink/output_file.h"
#include "tests/output/file_content.h"
#include "tests/sweep_step.h"

namespace {

// What happens before the lock is asked for.
std::function<void()>& before_lock() {
  static std::function<void()> hook;
  return hook;
}

}  // namespace

// Takes the place of the C library's.
extern "C" int flock(int descriptor, int operation) noexcept {
  if (before_lock()) before_lock()();
  return static_cast<int>(syscall(SYS_flock, descriptor, operation));
}

namespace echoscan::part_file_test {
namespace {

namespace fs = std::filesystem;

// What a reader of `path` gets, who unpacks it if its name says so.
std::string unpacked(const std::string& path) {
  if (path.find(".zst") != std::string::npos) return output_of("zstd -dcq <" + path);
  if (path.find(".gz") != std::string::npos) return output_of("gzip -dc <" + path);
  return content(path);
}

// No file may grow beyond `bytes` while this lives; writes fail with EFBIG, as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() { setrlimit(RLIMIT_FSIZE, &before_); }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
};

class PartFileTest : public testing::Test {
 protected:
  PartFileTest() : folder_(testing::TempDir() + "/part_file_test") { clear(); }
  ~PartFileTest() override { before_lock() = nullptr; }

  void clear() {
    fs::remove_all(folder_);
    fs::create_directory(folder_);
  }
  // Null when it is refused; why is then in `error`.
  std::unique_ptr<ByteSink> open(const std::string& name, OutputMode mode = OutputMode::replace) {
    tl::expected<std::unique_ptr<ByteSink>, std::string> sink = open_output(path(name), mode);
    if (sink) return std::move(*sink);
    error = sink.error();
    return nullptr;
  }
  [[nodiscard]] std::string path(const std::string& name) const { return folder_ / name; }
  void put(const std::string& name, const std::string& text) const {
    std::ofstream(path(name)) << text;
  }
  [[nodiscard]] std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }

  std::string error;

 private:
  fs::path folder_;
};

// Another scan that finishes between our opening and our locking loses no line, whether a third has
// begun by then or not.
TEST_F(PartFileTest, AScanThatFinishesMeanwhileKeepsItsLines) {
  for (const bool is_third : {false, true}) {
    clear();
    std::unique_ptr<ByteSink> first = open("found");
    first->write_some("first\n");
    std::unique_ptr<ByteSink> third;
    before_lock() = [&] {
      const std::function<void()> once = std::exchange(before_lock(), nullptr);
      EXPECT_EQ(write_and_finish(*first, "complete\n"), 0);
      first.reset();
      if (is_third) third = open("found");
    };
    const std::unique_ptr<ByteSink> ours = open("found");
    EXPECT_EQ(content(path("found")), "first\ncomplete\n");
    EXPECT_EQ(ours == nullptr, is_third) << error;
    const std::unique_ptr<ByteSink>& last = is_third ? third : ours;
    last->write_some("last\n");
    EXPECT_EQ(content(path("found")), "first\ncomplete\n");
    EXPECT_EQ(write_and_finish(*last, ""), 0);
    EXPECT_EQ(content(path("found")), "last\n");
  }
}

// Processes that write, or try to write, one file at once: whoever opens it finishes it, and what
// stands under the name is always one writer's whole.
TEST_F(PartFileTest, RivalsNeverMixNorCutEachOther) {
  constexpr int kRivals = 4;
  constexpr int kRounds = 100;
  const auto text_of = [](int rival, int round) {
    std::string text;
    for (int i = 0; i < 1 + round % 7; ++i)
      text += std::to_string(rival) + " " + std::to_string(round) + "\n";
    return text + "end\n";
  };
  // 0: all went well.
  const auto compete = [&](int rival) {
    for (int round = 0; round < kRounds; ++round) {
      std::unique_ptr<ByteSink> file = open("found");
      for (; !file; file = open("found")) {
        if (error.find("another process is writing to it") == std::string::npos) return 2;
        usleep(300);
      }
      const std::string text = text_of(rival, round);
      if (file->write_some(text.substr(0, 3)).written != 3) return 3;
      if (write_and_finish(*file, text.substr(3)) != 0 || !file->remark().empty()) return 4;
      // Ours is locked until it is closed, so that nobody else can have finished.
      if (content(path("found")) != text) return 5;
    }
    return 0;
  };
  std::vector<pid_t> rivals;
  for (int rival = 0; rival < kRivals; ++rival) {
    const pid_t child = fork();
    if (child == 0) _exit(compete(rival));
    rivals.push_back(child);
  }
  for (const pid_t child : rivals) {
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
  }
  EXPECT_EQ(files(), 1U);
}

TEST_F(PartFileTest, WhatIsAppendedToIsNotReplaced) {
  put("log", "old\n");
  std::unique_ptr<ByteSink> log = open("log", OutputMode::append);
  EXPECT_EQ(open("log"), nullptr);
  EXPECT_EQ(error, "cannot write to '" + path("log") + "': another process is writing to it");
  EXPECT_EQ(files(), 1U);
  log.reset();
  const std::unique_ptr<ByteSink> file = open("log");
  EXPECT_EQ(open("log", OutputMode::append), nullptr);
  EXPECT_EQ(write_and_finish(*file, "new\n"), 0);
  EXPECT_EQ(content(path("log")), "new\n");
}

// A log that is rotated away between opening and locking is not the one that is written to.
TEST_F(PartFileTest, ALogThatIsRotatedMeanwhileIsOpenedAgain) {
  put("log", "old\n");
  int turns = 3;
  before_lock() = [&] {
    if (turns-- > 0) fs::rename(path("log"), path("log." + std::to_string(turns)));
  };
  EXPECT_EQ(write_and_finish(*open("log", OutputMode::append), "new\n"), 0);
  EXPECT_EQ(content(path("log.2")), "old\n");
  EXPECT_EQ(content(path("log")), "new\n");
}

TEST_F(PartFileTest, WhatAKilledScanHasLeftIsEmptiedAtTheFirstByte) {
  for (const std::string name : {"found", "found.zst"}) {
    clear();
    put(name + ".part", "left\n");
    open(name).reset();
    EXPECT_EQ(content(path(name + ".part")), "left\n");
    const std::unique_ptr<ByteSink> file = open(name);
    EXPECT_EQ(content(path(name + ".part")), "left\n");
    EXPECT_EQ(write_and_finish(*file, ""), 0);
    EXPECT_EQ(unpacked(path(name)), "");
    EXPECT_EQ(files(), 1U);
  }
}

TEST_F(PartFileTest, APlantedProvisionalFileIsRefused) {
  const auto refusal_of = [&](const std::function<void()>& plant) {
    clear();
    put("victim", "precious");
    plant();
    EXPECT_EQ(open("found"), nullptr);
    EXPECT_EQ(content(path("victim")), "precious");
    return error.substr(error.find("part': ") + 7);
  };
  const std::string part = path("found.part");
  EXPECT_EQ(refusal_of([&] { fs::create_symlink(path("victim"), part); }), "it is a symbolic link");
  EXPECT_EQ(refusal_of([&] { fs::create_symlink("nowhere", part); }), "it is a symbolic link");
  EXPECT_EQ(refusal_of([&] { fs::create_hard_link(path("victim"), part); }),
            "the file has a second name");
  EXPECT_EQ(refusal_of([&] { EXPECT_EQ(mkfifo(part.c_str(), 0600), 0); }),
            "it is not a regular file");
  EXPECT_EQ(refusal_of([&] { fs::create_directory(part); }), "Is a directory");
}

// Links are followed to what is not there yet, and the link stays.
TEST_F(PartFileTest, ALinkToNoFileYetIsFollowed) {
  fs::create_directory(path("data"));
  fs::create_symlink("data/real", path("second"));
  fs::create_symlink("second", path("link"));
  for (const OutputMode mode : {OutputMode::replace, OutputMode::append}) {
    EXPECT_EQ(write_and_finish(*open("link", mode), "lines\n"), 0);
    EXPECT_TRUE(fs::is_symlink(path("link")));
    EXPECT_EQ(content(path("data/real")), "lines\n");
    fs::remove(path("data/real"));
  }
  fs::create_symlink("round", path("round"));
  EXPECT_EQ(open("round"), nullptr);
  EXPECT_NE(error.find("Too many levels of symbolic links"), std::string::npos) << error;
}

// Whatever somebody does to the names in mid-scan: their files stay, and the lines have a name.
TEST_F(PartFileTest, WhatOthersDoInMidScanDestroysNothing) {
  struct Deed {
    const char* what;
    std::function<void(const std::string& name)> carry_out;
    bool has_theirs;  // somebody's file, under the name that follows
    const char* theirs;
  };
  const auto put_theirs = [this](const std::string& name) { put(name, "theirs"); };
  const std::vector<Deed> deeds = {
      {"part removed", [&](const auto& name) { fs::remove(path(name + ".part")); }, false, ""},
      {"part replaced",
       [&](const auto& name) {
         put_theirs("new");
         fs::rename(path("new"), path(name + ".part"));
       },
       true, ".part"},
      {"part moved away",
       [&](const auto& name) { fs::rename(path(name + ".part"), path("moved")); }, false, ""},
      {"part moved and replaced",
       [&](const auto& name) {
         fs::rename(path(name + ".part"), path("moved"));
         put_theirs(name + ".part");
       },
       true, ".part"},
      {"part replaced by a link",
       [&](const auto& name) {
         put_theirs(name + ".aim");
         fs::remove(path(name + ".part"));
         fs::create_symlink(name + ".aim", path(name + ".part"));
       },
       true, ".aim"},
      {"name taken",
       [&](const auto& name) {
         put_theirs("new");
         fs::rename(path("new"), path(name));
       },
       true, ""},
      {"name and fresh names taken",
       [&](const auto& name) {
         put_theirs("new");
         fs::rename(path("new"), path(name));
         for (int i = 1; i < 5; ++i) put(name + "." + std::to_string(i), "theirs");
       },
       true, ""},
  };
  for (const std::string name : {"found", "found.gz", "found.zst"}) {
    for (const bool has_earlier : {false, true}) {
      for (const Deed& deed : deeds) {
        SCOPED_TRACE(name + ": " + deed.what + (has_earlier ? ", with an earlier file" : ""));
        clear();
        if (has_earlier) put(name, "earlier");
        const std::unique_ptr<ByteSink> file = open(name);
        file->write_some("first\n");
        deed.carry_out(name);
        EXPECT_EQ(write_and_finish(*file, "last\n"), EEXIST);
        if (deed.has_theirs) {
          EXPECT_EQ(content(path(name + deed.theirs)), "theirs");
        }
        const bool is_second = std::string(deed.what) == "name and fresh names taken";
        const std::string fresh = name + (is_second ? ".5" : ".1");
        EXPECT_EQ(unpacked(path(fresh)), "first\nlast\n");
        EXPECT_NE(file->remark().find("whole in '" + fresh + "'"), std::string::npos)
            << file->remark();
        if (has_earlier && std::string(deed.what).starts_with("part")) {
          EXPECT_EQ(content(path(name)), "earlier");
        }
      }
    }
  }
}

TEST_F(PartFileTest, AnEarlierFileThatIsRemovedInMidScanIsReplaced) {
  put("found", "earlier");
  const std::unique_ptr<ByteSink> file = open("found");
  fs::remove(path("found"));
  EXPECT_EQ(write_and_finish(*file, "new\n"), 0);
  EXPECT_EQ(content(path("found")), "new\n");
  EXPECT_EQ(file->remark(), "");
}

TEST_F(PartFileTest, ALogThatIsRemovedInMidScanIsKept) {
  put("log", "old\n");
  std::unique_ptr<ByteSink> log = open("log", OutputMode::append);
  fs::remove(path("log"));
  EXPECT_EQ(write_and_finish(*log, "new\n"), EEXIST);
  EXPECT_EQ(content(path("log.1")), "old\nnew\n");
  EXPECT_EQ(log->remark(),
            "'log' was removed in mid-scan; what was written is whole in 'log.1', beside it");
  // One that is rotated has a name.
  log = open("log", OutputMode::append);
  fs::rename(path("log"), path("log.2"));
  EXPECT_EQ(write_and_finish(*log, "new\n"), 0);
  EXPECT_EQ(content(path("log.2")), "new\n");
}

// The folder may be moved while the scan runs.
TEST_F(PartFileTest, AFolderThatIsMovedTakesItsFileAlong) {
  fs::create_directory(path("here"));
  const std::unique_ptr<ByteSink> file = open("here/found");
  fs::rename(path("here"), path("there"));
  EXPECT_EQ(write_and_finish(*file, "lines\n"), 0);
  EXPECT_EQ(content(path("there/found")), "lines\n");
}

std::string numbered_lines(int count) {
  std::string lines;
  for (int i = 0; i < count; ++i) lines += "line " + std::to_string(std::int64_t{i} * i) + "\n";
  return lines;
}

// `text` is a part of `lines` from their beginning, and ends where a line does.
void expect_whole_lines(const std::string& text, const std::string& lines) {
  EXPECT_TRUE(lines.starts_with(text));
  EXPECT_TRUE(text.empty() || text.back() == '\n');
}

// The disk takes `room` bytes, for every room up to the whole file.
TEST_F(PartFileTest, AFullDiskLeavesWholeLines) {
  const std::string lines = numbered_lines(15);
  for (const OutputMode mode : {OutputMode::replace, OutputMode::append}) {
    for (std::size_t room = 0; room < lines.size(); ++room) {
      for (const std::size_t block : {std::size_t{1}, std::size_t{7}, lines.size()}) {
        clear();
        const std::unique_ptr<ByteSink> file = open("found", mode);
        std::size_t written = 0;
        int failure = 0;
        {
          const FileSizeLimit limit(room);
          for (std::size_t i = 0; i < lines.size() && failure == 0; i += block) {
            const ByteSink::Outcome outcome = file->write_some(lines.substr(i, block));
            written += outcome.written;
            failure = outcome.error;
          }
        }
        EXPECT_EQ(failure, EFBIG);
        const std::string name = mode == OutputMode::append ? "found" : "found.part";
        const std::string left = content(path(name));
        expect_whole_lines(left, lines);
        const std::size_t line_end = lines.substr(0, room).rfind('\n') + 1;
        EXPECT_EQ(left.size(), line_end) << room << " in blocks of " << block;
        if (block == lines.size()) {
          EXPECT_EQ(written, line_end);
        }
      }
    }
  }
}

// What somebody else has put behind a log's end is not cut away.
TEST_F(PartFileTest, AFullDiskTakesNothingOfOthersFromALog) {
  put("log", "old\n");
  const std::unique_ptr<ByteSink> log = open("log", OutputMode::append);
  EXPECT_EQ(log->write_some("half").written, 4U);
  std::ofstream(path("log"), std::ios::app) << "theirs\n";
  const FileSizeLimit limit(0);
  EXPECT_EQ(log->write_some("more\n").error, EFBIG);
  EXPECT_EQ(content(path("log")), "old\nhalftheirs\n");
}

// Compressed, it is cut to whole frames: the reader gets whole lines, and no complaint.
TEST_F(PartFileTest, AFullDiskLeavesWholeFrames) {
  const std::string lines = numbered_lines(200'000);
  for (const std::string name : {"found.zst", "found.gz"}) {
    clear();
    EXPECT_EQ(write_and_finish(*open(name), lines), 0);
    EXPECT_EQ(unpacked(path(name)), lines);
    const std::uintmax_t all = fs::file_size(path(name));
    std::size_t most = 0;
    for (std::uintmax_t room = 0; room < all; room += all / 13) {
      clear();
      {
        const std::unique_ptr<ByteSink> file = open(name);
        const FileSizeLimit limit(room);
        EXPECT_EQ(write_and_finish(*file, lines), EFBIG);
      }
      if (!fs::exists(path(name + ".part"))) continue;
      const std::string left = unpacked(path(name + ".part"));
      expect_whole_lines(left, lines);
      EXPECT_GE(left.size(), most);
      most = left.size();
    }
    EXPECT_GT(most, lines.size() / 3);
  }
}

// A killed scan has left a compressed log that is cut at any byte: what was whole stays, the half
// frame is set aside, and what is appended can be read.
TEST_F(PartFileTest, WhatIsAppendedBehindHalfAFrameCanBeRead) {
  for (const std::string name : {"log.zst", "log.gz"}) {
    clear();
    const std::string first = numbered_lines(9);
    const std::string second = numbered_lines(30);
    EXPECT_EQ(write_and_finish(*open(name), first), 0);
    const std::string whole = content(path(name));
    EXPECT_EQ(write_and_finish(*open(name, OutputMode::append), second), 0);
    const std::string all = content(path(name));
    for (std::size_t cut = 1; cut <= all.size(); cut += kSweepStep) {
      SCOPED_TRACE(name + " cut at " + std::to_string(cut));
      clear();
      put(name, all.substr(0, cut));
      const std::unique_ptr<ByteSink> log = open(name, OutputMode::append);
      EXPECT_EQ(content(path(name)), all.substr(0, cut));
      EXPECT_EQ(log->continues_earlier(), cut >= whole.size());
      EXPECT_EQ(write_and_finish(*log, "new\n"), 0);
      const bool is_whole = cut == whole.size() || cut == all.size();
      EXPECT_EQ(log->remark().empty(), is_whole) << log->remark();
      const std::string kept = all.substr(0, cut < whole.size() ? 0
                                             : is_whole         ? cut
                                                                : whole.size());
      EXPECT_EQ(content(path(name)).substr(0, kept.size()), kept);
      if (cut % 16 == 0 || is_whole) {  // a process each
        EXPECT_EQ(unpacked(path(name)),
                  (cut < whole.size() ? "" : first) + (cut == all.size() ? second : "") + "new\n");
      }
      if (!is_whole) {
        EXPECT_EQ(content(path(name + ".1")), all.substr(kept.size(), cut - kept.size()));
      }
    }
  }
}

TEST_F(PartFileTest, AFullDiskLeavesNoPartOfADocument) {
  put("summary", "earlier");
  const std::string document = numbered_lines(100);
  for (std::size_t room = 0; room < document.size(); room += 13) {
    {
      const std::unique_ptr<ByteSink> file = open("summary", OutputMode::document);
      const FileSizeLimit limit(room);
      EXPECT_EQ(write_and_finish(*file, document), EFBIG);
    }
    EXPECT_EQ(content(path("summary")), "earlier");
    EXPECT_EQ(files(), 1U);
  }
  EXPECT_EQ(write_and_finish(*open("summary", OutputMode::document), document), 0);
  EXPECT_EQ(content(path("summary")), document);
}

}  // namespace
}  // namespace echoscan::part_file_test
