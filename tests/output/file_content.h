// What stands in a file that a test has written, and what another program makes of it.
//
// Outputs are read back by the tools that users have (gzip, zstd), and not by the code that wrote
// them.
#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace echoscan {

inline std::string content(const std::filesystem::path& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// The standard output of a shell command, which must succeed.
inline std::string output_of(const std::string& command) {
  std::string text;
  FILE* pipe = popen(command.c_str(), "r");
  for (int byte; (byte = std::fgetc(pipe)) != EOF;) text += static_cast<char>(byte);
  EXPECT_EQ(pclose(pipe), 0) << command;
  return text;
}

}  // namespace echoscan
