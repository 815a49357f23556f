// No output is an input or another output, by whichever names: every option that writes against
// every option that reads or writes, and every way in which two names are one file.
#include "scanner/options/named_files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "scanner/options/aggregate_config.h"
#include "scanner/options/bench_config.h"
#include "scanner/options/doctor_config.h"
#include "scanner/options/scan_config.h"
#include "scanner/options/target_report_config.h"
#include "scanner/process/user_error.h"
#include "tests/scanner/refusal_of.h"

namespace echoscan::named_files_test {
namespace {

namespace fs = std::filesystem;
using Arguments = std::vector<std::string>;

// Stands for a file's name in a command.
const std::string kFirst = "FIRST";
const std::string kSecond = "SECOND";

// A descriptor that leads to `path` while this lives.
class Redirection {
 public:
  Redirection(int descriptor, const std::string& path) : descriptor_(descriptor) {
    before_ = dup(descriptor);
    const int file = open(path.c_str(), O_RDWR | O_APPEND | O_CREAT, 0600);
    dup2(file, descriptor);
    close(file);
  }
  ~Redirection() {
    dup2(before_, descriptor_);
    close(before_);
  }
  Redirection(const Redirection&) = delete;
  Redirection& operator=(const Redirection&) = delete;

 private:
  int descriptor_;
  int before_;
};

void parse(const Arguments& arguments) {
  const std::string& command = arguments.front();
  const Arguments rest(arguments.begin() + 1, arguments.end());
  if (command == "scan") parse_scan_config(rest, [](const char*) { return nullptr; });
  if (command == "targets") parse_target_report_config(rest);
  if (command == "aggregate") parse_aggregate_config(rest);
  if (command == "bench") parse_bench_config(rest);
  if (command == "doctor") parse_doctor_config(rest);
}

std::string refusal_of(const Arguments& arguments) {
  return echoscan::refusal_of(parse, arguments);
}

class NamedFilesTest : public testing::Test {
 protected:
  NamedFilesTest() : folder_(testing::TempDir() + "/named_files_test") { clear(); }

  void clear() {
    fs::remove_all(folder_);
    fs::create_directory(folder_);
  }
  [[nodiscard]] std::string path(const std::string& name) const { return folder_ / name; }
  // An empty file is a list, a config file and a database that is not opened yet.
  void put(const std::string& name) const { std::ofstream(path(name)) << ""; }

  // The command with these two names in it.
  static Arguments with(Arguments arguments, const std::string& first, const std::string& second) {
    for (std::string& argument : arguments) {
      if (argument == kFirst) argument = first;
      if (argument == kSecond) argument = second;
    }
    return arguments;
  }

