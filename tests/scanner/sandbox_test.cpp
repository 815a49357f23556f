// The sandbox from within: what each thread may still do, and with which user and capabilities.
// Each test enters one in a process of its own, since there is no way out. That everything else is
// refused says scan_sandbox_test.sh, of a whole scan.
#include "scanner/process/sandbox.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#include "scanner/process/user_error.h"

namespace echoscan::sandbox_test {
namespace {

namespace fs = std::filesystem;

constexpr uid_t kUid = 4242;
constexpr gid_t kGid = 4343;

class SandboxTest : public testing::Test {
 protected:
  SandboxTest() : folder(fs::path(testing::TempDir()) / "sandbox_test") {
    fs::remove_all(folder);
    fs::create_directory(folder);
    std::ofstream(folder / "kept") << "kept";
  }
  ~SandboxTest() override { fs::remove_all(folder); }

  // What a child process that does `work` ends with; the number of the check that failed, or 0.
  template <typename Work>
  static int in_child(const Work& work) {
    const pid_t child = fork();
    if (child == 0) _exit(work());
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  }

  static int open_error(const fs::path& path, int flags) {
    const int file = open(path.c_str(), flags | O_CLOEXEC, 0600);
    if (file < 0) return errno;
    close(file);
    return 0;
  }
  // 0, or the number of the line that is not as it has to be.
  [[nodiscard]] int find_fault() const {
    if (open_error(folder / "kept", O_RDWR) != 0) return 1;
    if (open_error(folder / "new", O_WRONLY | O_CREAT) != 0) return 2;
    if (rename((folder / "new").c_str(), (folder / "newer").c_str()) != 0) return 3;
    if (unlink((folder / "newer").c_str()) != 0) return 4;
    if (open_error("/etc/passwd", O_RDONLY) != EACCES) return 5;
    if (open_error(folder.parent_path() / "elsewhere", O_WRONLY | O_CREAT) != EACCES) return 6;
    if (fork() >= 0 || errno != EPERM) return 7;
    return 0;
  }

