// Taste as a test: file and function length, line width, the heads of headers, who may include
// whom, names that say nothing, and documents whose links, paths and words lead somewhere. The
// rules are CONTRIBUTING.md's.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/source.h"

namespace echoscan {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFileLinesMax = 500;
constexpr std::size_t kFunctionLinesMax = 70;
constexpr std::size_t kLineWidthMax = 100;
constexpr std::size_t kDocumentWidthMax = 120;
constexpr std::size_t kHeadLinesMin = 3;
constexpr std::size_t kHeadLinesMax = 12;

TEST(Style, FilesAreShortAndLinesNarrow) {
  for (const Source& source : sources()) {
    EXPECT_LE(source.lines.size(), kFileLinesMax) << source.path;
    for (std::size_t i = 0; i < source.lines.size(); ++i) {
      EXPECT_LE(source.lines[i].size(), kLineWidthMax) << source.path << ":" << i + 1;
    }
  }
}

// Relies on clang-format: a function's closing brace stands where its first line began.
TEST(Style, FunctionsAreShort) {
  const std::regex not_a_function("^ *(namespace|struct|class|enum|union|extern)\\b|= *\\{$");
  for (const Source& source : sources()) {
    for (std::size_t i = 0; i < source.lines.size(); ++i) {
      const std::string& line = source.lines[i];
      const std::size_t indent = line.find_first_not_of(' ');
      if (indent > 2 || line.back() != '{' || std::regex_search(line, not_a_function)) continue;
      const std::string end = std::string(indent, ' ') + "}";
      std::size_t last = i + 1;
      while (last < source.lines.size() && !source.lines[last].starts_with(end)) ++last;
      EXPECT_LE(last - i + 1, kFunctionLinesMax) << source.path << ":" << i + 1 << ": " << line;
    }
  }
}

// What it is, why so, what was rejected, numbers.
TEST(Style, HeadersOpenWithTheirReasons) {
  for (const Source& source : sources()) {
    if (!source.path.ends_with(".h")) continue;
    std::size_t comment_lines = 0;
    for (const std::string& line : source.lines) {
      if (line.starts_with("#")) break;
      const bool is_frame = line == "/*" || line == " */" || line.find("SPDX") != std::string::npos;
      if (!is_frame && (line.starts_with("//") || line.starts_with(" *"))) ++comment_lines;
    }
    EXPECT_GE(comment_lines, kHeadLinesMin) << source.path;
    EXPECT_LE(comment_lines, kHeadLinesMax) << source.path;
  }
}

// Which rooms a room may include, beside itself and the ground that all stand on. Each row names
// only rows below it, so that there is no circle; a test says so.
using Arrows = std::vector<std::pair<std::string, std::set<std::string>>>;

const Arrows& arrows() {
  static const Arrows rows = {
      {"scanner",
       {"scanner/pipeline", "scanner/account", "scanner/command", "scanner/plan", "scanner/path",
        "scanner/options", "scanner/network", "scanner/process", "scanner/receive",
        "scanner/checkpoint"}},
      {"scanner/pipeline",
       {"scanner/account", "scanner/plan", "scanner/checkpoint", "scanner/options",
        "scanner/transmit", "scanner/receive", "scanner/network", "scanner/process"}},
      {"scanner/account",
       {"scanner/process", "scanner/plan", "scanner/options", "scanner/checkpoint"}},
      {"scanner/command",
       {"scanner/plan", "scanner/path", "scanner/options", "scanner/network", "scanner/process",
        "scanner/transmit", "scanner/ping"}},
      {"scanner/ping", {"scanner/options", "scanner/network", "scanner/process"}},
      {"scanner/plan",
       {"scanner/options", "scanner/network", "scanner/process", "scanner/transmit"}},
      {"scanner/path",
       {"scanner/options", "scanner/transmit", "scanner/transmit/method", "scanner/receive",
        "scanner/receive/source", "scanner/network", "scanner/process"}},
      {"scanner/options",
       {"scanner/transmit", "scanner/network", "scanner/process", "scanner/checkpoint"}},
      {"scanner/transmit/method", {"scanner/transmit", "scanner/network", "scanner/process"}},
      {"scanner/receive/source", {"scanner/receive", "scanner/network", "scanner/process"}},
      {"scanner/transmit", {"scanner/network", "scanner/process"}},
      {"scanner/receive", {"scanner/network", "scanner/process"}},
      {"scanner/dpdk", {"scanner/network"}},
      {"scanner/network", {"scanner/process"}},
      {"scanner/checkpoint", {"scanner/process"}},
      {"scanner/process", {}},
      {"output/merge", {"output/aggregate", "output/summary", "output/sink"}},
      {"output/report", {"output/bundle", "output/aggregate", "output/summary", "output/result"}},
      {"output/bundle", {"output/aggregate", "output/summary", "output/sink"}},
      {"output/aggregate", {"output/summary", "output/result"}},
      {"output/geo", {"output/result"}},
      {"output/result", {"output/summary", "output/sink"}},
      {"output/summary", {}},
      {"output/sink", {}},
      {"targets", {}},
      {"bpf", {}}};
  return rows;
}

// The ground: a scanner's room may see all of targets/, bpf/ and output/, output/ the addresses,
// the shards, the unpacker and UTF-8.
bool is_ground(const std::string& room, const std::string& included) {
  const std::string top = top_room_of(included);
  if (top_room_of(room) == "output") {
    const std::set<std::string> shared = {"targets/address.h", "targets/shard.h",
                                          "targets/unpacker.h", "targets/utf8.h"};
    return shared.contains(included);
  }
  return top_room_of(room) == "scanner" && (top == "targets" || top == "bpf" || top == "output");
}

// Longest path first: who includes a room stands above it.
TEST(Style, ArrowsPointDown) {
  std::set<std::string> above;
  for (const auto& [room, below] : arrows()) {
    EXPECT_TRUE(above.insert(room).second) << room << " stands twice";
    for (const std::string& included : below)
      EXPECT_FALSE(above.contains(included)) << room << " points up, to " << included;
  }
}

TEST(Style, IncludesFollowTheArrows) {
  const std::map<std::string, std::set<std::string>> allowed(arrows().begin(), arrows().end());
  for (const Source& source : sources()) {
    const std::string room = room_of(source.path);
    if (top_room_of(room) == "tests") continue;
    ASSERT_TRUE(allowed.contains(room)) << source.path << " stands in a room without a row";
    for (const std::string& line : source.lines) {
      const std::string included = own_include(line);
      if (included.empty() || included.ends_with(".skel.h")) continue;
      EXPECT_TRUE(room_of(included) == room || is_ground(room, included) ||
                  allowed.at(room).contains(room_of(included)))
          << source.path << " includes " << included;
    }
  }
}

// targets/ stands on the standard library, of which expected is one of C++23's; what reads lists
// for it is seen by its .cpp files alone. IPv6 is what the C library takes for it.
TEST(Style, TargetsStandOnTheStandardLibrary) {
  const std::set<std::string> list_readers = {"zlib.h", "zstd.h", "nlohmann/json.hpp", "simdjson.h",
                                              "arpa/inet.h"};
  const std::regex pattern("^#include <([^>]+)>");
  for (const Source& source : sources()) {
    if (room_of(source.path) != "targets") continue;
    for (const std::string& line : source.lines) {
      std::smatch match;
      if (!std::regex_search(line, match, pattern)) continue;
      const std::string included = match[1];
      const bool is_standard =
          included.find_first_of("./") == std::string::npos || included == "tl/expected.hpp";
      EXPECT_TRUE(is_standard || (source.path.ends_with(".cpp") && list_readers.contains(included)))
          << source.path << " includes " << included;
    }
  }
}

TEST(Style, NamesSaySomething) {
  const std::regex empty_name(
      "(^|[_/])(util|utils|common|helper|helpers|misc|manager|stuff)([_./]|$)");
  for (const Source& source : sources()) {
    EXPECT_FALSE(std::regex_search(source.path, empty_name)) << source.path;
    if (top_room_of(source.path) == "tests") continue;
    for (std::size_t i = 0; i < source.lines.size(); ++i) {
      EXPECT_EQ(source.lines[i].find("testing"), std::string::npos)
          << source.path << ":" << i + 1 << ": production does not ask whether it is under test";
    }
  }
}

// Byte order is a type: conversion happens at a frame's edge and nowhere else.
TEST(Style, ByteOrderStaysAtTheEdge) {
  const std::set<std::string> edges = {"scanner/transmit/frame.cpp",
                                       "scanner/transmit/probe_batch.cpp",
                                       "scanner/network/netlink.cpp",
                                       "scanner/network/neighbour.cpp",
                                       "scanner/receive/source/packet_receiver.cpp",
                                       "scanner/network/arp_probe.cpp",
                                       "scanner/ping/echo_socket.cpp"};
  const std::regex conversion("\\b(hton[sl]|ntoh[sl]|wire_order(16|32|64))\\(");
  for (const Source& source : sources()) {
    const std::string room = top_room_of(source.path);
    if (room == "bpf" || room == "tests" || edges.contains(source.path)) continue;
    for (std::size_t i = 0; i < source.lines.size(); ++i) {
      EXPECT_FALSE(std::regex_search(source.lines[i], conversion)) << source.path << ":" << i + 1;
    }
  }
}

// Three idioms (CONTRIBUTING.md): a reason is returned, an errno becomes an exception in one place.
TEST(Style, ErrorsAreToldInThreeWays) {
  const std::regex reason_parameter(
      "[(, ](std::)?string& (error|reason|failure|refusal|why)\\w*[,)]");
  const std::regex errno_thrown("std::system_error\\(\\s*-?(errno|error|result)\\b");
  for (const Source& source : sources()) {
    for (std::size_t i = 0; i < source.lines.size(); ++i) {
      const std::string& line = source.lines[i];
      const bool takes_reason =
          std::regex_search(line, reason_parameter) && line.find("const std::string&") == line.npos;
      EXPECT_FALSE(takes_reason) << source.path << ":" << i + 1 << ": return a tl::expected";
      const bool throws_errno =
          source.path != "scanner/process/system_error.h" && std::regex_search(line, errno_thrown);
      EXPECT_FALSE(throws_errno) << source.path << ":" << i + 1 << ": call throw_system_error";
    }
  }
}

// A fact about a driver stands in one table; whoever needs it asks for the fact and not for a name.
TEST(Style, DriversAreNamedInOneTable) {
  const std::regex driver("\"(ena|gve|igb|veth|virtio_net|vmxnet3|i40e|ice|ixgbe|mlx5_core)\"");
  for (const Source& source : sources()) {
    if (top_room_of(source.path) == "tests" || source.path == "scanner/network/driver_facts.cpp")
      continue;
    for (std::size_t i = 0; i < source.lines.size(); ++i) {
      const std::string code = source.lines[i].substr(0, source.lines[i].find("//"));
      EXPECT_FALSE(std::regex_search(code, driver)) << source.path << ":" << i + 1;
    }
  }
}

TEST(Style, BpfSourcesCarryTheirLicence) {
  for (const Source& source : sources()) {
    if (room_of(source.path) != "bpf") continue;
    ASSERT_FALSE(source.lines.empty());
    EXPECT_NE(source.lines[0].find("SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0"),
              std::string::npos)
        << source.path;
  }
}

// The documents: the Markdown files at the top and in docs/.
std::vector<Source> documents() {
  const fs::path root = ECHOSCAN_SOURCE_DIR;
  std::vector<Source> found;
  for (const fs::path& folder : {root, root / "docs"}) {
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
      if (entry.path().extension() != ".md") continue;
      Source document{fs::relative(entry.path(), root), {}};
      std::ifstream in(entry.path());
      for (std::string line; std::getline(in, line);) document.lines.push_back(line);
      found.push_back(std::move(document));
    }
  }
  EXPECT_GT(found.size(), 5U);
  return found;
}

