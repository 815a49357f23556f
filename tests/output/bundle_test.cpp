// Bundles: what is written is whole by the tools of others, each byte that changes is found and its
// file named, and nothing leads out of the folder.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <regex>
#include <string>
#include <vector>

#include "output/bundle/bag_info.h"
#include "output/bundle/bag_seal.h"
#include "output/bundle/bundle_check.h"
#include "output/bundle/coarse_text.h"
#include "output/bundle/manifest.h"
#include "output/bundle/sha256.h"
#include "tests/output/file_content.h"
#include "tests/output/sample_summary.h"
#include "tests/sweep_step.h"

namespace echoscan::bundle_test {
namespace {

namespace fs = std::filesystem;

void write_file(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

// A bundle of a finished scan of 192.0.2.0/24 and 198.51.100.0-255, sealed.
class BundleTest : public testing::Test {
 protected:
  BundleTest() : folder_(fs::path(testing::TempDir()) / "bundle") {
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "data");
    const std::string ranges = "192.0.2.0-192.0.2.255\n198.51.100.0-198.51.100.255\n";
    Summary summary = sample_summary();
    summary.targets.digest = "sha256:" + sha256_of(ranges);
    std::string results;
    for (std::uint64_t i = 0; i < summary.output.lines; ++i)
      results += "192.0.2." + std::to_string(i) + "\n";
    write_file(folder_ / "data/results.txt.zst", results);
    write_file(folder_ / "data/summary.json", summary_json(summary));
    write_file(folder_ / "data/targets.txt",
               "192.0.2.0-192.0.2.127 one\n192.0.2.128-192.0.2.255 two words\n"
               "198.51.100.0-198.51.100.255\n");
    write_file(folder_ / "data/log.txt", "2026-11-27T14:51:04.000+00:00 info: all is well\n");
    write_file(folder_ / "data/empty", "");
    seal();
  }

  void seal() {
    for (const char* name : {kBagInfo, kBagDeclaration, kManifest, kTagManifest})
      fs::remove(folder_ / name);
    BagInfo info;
    info.add("Contact", "Ada Lovelace");
    const auto totals = seal_bag(folder_, info, [] { return true; });
    ASSERT_TRUE(totals) << totals.error();
    EXPECT_EQ(totals->files, 5U);
  }

  [[nodiscard]] BagCheck check_files() const {
    const auto bag = BagFolder::open(folder_);
    const auto check = check_bag(*bag);
    EXPECT_TRUE(check) << check.error();
    return check.value_or(BagCheck{});
  }

  // What is found, a line each: "changed data/log.txt: is not what manifest-sha256.txt says".
  [[nodiscard]] std::string found() const {
    const auto check = check_bundle(folder_);
    if (!check) return check.error();
    std::string lines;
    for (const BagFinding& finding : check->findings)
      lines += std::string(name_of(finding.kind)) + " " + finding.file + ": " + finding.what + "\n";
    return lines;
  }

  // The same with a file's text changed, which is put back.
  std::string found_with(const std::string& name,
                         const std::function<std::string(std::string)>& change) {
    const std::string before = content(folder_ / name);
    write_file(folder_ / name, change(before));
    std::string lines = found();
    write_file(folder_ / name, before);
    return lines;
  }

  [[nodiscard]] std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(folder_))
      if (entry.is_regular_file()) names.push_back(fs::relative(entry.path(), folder_));
    return names;
  }

  fs::path folder_;
};