  fs::path folder;
};

TEST_F(SandboxTest, ThreadsFromBeforeAndFromAfterwardsAreInIt) {
  EXPECT_EQ(in_child([this] {
              std::atomic<bool> is_in = false;
              std::atomic<int> fault = 0;
              const auto look = [&] {
                is_in.wait(false);
                if (const int found = find_fault(); found != 0) fault = found;
              };
              std::thread before(look);
              enter_sandbox({std::nullopt, {folder.string()}, false});
              is_in = true;
              is_in.notify_all();
              before.join();
              if (fault != 0) return 10 + fault;
              std::thread(look).join();
              return fault != 0 ? 20 + fault : find_fault();
            }),
            0);
}

TEST_F(SandboxTest, WithoutFoldersNothingCanBeOpened) {
  EXPECT_EQ(in_child([this] {
              enter_sandbox({std::nullopt, {}, false});
              return open_error(folder / "kept", O_RDONLY) == EACCES ? 0 : 1;
            }),
            0);
}

// A bundle's folder gets its name beside others, in which nothing can be written all the same.
TEST_F(SandboxTest, FoldersAreRenamedWhereTheyGetTheirName) {
  const fs::path part = folder / "bundle.part";
  const fs::path bundle = folder / "bundle";
  fs::create_directories(part / "inner");
  const auto give_name = [&] {
    enter_sandbox({std::nullopt, {part.string()}, false, folder.string()});
    if (open_error(part / "inner/new", O_WRONLY | O_CREAT) != 0) return 1;
    if (open_error(folder / "new", O_WRONLY | O_CREAT) != EACCES) return 2;
    if (open_error(folder / "kept", O_RDONLY) != EACCES) return 3;
    if (unlink((folder / "kept").c_str()) == 0 || errno != EACCES) return 4;
    if (rename(part.c_str(), (folder.parent_path() / "outside").c_str()) == 0) return 5;
    if (rename(part.c_str(), bundle.c_str()) != 0) return 6;
    return open_error(bundle / "inner/newer", O_WRONLY | O_CREAT) == 0 ? 0 : 7;
  };
  EXPECT_EQ(in_child(give_name), 0);
  const auto give_none = [&] {
    enter_sandbox({std::nullopt, {bundle.string()}, false});
    return rename(bundle.c_str(), part.c_str()) != 0 && errno == EACCES ? 0 : 1;
  };
  EXPECT_EQ(in_child(give_none), 0);
}

TEST_F(SandboxTest, RootBecomesTheUser) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  ASSERT_EQ(chown(folder.c_str(), kUid, kGid), 0);
  ASSERT_EQ(chown((folder / "kept").c_str(), kUid, kGid), 0);
  EXPECT_EQ(
      in_child([this] {
        enter_sandbox({ScanUser{kUid, kGid, {kGid + 1}, "somebody"}, {folder.string()}, false});
        if (getuid() != kUid || geteuid() != kUid || getgid() != kGid || getegid() != kGid)
          return 30;
        return find_fault();
      }),
      0);
}

// Files get their owner by who opens them, and whoever acts as somebody may what they may.
TEST_F(SandboxTest, ActingAsAUserMakesTheirFiles) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  ASSERT_EQ(chown(folder.c_str(), kUid, kGid), 0);
  const fs::path secret = folder / "secret";
  ASSERT_EQ(open_error(secret, O_WRONLY | O_CREAT), 0);
  const mode_t umask_before = umask(0002);
  {
    const ActingAs acting(ScanUser{kUid, kGid, {}, "somebody"});
    std::ofstream(folder / "made") << "made";
    EXPECT_EQ(open_error(secret, O_RDONLY), EACCES);
    EXPECT_EQ(find_forbidden(std::vector<std::string>{folder.string(), "/etc"}), "/etc");
  }
  EXPECT_EQ(umask(umask_before), 0022U);
  EXPECT_EQ(geteuid(), 0U);
  EXPECT_EQ(getegid(), 0U);
  EXPECT_EQ(open_error(secret, O_RDONLY), 0);
  struct stat made {};
  ASSERT_EQ(stat((folder / "made").c_str(), &made), 0);
  EXPECT_EQ(made.st_uid, kUid);
  EXPECT_EQ(made.st_gid, kGid);
  EXPECT_EQ(made.st_mode & 0777U, 0644U);
}

TEST(ScanUserTest, WhoIsMeant) {
  EXPECT_EQ(find_user("root").uid, 0U);
  EXPECT_EQ(find_user("0").name, "root");
  for (const char* nobody : {"", "no such user", "-1", "4294967295", "4294967296", "1x", " 1"})
    EXPECT_THROW(find_user(nobody), UserError) << nobody;
  if (geteuid() != 0) {
    EXPECT_THROW(find_user(std::to_string(geteuid() + 1)), UserError);
    return;
  }
  EXPECT_EQ(find_user("4242").uid, 4242U);
  EXPECT_EQ(find_user("4242").gid, 4242U);
}

TEST(ScanUserTest, WhoHasCalledSudo) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  const auto called_by = [](const char* uid, const char* gid) {
    return sudo_user([=](const char* name) -> const char* {
      if (name == std::string("SUDO_UID")) return uid;
      return name == std::string("SUDO_GID") ? gid : nullptr;
    });
  };
  for (const char* nobody : {static_cast<const char*>(nullptr), "0", "", "x", "-1", "4294967295"})
    EXPECT_FALSE(called_by(nobody, "1")) << (nobody ? nobody : "nullptr");
  EXPECT_EQ(called_by("4242", "4343")->gid, 4343U);
  EXPECT_EQ(called_by("4242", nullptr)->gid, 4242U);
  EXPECT_EQ(called_by("4242", "x")->uid, 4242U);
}

}  // namespace
}  // namespace echoscan::sandbox_test
