// driver_facts: the table is that of docs/drivers.md, and kernel versions are compared as numbers.
#include "scanner/network/driver_facts.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "targets/prefix.h"

namespace echoscan::driver_facts_test {
namespace {

std::string version_text(const std::optional<KernelVersion>& version) {
  return version ? to_string(*version) : "";
}

using Cells = std::vector<std::string>;

// As docs/drivers.md has it.
Cells cells_of(const DriverFacts& facts) {
  return {std::string(facts.driver),
          version_text(facts.native_xdp_from),
          version_text(facts.zero_copy_from),
          std::string(facts.zero_copy_needs),
          version_text(facts.live_frames_from),
          std::string(facts.live_frames_need),
          facts.wants_half_of_queues ? "half" : "",
          facts.has_steady_link ? "steady" : "",
          std::to_string(facts.chunk_bytes)};
}

// Of a table's row: "| a | |" is {"a", ""}.
Cells cells_of(const std::string& row) {
  Cells cells;
  for (std::size_t begin = 1; begin < row.size();) {
    const std::size_t end = row.find('|', begin);
    cells.emplace_back(trimmed(std::string_view(row).substr(begin, end - begin)));
    begin = end + 1;
  }
  return cells;
}

TEST(DriverFacts, AreThoseOfTheDocument) {
  std::ifstream in(ECHOSCAN_SOURCE_DIR "/docs/drivers.md");
  std::string line;
  while (std::getline(in, line) && !line.starts_with("| driver | native XDP from |")) {
  }
  std::getline(in, line);
  std::vector<Cells> rows;
  while (std::getline(in, line) && line.starts_with("|")) rows.push_back(cells_of(line));
  std::vector<Cells> expected;
  for (const DriverFacts& facts : known_drivers()) expected.push_back(cells_of(facts));
  EXPECT_EQ(rows, expected);
}

TEST(DriverFacts, AreFoundByNameAndElseNothingSpecial) {
  EXPECT_TRUE(std::ranges::is_sorted(known_drivers(), {}, &DriverFacts::driver));
  for (const DriverFacts& facts : known_drivers()) EXPECT_EQ(&driver_facts(facts.driver), &facts);
  for (const char* other : {"", "e1000e", "virtio", "ENA"}) {
    const DriverFacts& facts = driver_facts(other);
    EXPECT_EQ(facts.chunk_bytes, 2048U);
    EXPECT_FALSE(facts.zero_copy_from || facts.live_frames_from || facts.wants_half_of_queues);
  }
}

TEST(DriverFacts, LiveFramesAreRefusedWhereTheyBreakTheMachine) {
  for (unsigned major = 4; major <= 8; ++major) {
    for (unsigned minor = 0; minor < 30; ++minor) {
      const std::string release = fmt::format("{}.{}.0-50-amd64", major, minor);
      const bool is_sound = major > 6 || (major == 6 && minor >= 12);
      EXPECT_EQ(check_live_frames("virtio_net", release).has_value(), is_sound) << release;
      EXPECT_TRUE(check_live_frames("igb", release)) << release;
    }
  }
  EXPECT_TRUE(check_live_frames("virtio_net", "a kernel of one's own"));
  EXPECT_EQ(check_live_frames("virtio_net", "6.1.0-50-amd64").error().reason,
            "virtio_net of Linux 6.1 is known to break under them; 6.12 is sound");
}

TEST(KernelVersion, IsReadFromAnyRelease) {
  for (unsigned major = 0; major < 50; ++major) {
    for (unsigned minor = 0; minor < 50; ++minor) {
      const KernelVersion version{major, minor};
      for (const char* rest : {"", ".0", ".95+deb12-amd64", "-rc1", ".0-50-amd64"})
        EXPECT_EQ(parse_kernel_version(to_string(version) + rest), version) << rest;
    }
  }
  for (const char* release : {"", "6", "6.", ".1", "six.one", "-6.1", "6-1", "99999999999.1"})
    EXPECT_FALSE(parse_kernel_version(release)) << release;
  EXPECT_LT((KernelVersion{6, 9}), (KernelVersion{6, 12}));
  EXPECT_TRUE(parse_kernel_version(kernel_release())) << kernel_release();
}

}  // namespace
}  // namespace echoscan::driver_facts_test