std::vector<std::string> matches(const std::string& text, const std::regex& pattern) {
  std::vector<std::string> found;
  for (std::sregex_iterator at(text.begin(), text.end(), pattern), end; at != end; ++at)
    found.push_back((*at)[1]);
  return found;
}

// Tables and samples of JSON cannot be broken.
TEST(Style, DocumentsAreNarrow) {
  for (const Source& document : documents()) {
    bool is_json = false;
    for (std::size_t i = 0; i < document.lines.size(); ++i) {
      const std::string& line = document.lines[i];
      if (line.starts_with("```")) is_json = line == "```json";
      if (is_json || line.starts_with("|")) continue;
      EXPECT_LE(line.size(), kDocumentWidthMax) << document.path << ":" << i + 1;
    }
  }
}

// What a link has behind '#': the heading in lower case, '-' for blanks, without punctuation.
std::set<std::string> anchors_of(const fs::path& document) {
  std::set<std::string> anchors;
  std::ifstream in(document);
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with('#')) continue;
    std::string anchor;
    for (const char c : line.substr(line.find_first_not_of("# "))) {
      if (std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_')
        anchor += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      if (c == ' ') anchor += '-';
    }
    anchors.insert(anchor);
  }
  return anchors;
}

TEST(Style, LinksOfDocumentsLeadSomewhere) {
  const fs::path root = ECHOSCAN_SOURCE_DIR;
  const std::regex link("\\]\\(([^)]+)\\)");
  for (const Source& document : documents()) {
    const fs::path self = root / document.path;
    for (std::size_t i = 0; i < document.lines.size(); ++i) {
      for (const std::string& target : matches(document.lines[i], link)) {
        if (target.starts_with("https://")) continue;
        const std::string file = target.substr(0, target.find('#'));
        const fs::path path = file.empty() ? self : self.parent_path() / file;
        EXPECT_TRUE(fs::exists(path)) << document.path << ":" << i + 1 << " links to " << target;
        if (file.size() == target.size()) continue;
        EXPECT_TRUE(anchors_of(path).contains(target.substr(file.size() + 1)))
            << document.path << ":" << i + 1 << " links to " << target;
      }
    }
  }
}

