// Which files there are, and what they cost: each is part of the product, and few of them include
// headers that take seconds to compile. It makes one program with style_test.cpp.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "tests/source.h"

namespace echoscan {
namespace {

// Headers that take seconds to compile: by how their names begin, and the files of the product that
// may include them; empty stands for any .cpp file. No header of ours includes one.
TEST(Style, CostlyHeadersStayInFewFiles) {
  const std::map<std::string, std::set<std::string>> costly = {
      {"spdlog/", {"scanner/process/log.cpp"}},
      {"CLI/", {"scanner/options/option_group.cpp"}},
      {"nlohmann/json.hpp", {}},
      {"boost/", {}},
      {"boost/beast/", {"scanner/account/metrics_server.cpp"}},
      {"regex", {}}};
  const std::regex pattern("^#include <([^>]+)>");
  for (const Source& source : sources()) {
    if (top_room_of(source.path) == "tests") continue;
    for (const std::string& line : source.lines) {
      std::smatch match;
      if (!std::regex_search(line, match, pattern)) continue;
      for (const auto& [header, users] : costly) {
        if (!match[1].str().starts_with(header)) continue;
        EXPECT_TRUE(users.empty() ? source.path.ends_with(".cpp") : users.contains(source.path))
            << source.path << " includes " << match[1];
      }
    }
  }
}

// nlohmann/json alone is seconds of each file that includes it, and what includes that.
TEST(Style, WhoIncludesJsonUsesIt) {
  const std::string header = "#include <nlohmann/json.hpp>";
  for (const Source& source : sources()) {
    const auto has = [&source](const std::string& text) {
      return std::ranges::any_of(source.lines, [&text](const std::string& line) {
        return line.find(text) != std::string::npos;
      });
    };
    if (source.path != "tests/style_files_test.cpp" && has(header)) {
      EXPECT_TRUE(has("nlohmann::") || has("NLOHMANN_"))
          << source.path << " includes nlohmann/json for nothing";
    }
  }
}

// The sanitizers compile a room's tests as one file, where two may call two things alike all the
// same.
TEST(Style, EachTestHasANamespaceOfItsOwn) {
  std::size_t count = 0;
  for (const Source& source : sources()) {
    const std::filesystem::path path = source.path;
    if (room_of(source.path) == "tests" || !source.path.starts_with("tests/")) continue;
    if (!path.stem().string().ends_with("_test")) continue;
    ++count;
    EXPECT_TRUE(std::ranges::any_of(source.lines, [&path](const std::string& line) {
      return line == "namespace echoscan::" + path.stem().string() + " {";
    })) << source.path;
  }
  EXPECT_GT(count, 90U);
}

// A .cpp file is compiled and not included. clang-tidy has a check for it, which is off: it reads a
// room as one file that includes its .cpp files.
TEST(Style, NoFileIncludesASource) {
  const std::regex pattern(R"(^#include .*\.cpp[">])");
  for (const Source& source : sources())
    for (const std::string& line : source.lines)
      EXPECT_FALSE(std::regex_search(line, pattern)) << source.path << ": " << line;
}

// The names of the functions that a shell script makes.
std::set<std::string> functions_of(const std::filesystem::path& script, bool& takes_the_prelude) {
  const std::regex function(R"(^([a-z_]+)\(\))");
  std::set<std::string> names;
  std::ifstream in(script);
  for (std::string line; std::getline(in, line);) {
    std::smatch match;
    if (std::regex_search(line, match, function)) names.insert(match[1]);
    if (line.starts_with("source ") && line.find("lab/prelude.sh") != std::string::npos)
      takes_the_prelude = true;
  }
  return names;
}

// Other functions of the prelude would call a test's own: one that called itself for ever by that
// way ended its shell.
TEST(Style, TestsKeepThePreludesFunctions) {
  namespace fs = std::filesystem;
  const fs::path root = fs::path(ECHOSCAN_SOURCE_DIR) / "tests";
  bool takes_the_prelude = false;
  const std::set<std::string> prelude = functions_of(root / "lab/prelude.sh", takes_the_prelude);
  EXPECT_TRUE(prelude.contains("launch_scan"));
  std::size_t looked_at = 0;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root)) {
    if (entry.path().extension() != ".sh") continue;
    takes_the_prelude = false;
    const std::set<std::string> own = functions_of(entry.path(), takes_the_prelude);
    if (!takes_the_prelude) continue;
    ++looked_at;
    for (const std::string& name : own)
      EXPECT_FALSE(prelude.contains(name)) << entry.path() << " has another " << name << "()";
  }
  EXPECT_GT(looked_at, 40U);
}

// Nothing lies about that no program is made of: CMake compiles each source file of the product,
// and each header is included by another file of the product.
TEST(Style, EveryFileIsPartOfTheProduct) {
  std::ifstream in(std::filesystem::path(ECHOSCAN_SOURCE_DIR) / "CMakeLists.txt");
  std::set<std::string> used;
  for (std::string word; in >> word;) used.insert(word.substr(0, word.find(')')));
  const std::vector<Source> files = sources();
  for (const Source& source : files) {
    if (top_room_of(source.path) == "tests") continue;
    for (const std::string& line : source.lines)
      if (own_include(line) != std::filesystem::path(source.path).replace_extension(".h"))
        used.insert(own_include(line));
  }
  for (const Source& source : files) {
    if (top_room_of(source.path) == "tests") continue;
    EXPECT_TRUE(used.contains(source.path)) << source.path << " is part of nothing";
  }
}

}  // namespace
}  // namespace echoscan
