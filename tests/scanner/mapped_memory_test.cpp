// scanner/process/mapped_memory.h: mapped as long as its owner lives, whichever that is by then.
#include "scanner/process/mapped_memory.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <utility>

namespace echoscan::mapped_memory_test {
namespace {

bool is_mapped(void* address) {
  unsigned char is_resident = 0;
  return mincore(address, 1, &is_resident) == 0;
}

TEST(MappedMemory, GoesWithItsLastOwner) {
  void* address = nullptr;
  {
    MappedMemory first = MappedMemory::zeros(1 << 20, MAP_NORESERVE);
    ASSERT_TRUE(first);
    EXPECT_EQ(first.bytes(), 1U << 20);
    address = first.as<void>();
    EXPECT_EQ(first.as<std::uint64_t>()[1000], 0U);
    first.as<std::uint64_t>()[1000] = 7;
    MappedMemory second;
    EXPECT_FALSE(second);
    {
      MappedMemory moved(std::move(first));
      second = std::move(moved);
    }
    EXPECT_TRUE(is_mapped(address));
    EXPECT_EQ(second.as<void>(), address);
    EXPECT_EQ(second.as<std::uint64_t>()[1000], 7U);
  }
  EXPECT_FALSE(is_mapped(address));
}

TEST(MappedMemory, IsFalseWhereTheKernelRefuses) {
  EXPECT_FALSE(MappedMemory::shared(-1, 4096));
  EXPECT_EQ(errno, EBADF);
  EXPECT_FALSE(MappedMemory::zeros(0, 0));
  EXPECT_EQ(errno, EINVAL);
}

// Two mappings of one file are the same bytes.
TEST(MappedMemory, SharesWhatADescriptorStandsFor) {
  const int descriptor = memfd_create("mapped_memory_test", MFD_CLOEXEC);
  ASSERT_GE(descriptor, 0);
  ASSERT_EQ(ftruncate(descriptor, 4096), 0);
  const MappedMemory ours = MappedMemory::shared(descriptor, 4096);
  const MappedMemory theirs = MappedMemory::shared(descriptor, 4096, PROT_READ);
  close(descriptor);
  ASSERT_TRUE(ours && theirs);
  ours.as<int>()[5] = 42;
  EXPECT_EQ(theirs.as<const int>()[5], 42);
}

}  // namespace
}  // namespace echoscan::mapped_memory_test
