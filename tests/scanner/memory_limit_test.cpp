// The memory that control groups leave, by trees of files as the kernel shows them.
#include "scanner/process/memory_limit.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace echoscan::memory_limit_test {
namespace {

namespace fs = std::filesystem;

class MemoryLimit : public testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::path(std::getenv("TEST_TMPDIR")) / "memory_limit";
    fs::remove_all(root_);
  }
  void put(const std::string& path, const std::string& text) const {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text << "\n";
  }
  [[nodiscard]] std::optional<std::uint64_t> limit() const { return memory_limit_bytes(root_); }

  fs::path root_;
};

TEST_F(MemoryLimit, IsNoneWithoutGroups) {
  EXPECT_EQ(limit(), std::nullopt);
  put("proc/self/cgroup", "0::/");
  EXPECT_EQ(limit(), std::nullopt);
  put("sys/fs/cgroup/memory.max", "max");
  EXPECT_EQ(limit(), std::nullopt);
}

TEST_F(MemoryLimit, IsTheTightestOnTheWayUp) {
  put("proc/self/cgroup", "0::/a/b");
  put("sys/fs/cgroup/a/b/memory.max", "max");
  put("sys/fs/cgroup/a/memory.max", "1000");
  EXPECT_EQ(limit(), 1000U);
  put("sys/fs/cgroup/a/b/memory.max", "400");
  EXPECT_EQ(limit(), 400U);
  put("sys/fs/cgroup/memory.max", "70");
  EXPECT_EQ(limit(), 70U);
  // That of another group is none of ours.
  put("sys/fs/cgroup/c/memory.max", "1");
  EXPECT_EQ(limit(), 70U);
}

TEST_F(MemoryLimit, IsTheContainersWhereItsPathIsTheHosts) {
  put("proc/self/cgroup", "0::/system.slice/some-container");
  put("sys/fs/cgroup/memory.max", "134217728");
  EXPECT_EQ(limit(), 134217728U);
}

TEST_F(MemoryLimit, IsThatOfVersion1) {
  put("proc/self/cgroup", "12:cpu,cpuacct:/x\n7:memory:/a\n3:memoryless:/b\n1:name=systemd:/x");
  put("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712");
  EXPECT_EQ(limit(), std::nullopt);
  put("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "5000");
  put("sys/fs/cgroup/memory/b/memory.limit_in_bytes", "1");
  EXPECT_EQ(limit(), 5000U);
}

TEST_F(MemoryLimit, IsNotReadFromWhatIsNone) {
  put("proc/self/cgroup", "\n:\nmemory\n0:memory\n::\n0::relative/../..\n5:cpu,memory");
  put("sys/fs/cgroup/memory.max", "many");
  put("sys/fs/cgroup/memory/memory.limit_in_bytes", "");
  EXPECT_EQ(limit(), std::nullopt);
}

TEST_F(MemoryLimit, IsOfBothWhereThereAreTwo) {
  put("proc/self/cgroup", "4:pids,memory:/a\n0::/a");
  put("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "300");
  put("sys/fs/cgroup/a/memory.max", "200");
  EXPECT_EQ(limit(), 200U);
}

}  // namespace
}  // namespace echoscan::memory_limit_test