TEST(Sha256, IsThatOfTheStandard) {
  EXPECT_EQ(sha256_of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  Sha256 hash;
  hash.add("a");
  hash.add("bc");
  EXPECT_EQ(hash.digest(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Manifest, ReadsWhatItWritesAndNothingElse) {
  const std::string digest = sha256_of("x");
  const std::string line = manifest_line({digest, "data/a b.txt"});
  const auto parsed = parse_manifest_line(line.substr(0, line.size() - 1));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->digest, digest);
  EXPECT_EQ(parsed->path, "data/a b.txt");
  for (const char* path :
       {"/etc/passwd", "..", "../x", "data/../../x", "data/..", "data//x", "data/./x", "./data/x",
        "", "data/", "data/\r", "data/\x7f", "data\\x", "data/\x01"}) {
    EXPECT_FALSE(parse_manifest_line(digest + "  " + path)) << path;
    EXPECT_NE(why_unsafe(path), "") << path;
  }
  EXPECT_FALSE(why_unsafe(std::string(5000, 'a')).empty());
  for (const char* path : {"..a", "data/...", "data/a..b"}) EXPECT_EQ(why_unsafe(path), "");
  std::string upper = digest;
  for (char& c : upper) c = static_cast<char>(std::toupper(c));
  for (const std::string& wrong :
       {std::string(), digest, digest + " data/x", digest + "\tdata/x", digest + " *data/x",
        upper + "  data/x", digest.substr(1) + "  data/x", "g" + digest.substr(1) + "  data/x"})
    EXPECT_FALSE(parse_manifest_line(wrong)) << wrong;
}

TEST(BagInfo, FoldsLinesAndReadsThemBack) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 2000; ++round) {
    std::string value;
    for (std::uint64_t words = 1 + random() % 40; words > 0; --words)
      value += (value.empty() ? "" : " ") +
               std::string(1 + random() % 20, static_cast<char>('a' + random() % 26));
    BagInfo info;
    info.add("Before", "x");
    info.add("Label", value);
    info.add("After", "y");
    EXPECT_EQ(find_bag_info(info.text(), "Label"), value);
    EXPECT_EQ(find_bag_info(info.text(), "After"), "y");
    std::istringstream lines(info.text());
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 79U) << line;
  }
  BagInfo info;
  info.add("Long", std::string(200, 'a') + " " + std::string(90, 'b') + "  c ");
  info.add("None", "  ");
  EXPECT_EQ(info.text(),
            "Long: " + std::string(200, 'a') + "\n " + std::string(90, 'b') + "\n c\n");
  EXPECT_EQ(find_bag_info(info.text(), "None"), std::nullopt);
  EXPECT_EQ(find_bag_info(info.text(), "ong"), std::nullopt);
}

TEST(BagInfo, TakesLinesOfTextAlone) {
  EXPECT_TRUE(is_plain_text("Universität, 1. Stock"));
  for (const char* text : {"a\nb", "a\rb", "\x1b[m", "\xff", "a\xe2\x80\xa8z"})
    EXPECT_FALSE(is_plain_text(text)) << text;
  EXPECT_FALSE(is_plain_text(std::string(2001, 'a')));
}

TEST(CoarseText, HasNetworksInPlaceOfAddresses) {
  EXPECT_EQ(coarse_text("from 10.1.2.3, 10.1.2.4:80 and \"192.0.2.255\""),
            "from 10.1.2.0/24, 10.1.2.0/24:80 and \"192.0.2.0/24\"");
  EXPECT_EQ(coarse_text("10.1.2.0/24 10.1.2.128/25 10.0.0.0/8"),
            "10.1.2.0/24 10.1.2.0/24 [a network]");
  EXPECT_EQ(coarse_text("10.1.2.0-10.1.2.9"), "10.1.2.0/24-10.1.2.0/24");
  EXPECT_EQ(coarse_text("0.5, 6.18.5 and 1.2.3"), "0.5, 6.18.5 and 1.2.3");
  EXPECT_EQ(coarse_text("1.2.3.4.5 1921.168.1.1"), "1.2.3.0/24 1921.168.1.0/24");
  EXPECT_EQ(coarse_text("via fe80::1, 2001:db8:1:2:3:4:5:6 and ::1: at 14:51:04"),
            "via [IPv6], [IPv6] and [IPv6]: at 14:51:04");
  for (const char* none :
       {"2026-11-27T14:51:04.961+00:00", "02:3f:f2:65:6a:82", "std::cad", "::", "1:2"})
    EXPECT_EQ(coarse_text(none), none);
  EXPECT_TRUE(has_address("fe80::1"));
  EXPECT_TRUE(has_address("10.1.2.0/24"));
  EXPECT_FALSE(has_address("14:51:04"));
}

// What a search for addresses finds, by others' rules.
TEST(CoarseText, LeavesNoneThatASearchFinds) {
  const std::regex address("([0-9]{1,3}\\.){3}[0-9]{1,3}(/[0-9]+)?");
  const std::regex network("([0-9]{1,3}\\.){3}0/24");
  const std::string parts = "0123456789012345678901234567890123456789.......................// -,x";
  std::mt19937_64 random(2);
  int with_address = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (std::uint64_t bytes = random() % 30; bytes > 0; --bytes)
      text += parts[random() % parts.size()];
    const bool is_found = std::regex_search(text, address);
    with_address += is_found ? 1 : 0;
    EXPECT_EQ(has_address(text), is_found) << text;
    const std::string coarse = coarse_text(text);
    for (std::sregex_iterator at(coarse.begin(), coarse.end(), address), end; at != end; ++at)
      EXPECT_TRUE(std::regex_match(at->str(), network)) << text << " became " << coarse;
    EXPECT_EQ(coarse_text(coarse), coarse) << text;
    if (!is_found) {
      EXPECT_EQ(coarse, text);
    }
  }
  EXPECT_GT(with_address, 1000);
}

