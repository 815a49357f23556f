// What a test does that lacks what it needs (root, BPF, a namespace): it says so, and is skipped,
// or fails in CI.
//
// .ci/run sets ECHOSCAN_CI=1, since a skip there would hide a missing piece.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

#define REQUIRE_FOR_TEST(condition, reason)                        \
  do {                                                             \
    if (!(condition)) {                                            \
      if (std::getenv("ECHOSCAN_CI") != nullptr) FAIL() << reason; \
      GTEST_SKIP() << reason;                                      \
    }                                                              \
  } while (false)
