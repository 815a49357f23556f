// The project's C and C++ files as the style tests read them: lines of text.
//
// The rules are about what a reader sees: names, lengths, comments, includes. Lines are enough for
// that, since clang-format decides where a line ends. Rejected: a parser, which drops the comments.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <string>
#include <utility>
#include <vector>

namespace echoscan {

struct Source {
  std::string path;  // from the project's root
  std::vector<std::string> lines;
};

inline std::vector<Source> sources() {
  namespace fs = std::filesystem;
  const fs::path root = ECHOSCAN_SOURCE_DIR;
  std::vector<Source> found;
  for (const char* folder : {"bpf", "targets", "output", "scanner", "tests"}) {
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root / folder)) {
      const std::string extension = entry.path().extension();
      if (extension != ".h" && extension != ".cpp" && extension != ".c") continue;
      Source source{fs::relative(entry.path(), root), {}};
      std::ifstream in(entry.path());
      for (std::string line; std::getline(in, line);) source.lines.push_back(line);
      found.push_back(std::move(source));
    }
  }
  EXPECT_GT(found.size(), 50U);
  return found;
}

// The folder that a file stands in: "scanner/transmit/method", or "scanner" for main.cpp and scan.
inline std::string room_of(const std::string& path) {
  return std::filesystem::path(path).parent_path();
}

inline std::string top_room_of(const std::string& path) {
  return path.substr(0, path.find('/'));
}

// "" when the line includes nothing of ours.
inline std::string own_include(const std::string& line) {
  static const std::regex pattern("^#include \"([^\"]+)\"");
  std::smatch match;
  return std::regex_search(line, match, pattern) ? match[1].str() : "";
}

}  // namespace echoscan