TEST_F(BundleTest, IsWhole) {
  EXPECT_EQ(found(), "");
  EXPECT_EQ(output_of("cd '" + folder_.string() +
                      "' && sha256sum --quiet -c manifest-sha256.txt tagmanifest-sha256.txt"),
            "");
  EXPECT_EQ(content(folder_ / kBagDeclaration),
            "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n");
  EXPECT_EQ(find_bag_info(content(folder_ / kBagInfo), "Payload-Oxum"),
            payload_oxum(check_files().totals));
}

TEST_F(BundleTest, NamesAByteThatHasChangedWhereverItIs) {
  std::mt19937_64 random(3);
  for (const std::string& name : files()) {
    const std::string before = content(folder_ / name);
    if (before.empty()) continue;
    for (int round = 0; round < 1000; round += kSweepStep) {
      std::string after = before;
      const std::size_t place = random() % after.size();
      after[place] = static_cast<char>(after[place] ^ static_cast<char>(1 + random() % 255));
      write_file(folder_ / name, after);
      const BagCheck check = check_files();
      const bool is_named =
          std::any_of(check.findings.begin(), check.findings.end(), [&name](const auto& finding) {
            return finding.file == name || finding.what.find(name) != std::string::npos;
          });
      ASSERT_TRUE(is_named) << name << ", byte " << place << " is " << int(after[place]);
    }
    write_file(folder_ / name, before);
  }
  EXPECT_EQ(found(), "");
}

TEST_F(BundleTest, NamesAFileThatIsCutOrLonger) {
  for (const std::string& name : files()) {
    for (const auto& change : std::vector<std::function<std::string(std::string)>>{
             [](const std::string& text) { return text.substr(0, text.size() / 2); },
             [](const std::string& text) { return text + "\n"; }}) {
      const std::string before = content(folder_ / name);
      if (change(before) == before) continue;
      EXPECT_NE(found_with(name, change).find(name), std::string::npos) << name;
    }
  }
}

TEST_F(BundleTest, NamesAFileThatIsMissingOrAdded) {
  for (const std::string& name : files()) {
    fs::rename(folder_ / name, folder_.string() + ".aside");
    EXPECT_NE(found().find("missing " + name), std::string::npos) << name << ": " << found();
    fs::rename(folder_.string() + ".aside", folder_ / name);
  }
  fs::create_directories(folder_ / "data/inner");
  write_file(folder_ / "data/inner/more", "x");
  EXPECT_NE(found().find("extra data/inner/more: is not in manifest-sha256.txt"),
            std::string::npos);
  fs::remove_all(folder_ / "data/inner");
  write_file(folder_ / "fetch.txt", "https://example.org/x 1 data/x\n");
  EXPECT_EQ(found(), "unlisted fetch.txt: is not in tagmanifest-sha256.txt\n");
}

TEST_F(BundleTest, FollowsNothingOutOfItsFolder) {
  const fs::path outside = folder_.string() + ".outside";
  write_file(outside, content(folder_ / "data/log.txt"));
  fs::remove(folder_ / "data/log.txt");
  fs::create_symlink(outside, folder_ / "data/log.txt");
  EXPECT_NE(found().find("refused data/log.txt: is a symbolic link"), std::string::npos);
  fs::remove(folder_ / "data/log.txt");
  ASSERT_EQ(mkfifo((folder_ / "data/log.txt").c_str(), 0600), 0);
  EXPECT_NE(found().find("refused data/log.txt: is a FIFO"), std::string::npos);
  fs::remove(folder_ / "data/log.txt");
  write_file(folder_ / "data/log.txt", content(outside));
  EXPECT_EQ(found(), "");
  // A folder in its place, of the same files.
  fs::rename(folder_ / "data", folder_.string() + ".data");
  fs::create_directory_symlink(folder_.string() + ".data", folder_ / "data");
  EXPECT_NE(found().find("refused data: is a symbolic link"), std::string::npos);
  fs::remove(folder_ / "data");
  fs::rename(folder_.string() + ".data", folder_ / "data");
  for (const char* path : {"../outside", "/etc/passwd", "data/../../outside"})
    EXPECT_NE(found_with(kManifest,
                         [path](const std::string& text) {
                           return text + manifest_line({sha256_of("x"), path});
                         })
                  .find("refused manifest-sha256.txt: line 6: it"),
              std::string::npos)
        << path;
  EXPECT_NE(found_with(kManifest, [](const std::string& text) { return text + text; })
                .find("stands twice"),
            std::string::npos);
}