// Names of files without a folder, and paths from the root, in documents and in comments: a file
// that has moved takes its mentions along.
TEST(Style, FilesThatAreNamedExist) {
  const fs::path root = ECHOSCAN_SOURCE_DIR;
  std::set<std::string> names;
  for (const char* folder : {"bpf", "targets", "output", "scanner", "tests", "docs", "packaging"})
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root / folder))
      names.insert(entry.path().filename());
  for (const fs::directory_entry& entry : fs::directory_iterator(root))
    names.insert(entry.path().filename());
  const std::regex name("(?:^|[^A-Za-z0-9_./<-])([a-z0-9_]+\\.(?:h|cpp|sh|py|md))(?![A-Za-z0-9_])");
  const std::regex path(
      "(?:^|[^A-Za-z0-9_./-])((?:bpf|targets|output|scanner|tests|docs|packaging)/"
      "[A-Za-z0-9_./-]*[a-z0-9])");
  std::vector<Source> texts = documents();
  for (const Source& source : sources()) {
    texts.push_back({source.path, {}});
    for (const std::string& line : source.lines) {
      const std::size_t comment = line.find("//");
      const bool is_block = line.find_first_not_of(' ') == line.find("* ");
      texts.back().lines.push_back(comment != std::string::npos ? line.substr(comment)
                                   : is_block                   ? line
                                                                : "");
    }
  }
  for (const Source& text : texts) {
    for (std::size_t i = 0; i < text.lines.size(); ++i) {
      for (const std::string& named : matches(text.lines[i], path))
        EXPECT_TRUE(fs::exists(root / named)) << text.path << ":" << i + 1 << " names " << named;
      for (const std::string& named : matches(text.lines[i], name))
        EXPECT_TRUE(names.contains(named)) << text.path << ":" << i + 1 << " names " << named;
    }
  }
}