 private:
  fs::path folder_;
};

// Two names and whether they are one file.
struct Pair {
  const char* what;
  std::function<std::pair<std::string, std::string>()> make;
  bool is_one;
};

// Each writes FIRST and reads or writes SECOND.
const std::vector<Arguments> kWritingCommands = {
    {"scan", "1.1.1.1", "-o", kFirst, "-t", kSecond},
    {"scan", "1.1.1.1", "-o", kFirst, "-t", "-", "-t", kSecond},
    {"scan", "1.1.1.1", "-o", kFirst, "--exclude-file", kSecond},
    {"scan", "1.1.1.1", "-o", kFirst, "--config", kSecond},
    {"scan", "1.1.1.1", "-o", kFirst, "--mmdb", "/etc/passwd", "--mmdb", kSecond},
    {"scan", "1.1.1.1", "--dry-run", "-o", kFirst, "-t", kSecond},
    {"scan", "1.1.1.1", "-o", kFirst, "--append", "-t", kSecond},
    {"scan", "1.1.1.1", "--summary", kFirst, "-t", kSecond},
    {"scan", "1.1.1.1", "--summary", kFirst, "--exclude-file", kSecond},
    {"scan", "1.1.1.1", "--summary", kFirst, "--config", kSecond},
    {"scan", "1.1.1.1", "--summary", kFirst, "--mmdb", kSecond},
    {"scan", "1.1.1.1", "--summary", kFirst, "-o", kSecond},
    {"scan", "1.1.1.1", "-o", kFirst, "--append", "--summary", kSecond},
    {"bench", "-i", "lo", "--dst", "127.0.0.1", "--json", kFirst, "--config", kSecond},
};

TEST_F(NamedFilesTest, NoOutputIsAnInputOrAnotherOutput) {
  const auto twice = [this](const char* first, const char* second) {
    return [this, first, second] {
      put("file");
      return std::pair(path(first), path(second));
    };
  };
  const auto linked = [this](const std::function<void()>& link, bool is_reverse) {
    return [this, link, is_reverse] {
      put("file");
      link();
      return is_reverse ? std::pair(path("link"), path("file"))
                        : std::pair(path("file"), path("link"));
    };
  };
  const auto symbolic = [this] { fs::create_symlink("file", path("link")); };
  const auto hard = [this] { fs::create_hard_link(path("file"), path("link")); };
  const auto chain = [this] {
    fs::create_symlink(path("second"), path("link"));
    fs::create_symlink("./file", path("second"));
  };
  std::vector<Pair> pairs = {
      {"one name", twice("file", "file"), true},
      {"another spelling", twice("./file", "file"), true},
      {"through a folder", twice("../named_files_test/file", "file"), true},
      {"through a linked folder",
       [this] {
         put("file");
         fs::create_symlink(".", path("folder"));
         return std::pair(path("folder/file"), path("file"));
       },
       true},
      {"two files",
       [this] {
         put("file");
         put("other");
         return std::pair(path("file"), path("other"));
       },
       false},
      {"a terminal or another device", [] { return std::pair("/dev/null", "/dev/null"); }, false},
  };
  for (const bool is_reverse : {false, true}) {
    pairs.push_back({"symbolic link", linked(symbolic, is_reverse), true});
    pairs.push_back({"hard link", linked(hard, is_reverse), true});
    pairs.push_back({"chain of links", linked(chain, is_reverse), true});
  }
  for (const Arguments& command : kWritingCommands) {
    for (const Pair& pair : pairs) {
      clear();
      const auto [first, second] = pair.make();
      const std::string refusal = refusal_of(with(command, first, second));
      SCOPED_TRACE(testing::PrintToString(command) + ": " + pair.what + ": " + refusal);
      EXPECT_EQ(!refusal.empty(), pair.is_one);
      if (!pair.is_one) continue;
      EXPECT_NE(refusal.find("'" + first + "'"), std::string::npos);
      EXPECT_NE(refusal.find("'" + second + "'"), std::string::npos);
      EXPECT_NE(refusal.find("is the same file as"), std::string::npos);
    }
  }
}

// Outputs that do not exist yet.
TEST_F(NamedFilesTest, TwoNewFilesAreOneByFolderAndName) {
  fs::create_directory(path("real"));
  fs::create_symlink("real", path("folder"));
  fs::create_symlink("real/found", path("link"));
  const auto refuses = [this](const std::string& output, const std::string& summary) {
    return !refusal_of({"scan", "1.1.1.1", "-o", path(output), "--summary", path(summary)}).empty();
  };
  const std::vector<std::string> same = {"real/found", "folder/found", "real/./found", "link",
                                         "folder/../real/found"};
  for (const std::string& output : same) {
    for (const std::string& summary : same) EXPECT_TRUE(refuses(output, summary)) << output;
    EXPECT_FALSE(refuses(output, "found"));
    EXPECT_FALSE(refuses(output, "real/found2"));
    // Provisional names, in either direction.
    EXPECT_TRUE(refuses(output, "real/found.part"));
    EXPECT_TRUE(refuses("folder/found.part", output));
    EXPECT_FALSE(refuses(output, "found.part"));
    EXPECT_FALSE(refuses(output, "no_such_folder/found"));
  }
}

TEST_F(NamedFilesTest, AProvisionalNameIsNoInputEither) {
  put("found.part");
  const std::string refusal = refusal_of({"scan", "-t", path("found.part"), "-o", path("found")});
  EXPECT_EQ(refusal, "-o '" + path("found") + "', written as 'found.part' at first, is the same " +
                         "file as -t '" + path("found.part") +
                         "': what is read would be written over");
  // A log has none.
  EXPECT_EQ(refusal_of({"scan", "-t", path("found.part"), "-o", path("found"), "--append"}), "");
}

// What the shell has opened, as each command reads and writes it.
TEST_F(NamedFilesTest, StandardInputAndOutputAreFilesToo) {
  put("file");
  put("other");
  const std::string file = path("file");
  {
    const Redirection input(STDIN_FILENO, file);
    EXPECT_NE(refusal_of({"scan", "-t", "-", "-o", file}).find("as standard input: what is read"),
              std::string::npos);
    EXPECT_EQ(refusal_of({"scan", "1.1.1.1", "-o", file}), "");
    EXPECT_NE(refusal_of({"scan", "-t", "/dev/stdin", "-o", file}), "");
    EXPECT_EQ(refusal_of({"scan", "-t", "-", "-o", path("other")}), "");
  }
  const std::vector<Arguments> printing = {
      {"scan", "-t", kFirst},
      {"scan", "--dry-run", "-o", path("found"), "-t", kFirst},
      {"targets", "-t", kFirst},
      {"targets", "1.1.1.1", "--exclude-file", kFirst},
      {"targets", "1.1.1.1", "--config", kFirst},
      {"aggregate", kFirst},
      {"aggregate", path("other"), "--summary", kFirst},
      {"aggregate", path("other"), "-t", kFirst},
      {"aggregate", path("other"), "-t", path("other"), "--mmdb", kFirst},
      {"aggregate", path("other"), "-t", path("other"), "--exclude-file", kFirst},
      {"aggregate", path("other"), "--config", kFirst},
      {"doctor", "--to", kFirst},
      {"doctor", "--config", kFirst},
      {"bench", "-i", "lo", "--dst", "127.0.0.1", "--config", kFirst},
      {"bench", "-i", "lo", "--dst", "127.0.0.1", "--json", kFirst},
  };
  for (const int stream : {STDOUT_FILENO, STDERR_FILENO}) {
    for (const Arguments& command : printing) {
      std::string refusal;
      {
        const Redirection output(stream, file);
        refusal = refusal_of(with(command, file, ""));
        EXPECT_EQ(refusal_of(with(command, path("other"), "")), "");
      }
      SCOPED_TRACE(testing::PrintToString(command) + refusal);
      EXPECT_NE(refusal.find(stream == STDOUT_FILENO ? "standard output" : "standard error"),
                std::string::npos);
    }
  }
}

// The log is the shell's affair where it opened both, and not where an output would replace it.
TEST_F(NamedFilesTest, StandardErrorMayGoWhereStandardOutputGoes) {
  put("file");
  const Redirection output(STDOUT_FILENO, path("file"));
  const Redirection error(STDERR_FILENO, path("file"));
  const std::string both = refusal_of({"scan", "1.1.1.1"});
  const std::string summary =
      refusal_of({"scan", "1.1.1.1", "-o", path("found"), "--summary", "/dev/stderr"});
  const std::string replaced = refusal_of({"scan", "1.1.1.1", "-o", path("file")});
  const std::string mixed = refusal_of({"scan", "1.1.1.1", "--summary", "/dev/stdout"});
  EXPECT_EQ(both, "");
  EXPECT_EQ(summary, "");
  EXPECT_NE(replaced, "");
  EXPECT_NE(mixed, "");
}

// What stands beside the results of a scan that can be gone on with.
TEST_F(NamedFilesTest, ACheckpointIsAnOutputToo) {
  const std::string results = path("found");
  for (const std::string ending : {".scan", ".scan.part", ".scan.answers"}) {
    const std::string name = results + ending;
    const Arguments scan = {"scan", "1.1.1.1", "-o", results};
    const auto refusal = [&scan](const Arguments& more) {
      Arguments all = scan;
      all.insert(all.end(), more.begin(), more.end());
      return refusal_of(all);
    };
    EXPECT_NE(refusal({"--summary", name}).find("the checkpoint"), std::string::npos);
    EXPECT_NE(refusal({"--status-file", name}), "");
    EXPECT_EQ(refusal({"--summary", name, "--no-checkpoint"}), "");
    EXPECT_EQ(refusal({"--summary", name, "--append"}), "");
    put("found" + ending);
    EXPECT_NE(refusal({"-t", name}).find("what is read would be written over"), std::string::npos);
    EXPECT_EQ(refusal({"-t", name, "--no-checkpoint"}), "");
    EXPECT_EQ(refusal({"-t", name, "--dry-run"}), "");
    fs::remove(name);
  }
  // Beside the file that a link leads to; and a folder is told by who opens it.
  fs::create_directory(path("real"));
  fs::create_symlink("real/found", path("link"));
  EXPECT_NE(
      refusal_of({"scan", "1.1.1.1", "-o", path("link"), "--summary", path("real/found.scan")}),
      "");
  EXPECT_EQ(refusal_of({"scan", "1.1.1.1", "-o", path("link"), "--summary", path("link.scan")}),
            "");
  fs::create_directory(path("found.scan"));
  EXPECT_EQ(refusal_of({"scan", "1.1.1.1", "-o", results}), "");
}

TEST_F(NamedFilesTest, WhatCannotBeResumedIsCalledByItsName) {
  put("found.jsonl");
  put("found.jsonl.scan");
  const auto refusal = [](const std::string& name) {
    return refusal_of({"scan", "--resume", name});
  };
  EXPECT_EQ(refusal(""), "--resume: the name is empty");
  EXPECT_EQ(refusal("-"),
            "--resume '-': nobody can go on behind standard output; name the file that -o had");
  for (const std::string& name : {path(""), path("."), std::string("/")})
    EXPECT_EQ(refusal(name),
              "--resume '" + name + "': it is a folder; name the results' file in it");
  EXPECT_EQ(refusal("/dev/null"), "--resume '/dev/null': it is no regular file");
  for (const std::string ending : {".scan", ".scan.part", ".scan.answers", ".part"})
    EXPECT_EQ(refusal(path("found.jsonl") + ending), "--resume '" + path("found.jsonl") + ending +
                                                         "': name the results themselves, '" +
                                                         path("found.jsonl") + "'");
  EXPECT_EQ(refusal(path("nothing")), "--resume: cannot go on from '" + path("nothing") +
                                          ".scan': No such file or directory");
  EXPECT_EQ(refusal(path("found.jsonl")), "--resume: cannot go on from '" + path("found.jsonl") +
                                              ".scan': it is no checkpoint of a scan");
  for (const std::string seconds : {"soon", "-1", "nan"})
    EXPECT_NE(refusal_of({"scan", "1.1.1.1", "--checkpoint-interval", seconds})
                  .find("a number of seconds, 0 or more"),
              std::string::npos);
}

TEST_F(NamedFilesTest, DirectoriesAreNoOutputs) {
  fs::create_directory(path("folder"));
  fs::create_symlink("folder", path("link"));
  for (const std::string name : {"folder", "folder/", "folder/.", "folder/..", "link", "new/"}) {
    for (const std::string option : {"-o", "--summary"}) {
      const std::string refusal = refusal_of({"scan", "1.1.1.1", option, path(name)});
      if (name == "new/") continue;  // there is no such folder: opening says so
      EXPECT_EQ(refusal, option + " '" + path(name) + "' is a directory; name a file in it");
    }
  }
}

TEST_F(NamedFilesTest, AFifoIsReadOrWritten) {
  ASSERT_EQ(mkfifo(path("fifo").c_str(), 0600), 0);
  EXPECT_NE(refusal_of({"scan", "-t", path("fifo"), "-o", path("fifo")}), "");
  EXPECT_NE(refusal_of({"scan", "1.1.1.1", "--summary", path("fifo"), "-o", path("fifo")}), "");
  EXPECT_EQ(refusal_of({"scan", "-t", path("fifo"), "-o", path("found")}), "");
}

}  // namespace
}  // namespace echoscan::named_files_test
