// The lock that keeps two turns at one scan apart, and the lease behind it.
#include "scanner/checkpoint/turn_lock.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>
#include <vector>

namespace echoscan::turn_lock_test {
namespace {

std::string fresh_results(const std::string& name) {
  const std::string results = testing::TempDir() + name;
  unlink((results + ".scan.lock").c_str());
  return results;
}

TEST(TurnLock, IsOnesAloneAndLeavesNothing) {
  const std::string results = fresh_results("alone");
  {
    auto first = TurnLock::try_take(results);
    ASSERT_TRUE(first);
    ASSERT_TRUE(*first);
    for (int i = 0; i < 3; ++i) {
      const auto second = TurnLock::try_take(results);
      ASSERT_TRUE(second);
      EXPECT_FALSE(*second);
    }
    TurnLock moved = std::move(**first);
    EXPECT_FALSE(*TurnLock::try_take(results));
  }
  EXPECT_NE(access((results + ".scan.lock").c_str(), F_OK), 0);
  EXPECT_TRUE(*TurnLock::try_take(results));
}

TEST(TurnLock, GoesWithItsProcess) {
  const std::string results = fresh_results("killed");
  int taken[2];
  ASSERT_EQ(pipe(taken), 0);
  const pid_t child = fork();
  if (child == 0) {
    const auto lock = TurnLock::try_take(results);
    const char is_held = lock && *lock ? 1 : 0;
    if (write(taken[1], &is_held, 1) == 1) pause();
    _exit(1);
  }
  char is_held = 0;
  ASSERT_EQ(read(taken[0], &is_held, 1), 1);
  EXPECT_EQ(is_held, 1);
  EXPECT_FALSE(*TurnLock::try_take(results));
  kill(child, SIGKILL);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  EXPECT_EQ(access((results + ".scan.lock").c_str(), F_OK), 0);
  EXPECT_TRUE(*TurnLock::try_take(results));
}

// Eight at a time, each again and again: never two of them have it, whoever removes its file.
TEST(TurnLock, NeverTwoHaveIt) {
  const std::string results = fresh_results("crowd");
  std::atomic<int> holders{0};
  std::atomic<int> turns{0};
  std::vector<std::thread> crowd;
  for (int i = 0; i < 8; ++i)
    crowd.emplace_back([&] {
      for (int attempt = 0; attempt < 3000; ++attempt) {
        const auto lock = TurnLock::try_take(results);
        ASSERT_TRUE(lock) << lock.error();
        if (!*lock) continue;
        EXPECT_EQ(++holders, 1);
        ++turns;
        --holders;
      }
    });
  for (std::thread& thread : crowd) thread.join();
  EXPECT_GT(turns, 8);
}

TEST(TurnLock, ForeignFilesAreNotTouched) {
  const std::string results = fresh_results("foreign");
  std::ofstream(results + ".scan.lock") << "mine";
  const auto lock = TurnLock::try_take(results);
  ASSERT_FALSE(lock);
  EXPECT_NE(lock.error().find("is no scan's lock"), std::string::npos);
  EXPECT_EQ(access((results + ".scan.lock").c_str(), F_OK), 0);
  fresh_results("foreign");
  ASSERT_EQ(symlink("/dev/null", (results + ".scan.lock").c_str()), 0);
  EXPECT_FALSE(TurnLock::try_take(results));
  fresh_results("foreign");
}

TEST(Lease, IsAnotherMachinesAlone) {
  Checkpoint checkpoint;
  checkpoint.boot_id = "boot";
  checkpoint.legs.push_back({0, 1'000'000, "", 0, 0, "n1", 7});
  // Each millisecond around: so many whole seconds of silence.
  for (std::int64_t later_ms = -2000; later_ms < 70'000; ++later_ms) {
    const std::int64_t silent_s = later_ms < 0 ? 0 : later_ms / 1000;
    ASSERT_EQ(lease_left_s(checkpoint, "n2", "other", 1'000'000 + later_ms),
              silent_s < 60 ? 60 - silent_s : 0);
  }
  // A machine that was cloned has the same name; where no boot is known the name has to do.
  EXPECT_EQ(lease_left_s(checkpoint, "n1", "other", 1'000'000), 60);
  EXPECT_EQ(lease_left_s(checkpoint, "n1", "", 1'000'000), 0);
  EXPECT_EQ(lease_left_s(checkpoint, "n2", "", 1'000'000), 60);
  EXPECT_EQ(lease_left_s(checkpoint, "n2", "boot", 1'000'000), 0);
  checkpoint.legs.back().why = "terminated";
  EXPECT_EQ(lease_left_s(checkpoint, "n2", "other", 1'000'000), 0);
}

}  // namespace
}  // namespace echoscan::turn_lock_test
