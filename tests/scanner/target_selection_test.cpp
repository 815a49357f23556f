// The lists as a scan takes them: from files, FIFOs and options, filtered, less exclusions and
// special-purpose ranges, counted so that it adds up.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <istream>
#include <streambuf>
#include <string>
#include <thread>
#include <vector>

#include "output/bundle/sha256.h"
#include "scanner/plan/digested_stream.h"
#include "scanner/plan/target_selection.h"
#include "scanner/process/user_error.h"
#include "tests/scanner/plan_of.h"
#include "tests/scanner/refusal_of.h"
#include "tests/targets/packed_text.h"

namespace echoscan::target_selection_test {
namespace {

// With `system_list` in the place of /etc/echoscan/exclude.txt.
TargetSelection selection_of(const std::vector<std::string>& arguments,
                             const std::string& system_list = {}) {
  TargetConfig config = parse_scan_config(arguments).value().target;
  config.system_exclude_file = system_list;
  return select_targets(config);
}

// The message that the arguments are refused with; empty when they are accepted.
std::string refusal(const std::vector<std::string>& arguments) {
  return refusal_of([](const auto& all) { plan_of(all); }, arguments);
}

std::string write_file(const std::string& name, const std::string& text) {
  std::string path = testing::TempDir() + "/" + name;
  std::ofstream(path) << text;
  return path;
}

std::string ranges_text(const TargetSelection& selection) {
  std::string text;
  for (const AddressRange& range : selection.ranges) text += to_string(range) + " ";
  return text;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(TargetSelection, LabelFilterKeepsTheEntriesThatMatch) {
  const std::string list = write_file(
      "labels.txt", "1.0.0.0/24 eu/EC2\n1.0.0.0/25 us/S3\n2.0.0.0/24 us/EC2\n3.0.0.0/24\n");
  const TargetSelection ec2 = selection_of({"-t", list, "4.4.4.4", "--label-filter", "EC2$"});
  EXPECT_EQ(ranges_text(ec2), "1.0.0.0/24 2.0.0.0/24 ");
  EXPECT_EQ(ec2.counts.filtered_entries, 3U);
  EXPECT_EQ(ec2.counts.listed_repeatedly, 0U);
  EXPECT_EQ(ec2.labels.text(ec2.labels.label_of(Ipv4{0x01000001})), "eu/EC2");
  EXPECT_EQ(ranges_text(selection_of({"-t", list, "--label-filter", "^(us|eu)/S"})), "1.0.0.0/25 ");
  // An empty label is one, too.
  EXPECT_EQ(ranges_text(selection_of({"-t", list, "--label-filter", "^$"})), "3.0.0.0/24 ");
  EXPECT_TRUE(contains(refusal({"-t", list, "--label-filter", "nowhere"}),
                       "--label-filter matches no label"));
}

// Each file by the bytes that came, packed or not, whatever pieces they came in.
TEST(TargetSelection, ListsAreKnownByTheirBytes) {
  std::string long_text = "# first\n";
  for (int i = 0; i < 20'000; ++i)
    long_text += "1.2." + std::to_string(i / 256) + "." + std::to_string(i % 256) + "\n";
  std::string json = "{\"prefixes\":[{\"ip_prefix\":\"5.0.0.0/24\",\"service\":\"a\"}]} \n\n";
  const std::vector<std::pair<std::string, std::string>> contents = {
      {"long.txt", long_text},
      {"one.txt", "6.0.0.1"},
      {"json.json", json},
      {"packed.gz", gzip("7.0.0.0/24\n7.0.1.0/24\n")}};
  std::vector<std::string> arguments;
  for (const auto& [name, text] : contents) {
    arguments.emplace_back("-t");
    arguments.push_back(write_file(name, text));
  }
  const std::string holes = write_file("holes.txt", "1.2.0.0/24 why\n# end");
  const std::string system = write_file("system.txt", "# nobody\n");
  arguments.insert(arguments.end(), {"--exclude-file", holes, "9.9.9.9"});
  const std::vector<ReadList> lists = selection_of(arguments, system).counts.lists;
  ASSERT_EQ(lists.size(), contents.size() + 2);
  const std::vector<std::uint64_t> entries = {20'000, 1, 1, 2, 1, 0};
  for (std::size_t i = 0; i < lists.size(); ++i) {
    const std::string text = i < contents.size()    ? contents[i].second
                             : i == contents.size() ? "1.2.0.0/24 why\n# end"
                                                    : "# nobody\n";
    EXPECT_EQ(lists[i].name, i < contents.size()    ? arguments[2 * i + 1]
                             : i == contents.size() ? holes
                                                    : system);
    EXPECT_EQ(lists[i].is_exclusion, i >= contents.size());
    EXPECT_EQ(lists[i].digest, sha256_of(text)) << lists[i].name;
    EXPECT_EQ(lists[i].bytes, text.size()) << lists[i].name;
    EXPECT_EQ(lists[i].entries, entries[i]) << lists[i].name;
  }
}

// A terminal ends once, and goes on when it is read again: nobody types the end twice.
class Terminal : public std::streambuf {
 public:
  int ends = 0;

 protected:
  int_type underflow() override {
    if (is_told_) return ++ends, is_told_ = false, traits_type::eof();
    is_told_ = true;
    setg(text_.data(), text_.data(), text_.data() + text_.size());
    return traits_type::to_int_type(text_[0]);
  }

 private:
  std::string text_ = "1.1.1.1\n";
  bool is_told_ = false;
};

TEST(TargetSelection, ATerminalIsReadToItsFirstEnd) {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, std::size_t{100'000}}) {
    Terminal terminal;
    std::istream in(&terminal);
    DigestedStream digested(in);
    std::string read;
    std::string buffer(piece, '\0');
    while (digested.stream().read(buffer.data(), static_cast<std::streamsize>(piece)) ||
           digested.stream().gcount() > 0)
      read.append(buffer, 0, static_cast<std::size_t>(digested.stream().gcount()));
    EXPECT_EQ(read, "1.1.1.1\n") << piece;
    EXPECT_EQ(digested.digest(), sha256_of("1.1.1.1\n")) << piece;
    EXPECT_EQ(terminal.ends, 1) << piece;
  }
}

TEST(TargetSelection, WrongExpressionsAreRefusedWithTheReason) {
  for (const char* expression : {"[", "(", "a{2", "*", "\\"}) {
    const std::string message = refusal({"1.1.1.1", "--label-filter", expression});
    EXPECT_TRUE(contains(message, std::string("--label-filter: '") + expression +
                                      "' is not a regular expression (ECMAScript): "))
        << message;
    EXPECT_GT(message.size(), 90U) << "the reason is missing: " << message;
  }
}

TEST(TargetSelection, LabelsChangeNeitherDigestNorOrder) {
  const std::string plain = write_file("plain.txt", "1.0.0.0/24\n2.0.0.0/24\n");
  const std::string labelled =
      write_file("labelled.txt", "2.0.0.0/25 c\n1.0.0.0/24 a\n1.0.0.7 b\n2.0.0.0/24\n");
  const TargetPlan a = plan_of({"-t", plain, "--seed", "3"});
  const TargetPlan b = plan_of({"-t", labelled, "--seed", "3"});
  EXPECT_TRUE(a.labels.empty());
  EXPECT_FALSE(b.labels.empty());
  EXPECT_EQ(a.digest, b.digest);
  EXPECT_EQ(a.permutation.generator(), b.permutation.generator());
  EXPECT_EQ(a.targets.ranges().size(), b.targets.ranges().size());
}

TEST(TargetSelection, ListedRepeatedlyCountsAddresses) {
  const std::string list = write_file("twice.txt", "1.0.0.0/24\n1.0.0.0/25\n1.0.0.0/26 x\n");
  const TargetCounts counts = selection_of({"-t", list, "1.0.0.255", "-x", "1.0.0.0/30"}).counts;
  EXPECT_EQ(counts.listed, 256U);
  EXPECT_EQ(counts.listed_repeatedly, 129U);
  EXPECT_EQ(counts.excluded_by_user, 4U);
}

TEST(TargetSelection, EachReservedRangeIsCounted) {
  const TargetCounts counts =
      selection_of({"9.0.0.0-10.0.0.9", "127.0.0.1", "-x", "10.0.0.0"}).counts;
  EXPECT_EQ(counts.excluded_by_user, 1U);
  EXPECT_EQ(counts.excluded_reserved, 10U);
  ASSERT_EQ(counts.reserved.size(), 2U);
  EXPECT_EQ(counts.reserved[0].count, 9U);
  EXPECT_EQ(counts.reserved[0].entry.rfc, "RFC 1918");
  EXPECT_EQ(counts.reserved[1].count, 1U);
  EXPECT_EQ(counts.reserved[1].entry.name, "loopback");
}

TEST(TargetSelection, AllowRangeLiftsOneRangeAndNoExclusion) {
  const std::vector<std::string> targets = {"10.0.0.0/8", "192.168.0.0/16", "-x", "10.0.0.0/24"};
  const auto with = [&targets](std::vector<std::string> options) {
    options.insert(options.end(), targets.begin(), targets.end());
    return selection_of(options);
  };
  EXPECT_EQ(ranges_text(with({"--allow-range", "10.0.0.0/16"})), "10.0.1.0-10.0.255.255 ");
  const TargetSelection both =
      with({"--allow-range", "10.0.0.0/16", "--allow-range", "192.168.7.0-192.168.7.9"});
  EXPECT_EQ(ranges_text(both), "10.0.1.0-10.0.255.255 192.168.7.0-192.168.7.9 ");
  EXPECT_EQ(both.counts.excluded_reserved + count_addresses(both.ranges) + 256, both.counts.listed);
  EXPECT_EQ(ranges_text(with({"--allow-reserved"})), "10.0.1.0-10.255.255.255 192.168.0.0/16 ");
  EXPECT_TRUE(contains(refusal({"10.0.0.1"}), "--allow-reserved or --allow-range 10.0.0.0/8"));
  EXPECT_TRUE(contains(refusal({"1.1.1.1", "--allow-range", "10.0.0.1/8"}),
                       "--allow-range: '10.0.0.1/8' is not an address, CIDR block or range: host "
                       "bits are set; the network is 10.0.0.0/8"));
}

// The routable Internet needs no list.
TEST(TargetSelection, AllOfIpv4IsWhatTheRegistryLeaves) {
  const TargetSelection selection = selection_of({"0.0.0.0/0"});
  EXPECT_EQ(count_addresses(selection.ranges), 3702258432U);
  EXPECT_EQ(selection.counts.reserved.size(), kSpecialPurposeRanges.size());
  EXPECT_EQ(plan_of({"0.0.0.0/0", "--seed", "1"}).target_count, 3702258432U);
}

TEST(TargetSelection, BadLinesEndItOrAreSkippedAndCounted) {
  std::string text = "1.0.0.0/24\n";
  for (int i = 0; i < 25; ++i) text += "nonsense\n";
  const std::string list = write_file("bad.txt", text);
  const std::string holes = write_file("bad_holes.txt", "1.0.0.0/25\n1.0.0.1/25\n");
  EXPECT_TRUE(contains(refusal({"-t", list}), "bad.txt:2: nonsense: 'nonsense' is not"));
  EXPECT_TRUE(contains(refusal({"-t", list}), "\nand 5 more"));
  EXPECT_TRUE(contains(refusal({"1.0.0.0/24", "--exclude-file", holes}), "bad_holes.txt:2: "));
  const TargetSelection skipped = selection_of({"-t", list, "--skip-bad-lines"});
  EXPECT_EQ(ranges_text(skipped), "1.0.0.0/24 ");
  EXPECT_EQ(skipped.counts.bad_lines, 25U);
  // An exclusion is never skipped, whether the list has wrong lines of its own or not.
  for (const char* targets : {list.c_str(), ""}) {
    std::vector<std::string> arguments = {"--exclude-file", holes, "--skip-bad-lines",
                                          "1.0.0.0/24"};
    if (*targets != '\0') arguments.insert(arguments.end(), {"-t", targets});
    EXPECT_TRUE(contains(refusal(arguments), "bad_holes.txt:2: 1.0.0.1/25: host bits"));
  }
  // What stands on the command line is not skipped.
  EXPECT_TRUE(contains(refusal({"1.0.0.1/24", "--skip-bad-lines"}), "target: 1.0.0.1/24: host"));
}

TEST(TargetSelection, ListsThatCannotBeReadAreNamed) {
  EXPECT_TRUE(contains(refusal({"-t", "/nonexistent"}),
                       "cannot read the list '/nonexistent': No such file or directory"));
  EXPECT_TRUE(contains(refusal({"-t", "/"}), "cannot read the list '/': Is a directory"));
  const std::string cut = write_file("cut.gz", std::string("\x1f\x8b\x08\x00\x00", 5));
  EXPECT_TRUE(
      contains(refusal({"-t", cut, "--skip-bad-lines"}), "cut.gz': the gzip data ends early"));
  const std::string json = write_file("cut.json", "{\"prefixes\": [");
  EXPECT_TRUE(contains(refusal({"1.1.1.1", "--exclude-file", json}),
                       "cut.json': its JSON is broken: parse error at line 1"));
}

// Whatever a list of exclusions looks like, it excludes something or it is refused.
TEST(TargetSelection, ExclusionsThatExcludeNothingAreRefused) {
  const std::string gzip_of_nothing("\x1f\x8b\x08\0\0\0\0\0\0\x03\x03\0\0\0\0\0\0\0\0\0", 20);
  const std::vector<std::string> empty = {"",
                                          "\n",
                                          "\n \t\r\n",
                                          "# 1.0.0.0/24\n",
                                          "; a comment",
                                          "\xef\xbb\xbf",
                                          "{}",
                                          "[]",
                                          "{\"prefixes\": []}",
                                          "{\"prefixes\":[{\"ipv6_prefix\":\"2600::/32\"}]}",
                                          gzip_of_nothing};
  const std::string good = write_file("good_holes.txt", "1.0.0.0/25\n");
  for (const std::string& text : empty) {
    const std::string list = write_file("no_holes.txt", text);
    EXPECT_NE(refusal({"1.0.0.0/24", "--exclude-file", list}), "") << text;
    // One that does exclude something makes up for none, whichever comes first.
    EXPECT_NE(refusal({"1.0.0.0/24", "--exclude-file", good, "--exclude-file", list}), "") << text;
    EXPECT_NE(refusal({"1.0.0.0/24", "--exclude-file", list, "--exclude-file", good}), "") << text;
    EXPECT_NE(refusal({"1.0.0.0/24", "-x", "1.0.0.1", "--exclude-file", list}), "") << text;
    EXPECT_NE(refusal({"1.0.0.0/24", "--skip-bad-lines", "--exclude-file", list}), "") << text;
    // The system-wide list may be comments alone.
    if (text.starts_with('#')) continue;
    EXPECT_THROW(selection_of({"1.0.0.0/24"}, list), UserError) << text;
  }
  EXPECT_TRUE(contains(refusal({"1.0.0.0/24", "--exclude-file", write_file("none.txt", "")}),
                       "none.txt' excludes nothing: there is no IPv4 address"));
  for (const char* text : {"", " ", "# 1.0.0.1", ";"})
    EXPECT_TRUE(contains(refusal({"1.0.0.0/24", "-x", text}),
                         "--exclude '" + std::string(text) + "' excludes nothing"));
  EXPECT_TRUE(contains(refusal({"1.0.0.0/24", "--exclude-file", "/nonexistent"}),
                       "cannot read the list '/nonexistent': No such file"));
  // The same range once more is no news, and no error.
  EXPECT_EQ(ranges_text(selection_of({"1.0.0.0/24", "--exclude-file", good, "--exclude-file", good,
                                      "-x", "1.0.0.0/25"})),
            "1.0.0.128/25 ");
  // Nor is a list that has none of these targets: it is everybody's who opted out.
  EXPECT_EQ(selection_of({"2.0.0.0/24", "--exclude-file", good}).counts.excluded_by_user, 0U);
}

TEST(TargetSelection, TheSystemWideListIsAlwaysTakenOffAndCounted) {
  const std::string system = write_file("system.txt", "1.0.0.0/25 # one\n10.0.0.0/8\n9.9.9.9\n");
  const TargetSelection selection =
      selection_of({"1.0.0.0/24", "10.0.0.0/24", "-x", "1.0.0.0/26", "--allow-reserved"}, system);
  EXPECT_EQ(ranges_text(selection), "1.0.0.128/25 ");
  EXPECT_EQ(selection.counts.listed, 512U);
  EXPECT_EQ(selection.counts.excluded_by_user, 64U);
  EXPECT_EQ(selection.counts.excluded_by_system, 64U + 256);
  EXPECT_EQ(selection.counts.excluded_reserved, 0U);
  EXPECT_EQ(selection.counts.system_list, system);
  EXPECT_EQ(selection.counts.system_digest, system_list_digest(system));
  EXPECT_EQ(selection.digest, selection_of({"1.0.0.128/25"}).digest);
  // It counts when it takes nothing.
  const TargetSelection other = selection_of({"2.0.0.0/24"}, system);
  EXPECT_EQ(other.counts.excluded_by_system, 0U);
  EXPECT_EQ(other.counts.system_list, system);
  EXPECT_EQ(selection_of({"2.0.0.0/24"}).counts.system_list, "");
}

TEST(TargetSelection, ASystemWideListIsReadOrAbsent) {
  const std::string folder = testing::TempDir() + "/system." + std::to_string(getpid());
  ASSERT_EQ(mkdir(folder.c_str(), 0700), 0);
  const std::string list = folder + "/exclude.txt";
  const auto refuses = [&list](const std::string& why) {
    const std::string sentence =
        refusal_of([&list](const auto& all) { selection_of(all, list); }, {"1.0.0.0/24"});
    EXPECT_TRUE(contains(sentence, list)) << sentence;
    EXPECT_TRUE(contains(sentence, why)) << sentence;
  };
  EXPECT_EQ(ranges_text(selection_of({"1.0.0.0/24"}, list)), "1.0.0.0/24 ");
  EXPECT_EQ(ranges_text(selection_of({"1.0.0.0/24"}, folder + "/none/exclude.txt")), "1.0.0.0/24 ");
  EXPECT_EQ(system_list_digest(list), "");
  std::ofstream(list) << "1.0.0.0/25\n1.0.0.1/25\n";
  refuses("exclude.txt:2: 1.0.0.1/25: host bits are set");
  for (const char* leftover : {"", "\n", "{\"prefixes\": []}"}) {
    std::ofstream(list) << leftover;
    refuses("excludes nothing");
  }
  // As the package brings it.
  std::ofstream(list) << "# Who has asked to be left alone.\n";
  EXPECT_EQ(ranges_text(selection_of({"1.0.0.0/24"}, list)), "1.0.0.0/24 ");
  EXPECT_EQ(selection_of({"1.0.0.0/24"}, list).counts.system_list, "");
  EXPECT_EQ(system_list_digest(list), "");
  unlink(list.c_str());
  ASSERT_EQ(symlink("nowhere", list.c_str()), 0);
  refuses("No such file or directory");
  unlink(list.c_str());
  ASSERT_EQ(symlink("exclude.txt", list.c_str()), 0);
  refuses("symbolic links");
  unlink(list.c_str());
  ASSERT_EQ(mkdir(list.c_str(), 0700), 0);
  refuses("Is a directory");
  rmdir(list.c_str());
  rmdir(folder.c_str());
}

TEST(TargetSelection, AFifoIsAList) {
  const std::string fifo = testing::TempDir() + "/fifo." + std::to_string(getpid());
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  std::thread writer([&fifo] {
    std::ofstream out(fifo);
    // In pieces, the first of which says nothing about what the list is.
    for (const char* piece : {"\n", " {", R"("prefixes":[{"ip_prefix":)", R"("1.0.0.0/24"}]})"}) {
      out << piece << std::flush;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  });
  const TargetSelection selection = selection_of({"-t", fifo});
  writer.join();
  unlink(fifo.c_str());
  EXPECT_EQ(ranges_text(selection), "1.0.0.0/24 ");
}

TEST(TargetSelection, CloudListsTellWhatTheyHold) {
  const std::string folder = ECHOSCAN_SOURCE_DIR "/tests/targets/lists/";
  const TargetSelection selection =
      selection_of({"-t", folder + "amazon.json", "-t", folder + "google.json", "-t",
                    folder + "microsoft.json", "--allow-range", "198.18.0.0/15"});
  EXPECT_EQ(selection.counts.ipv6_entries, 5U);
  EXPECT_EQ(selection.counts.listed_repeatedly, 1024U + 256 + 4);
  EXPECT_EQ(count_addresses(selection.ranges), 1024U + 256 + 1 + 4096 + 256 + 256 + 4096);
  std::uint64_t sum = 0;
  for (const std::uint64_t count : selection.labels.count(selection.ranges)) sum += count;
  EXPECT_EQ(sum, count_addresses(selection.ranges));
}

// What a list names and nobody can read is counted of targets, and refused of exclusions.
TEST(TargetSelection, HostsByNameAreCountedAndNeverAnExclusion) {
  const std::string list = ECHOSCAN_SOURCE_DIR "/tests/targets/lists/microsoft365.json";
  const TargetSelection selection = selection_of({"-t", list, "--allow-range", "198.18.0.0/15"});
  EXPECT_EQ(selection.counts.host_entries, 1U);
  EXPECT_EQ(count_addresses(selection.ranges), 1024U + 2 + 64);
  EXPECT_TRUE(contains(refusal({"1.0.0.0/24", "--exclude-file", list}),
                       "[1]: it names hosts (urls) and no address"));
  const std::string stray =
      write_file("stray.json", R"({"prefixes":[{"ip_prefix":"1.0.0.0/25","x":"1.0.0.128/25"}]})");
  EXPECT_EQ(ranges_text(selection_of({"-t", stray})), "1.0.0.0/25 ");
  EXPECT_TRUE(contains(refusal({"1.0.0.0/24", "--exclude-file", stray}),
                       "stray.json: 1.0.0.128/25: it is written as a target"));
  // On the command line IPv6 stays an error: its writer is there to read that.
  EXPECT_TRUE(contains(refusal({"2001:db8::1"}), "IPv6 addresses are not probed"));
  EXPECT_TRUE(contains(refusal({"1.0.0.0/24", "-x", "2001:db8::1"}), "IPv6 addresses are not"));
}

TEST(TargetSelection, CutLabelsAreCounted) {
  const std::string text =
      "1.0.0.0/24 " + std::string(256, 'x') + "\n2.0.0.0/24 " + std::string(255, 'x') + "\n";
  const std::string list = write_file("long_labels.txt", text);
  const TargetSelection selection = selection_of({"-t", list, "-t", list});
  EXPECT_EQ(selection.counts.cut_labels, 2U);
  EXPECT_EQ(selection.labels.text(selection.labels.label_of(Ipv4{0x01000001})),
            std::string(255, 'x'));
}

}  // namespace
}  // namespace echoscan::target_selection_test
