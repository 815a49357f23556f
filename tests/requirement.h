// A test that lacks what it needs (root, BPF, a namespace) says so: skipped for people, failed in
// CI.
//
// ECHOSCAN_CI=1 is set by .ci/run; there a skip would hide a missing piece.
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