TEST_F(BundleTest, OfNoneItSaysWhy) {
  EXPECT_EQ(check_bundle(folder_ / "nowhere").error(), "No such file or directory");
  EXPECT_EQ(check_bundle(folder_ / "data").error(),
            "there is neither a bagit.txt nor a manifest in it");
  fs::path deep = folder_ / "data";
  for (int depth = 0; depth < 20; ++depth) deep /= "d";
  fs::create_directories(deep);
  EXPECT_NE(check_bundle(folder_).error().find("nested too deeply"), std::string::npos);
}

// A bundle that was wrong when it was sealed.
TEST_F(BundleTest, HoldsItsFiguresAgainstEachOther) {
  const auto found_sealed = [this](const std::string& name,
                                   const std::function<std::string(std::string)>& change) {
    const std::string before = content(folder_ / name);
    write_file(folder_ / name, change(before));
    seal();
    std::string lines = found();
    write_file(folder_ / name, before);
    seal();
    return lines;
  };
  EXPECT_NE(found_sealed("data/summary.json",
                         [](const std::string& text) {
                           return std::regex_replace(text, std::regex("\"silent\": 902"),
                                                     "\"silent\": 903");
                         })
                .find("wrong data/summary.json: does not add up: targets"),
            std::string::npos);
  EXPECT_EQ(found_sealed("data/summary.json", [](const std::string&) { return "{}"; }),
            "wrong data/summary.json: is not a summary of a scan: 'type' is missing\n");
  EXPECT_EQ(found_sealed("data/results.txt.zst",
                         [](const std::string& text) { return text + "192.0.2.1\n"; }),
            "wrong data/results.txt.zst: has 123 results, and the summary says 122\n");
  const auto without_first_line = [](const std::string& text) {
    return text.substr(text.find('\n') + 1);
  };
  EXPECT_NE(found_sealed("data/targets.txt", without_first_line)
                .find("wrong data/targets.txt: has the digest sha256:"),
            std::string::npos);
  for (const char* line : {"192.0.2.9-192.0.2.9", "203.0.113.9-203.0.113.1", "203.0.113.1", "x"})
    EXPECT_EQ(found_sealed("data/targets.txt",
                           [line](const std::string& text) { return text + line + "\n"; }),
              "wrong data/targets.txt: line 4 is no range that follows those before it\n");
}

TEST_F(BundleTest, MayHaveCountsInPlaceOfAddresses) {
  fs::remove(folder_ / "data/results.txt.zst");
  write_file(folder_ / "data/results-slash24.csv",
             "table,group,as_org,replies,errors,repeats,targets\n"
             "total,total,,120,2,0,1024\nslash24,192.0.2.0/24,,100,1,0,256\n"
             "slash24,198.51.100.0/24,,20,1,0,256\n");
  Summary summary = *read_summary(content(folder_ / "data/summary.json"));
  write_file(folder_ / "data/targets.txt", "# " + summary.targets.digest + " is the digest\n");
  seal();
  EXPECT_EQ(found(), "");
  write_file(folder_ / "data/targets.txt", "# sha256:" + std::string(64, '0') + " is it\n");
  seal();
  EXPECT_NE(found().find("wrong data/targets.txt: has the digest sha256:000"), std::string::npos);
  write_file(folder_ / "data/targets.txt",
             "# " + summary.targets.digest + " is it\n192.0.2.0-192.0.2.255\n");
  seal();
  EXPECT_EQ(found(), "wrong data/targets.txt: line 2 is no range that follows those before it\n");
}

TEST_F(BundleTest, IsNotSealedOverWhatIsNotItsOwn) {
  for (const char* name : {kBagInfo, kBagDeclaration, kManifest, kTagManifest})
    fs::remove(folder_ / name);
  write_file(folder_ / "stray", "x");
  const auto sealed = seal_bag(folder_, {}, [] { return true; });
  ASSERT_FALSE(sealed);
  EXPECT_NE(sealed.error().find("'stray' in"), std::string::npos);
  fs::remove(folder_ / "stray");
  EXPECT_NE(seal_bag(folder_, {}, [] { return false; }).error().find("interrupted"),
            std::string::npos);
  EXPECT_FALSE(fs::exists(folder_ / kTagManifest));
}

}  // namespace
}  // namespace echoscan::bundle_test