// Lower case, one blank for whatever is no letter and no digit: "in_doubt" and a comment's "in
// doubt" across two lines are the same.
std::string plain_words(const std::string& text) {
  std::string words = " ";
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c))) {
      words += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    } else if (words.back() != ' ') {
      words += ' ';
    }
  }
  if (words.back() != ' ') words += ' ';
  return words;
}

struct GlossaryEntry {
  std::string word;
  std::string owner;  // path from the root
};

std::vector<GlossaryEntry> glossary() {
  std::ifstream in(ECHOSCAN_SOURCE_DIR "/docs/glossary.md");
  const std::regex entry("^- \\*\\*([^*]+)\\*\\* \\(`([^`]+)`\\): .");
  std::vector<GlossaryEntry> found;
  for (std::string line; std::getline(in, line);) {
    std::smatch match;
    if (std::regex_search(line, match, entry)) {
      found.push_back({match[1], match[2]});
    } else {
      EXPECT_FALSE(line.starts_with("- ")) << line << " is no entry";
    }
  }
  EXPECT_GT(found.size(), 50U);
  return found;
}

TEST(Style, GlossaryIsSortedAndItsOwnersUseTheWords) {
  std::string before;
  for (const GlossaryEntry& entry : glossary()) {
    EXPECT_LT(before, entry.word);
    before = entry.word;
    std::ifstream in(fs::path(ECHOSCAN_SOURCE_DIR) / entry.owner);
    ASSERT_TRUE(in.is_open()) << entry.word << ": there is no " << entry.owner;
    const std::string text((std::istreambuf_iterator<char>(in)), {});
    std::string words = plain_words(entry.word);
    words.pop_back();
    EXPECT_NE(plain_words(text).find(words), std::string::npos)
        << entry.owner << " does not say '" << entry.word << "'";
  }
}

