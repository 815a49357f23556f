// What a command line is refused with.
//
// Tests of options, plans and files all ask the same: whether bad usage is told as such, and in
// which words. A refusal with another exit code is a failure wherever it comes from.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "scanner/process/user_error.h"

namespace echoscan {

// The sentence that `use` is refused with for these arguments; empty when it accepts them.
template <typename Use>
std::string refusal_of(const Use& use, const std::vector<std::string>& arguments) {
  try {
    use(arguments);
  } catch (const UserError& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_usage);
    return error.what();
  }
  return {};
}

}  // namespace echoscan