// Those words of a key, from the left, that are neither an entry of the glossary nor part of one:
// nothing of "not_sent.in_doubt", if "not", "sent" and "in doubt" are entries.
std::vector<std::string> unexplained_words(const std::string& key,
                                           const std::set<std::string>& explained) {
  const auto is_explained = [&](const std::string& words) {
    return explained.contains(words) ||
           (words.ends_with('s') && explained.contains(words.substr(0, words.size() - 1)));
  };
  std::vector<std::string> unexplained;
  std::string rest = plain_words(key).substr(1);
  while (!rest.empty()) {
    std::size_t end = rest.size() - 1;
    while (end != std::string::npos && !is_explained(rest.substr(0, end)))
      end = rest.find_last_of(' ', end - 1);
    if (end == std::string::npos) {
      end = rest.find(' ');
      unexplained.push_back(rest.substr(0, end));
    }
    rest.erase(0, end + 1);
  }
  return unexplained;
}

// The keys of a summary that count something are made of words of the glossary, and of those below,
// which mean what they mean to everybody.
TEST(Style, GlossaryExplainsTheKeysThatCount) {
  std::istringstream listed(
      "adds and answered at back bad bin by bytes checksum classification code count counts cpu "
      "dropped "
      "earlier entries fifo fragment "
      "icmp in interface ip ipv4 ipv6 late lines long missed mode most not only other passes "
      "ranges read "
      "repeatedly "
      "replies rtt seconds seen "
      "short then time to too top type up us user without written wrong");
  const std::set<std::string> everybodys(std::istream_iterator<std::string>(listed), {});
  std::set<std::string> explained;
  for (const GlossaryEntry& entry : glossary()) explained.insert(entry.word);

  std::set<std::string> used;
  std::size_t key_count = 0;
  std::ifstream in(ECHOSCAN_SOURCE_DIR "/docs/summary.md");
  const std::regex pattern(
      "`(?:targets|ledger|labels|sending\\.queues|receiving|output)(?:\\[\\])?\\.([^`]+)`");
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("| `")) continue;
    for (const std::string& key : matches(line.substr(0, line.find('|', 1)), pattern)) {
      ++key_count;
      for (const std::string& word : unexplained_words(key, explained)) {
        EXPECT_TRUE(everybodys.contains(word)) << "'" << word << "' of " << key;
        used.insert(word);
      }
    }
  }
  EXPECT_GT(key_count, 50U);
  for (const std::string& word : everybodys)
    EXPECT_TRUE(used.contains(word)) << "no key has '" << word << "' any more";
}

TEST(Style, EverySourceIsFormatted) {
  std::string command = "cd '" ECHOSCAN_SOURCE_DIR "' && clang-format --dry-run --Werror";
  for (const Source& source : sources()) command += " '" + source.path + "'";
  EXPECT_EQ(std::system((command + " 2>&1").c_str()), 0);
}

}  // namespace
}  // namespace echoscan
