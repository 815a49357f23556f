// bpf/ as the kernel compiles it: the table of frames through the XDP program itself
// (BPF_PROG_TEST_RUN), verdict, counter and ring record. Needs CAP_BPF and CAP_NET_ADMIN, and no
// network.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numeric>
#include <random>
#include <vector>

#include "bpf/reply_rings.h"
#include "scanner/process/library_handle.h"
#include "scanner/process/limits.h"
#include "scanner/process/mapped_memory.h"
#include "tests/bpf/match_checks.h"
// Behind the headers that its structs come from.
#include "reply_filter.skel.h"
#include "tests/requirement.h"

namespace echoscan::reply_filter_test {
namespace {

constexpr std::uint32_t kRingBytes = 4096;
// The kernel's test run takes no frame shorter than its Ethernet header.
constexpr std::size_t kTestRunBytesMin = 14;

int take_record(void* context, void* data, std::size_t bytes) {
  auto& records = *static_cast<std::vector<reply>*>(context);
  EXPECT_EQ(bytes, sizeof(reply));
  records.emplace_back();
  std::memcpy(&records.back(), data, sizeof(reply));
  return 0;
}

class ReplyFilterTest : public testing::Test {
 protected:
  void SetUp() override {
    REQUIRE_FOR_TEST(geteuid() == 0, "loading a BPF program needs root");
    skeleton_.reset(reply_filter_bpf__open());
    ASSERT_NE(skeleton_, nullptr);
    const match_config config = case_config();
    std::memcpy(const_cast<match_config*>(&skeleton_->rodata->config), &config, sizeof(config));
    const int cpu_count = libbpf_num_possible_cpus();
    for (bpf_map* map : {skeleton_->maps.rings, skeleton_->maps.counters})
      ASSERT_EQ(bpf_map__set_max_entries(map, static_cast<__u32>(cpu_count)), 0);
    ASSERT_EQ(reply_filter_bpf__load(skeleton_.get()), 0);
    for (int cpu = 0; cpu < cpu_count; ++cpu) add_ring(cpu);
  }

  void TearDown() override {
    rings_.reset();
    for (const int map : ring_maps_) close(map);
    skeleton_.reset();
  }

  void add_ring(int cpu) {
    const int map = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "replies", 0, 0, kRingBytes, nullptr);
    ASSERT_GE(map, 0);
    ring_maps_.push_back(map);
    ASSERT_EQ(bpf_map_update_elem(bpf_map__fd(skeleton_->maps.rings), &cpu, &map, BPF_ANY), 0);
    if (rings_) {
      ASSERT_EQ(ring_buffer__add(rings_.get(), map, take_record, &records_), 0);
    } else {
      rings_.reset(ring_buffer__new(map, take_record, &records_, nullptr));
    }
  }

  // The XDP verdict on one frame, which the program sees `repeat` times.
  std::uint32_t run(std::vector<std::uint8_t> frame, int repeat = 1) {
    DECLARE_LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(),
                        .data_size_in = static_cast<__u32>(frame.size()), .repeat = repeat);
    EXPECT_EQ(bpf_prog_test_run_opts(bpf_program__fd(skeleton_->progs.reply_filter), &options), 0);
    return options.retval;
  }

  frame_counters counters() {
    frame_counters sum{};
    for (int number = 0; number < libbpf_num_possible_cpus(); ++number) {
      cpu_frame_counters cpu{};
      EXPECT_EQ(bpf_map_lookup_elem(bpf_map__fd(skeleton_->maps.counters), &number, &cpu), 0);
      sum.seen += cpu.counters.seen;
      for (int i = 0; i < FRAME_OUTCOME_COUNT; ++i) sum.outcome[i] += cpu.counters.outcome[i];
    }
    return sum;
  }

  LibraryHandle<reply_filter_bpf, reply_filter_bpf__destroy> skeleton_;
  LibraryHandle<ring_buffer, ring_buffer__free> rings_;
  std::vector<int> ring_maps_;
  std::vector<reply> records_;
};

TEST_F(ReplyFilterTest, TableOfFrames) {
  std::uint64_t seen = 0;
  for (const ReplyCase& row : reply_cases()) {
    if (row.frame.size() < kTestRunBytesMin) continue;
    const std::uint64_t before = counters().outcome[row.outcome];
    records_.clear();
    const bool is_reply = outcome_is_result(row.outcome) != 0;
    EXPECT_EQ(run(row.frame), is_reply ? XDP_DROP : XDP_PASS) << row.what;
    EXPECT_EQ(counters().outcome[row.outcome], before + 1) << row.what;
    EXPECT_EQ(counters().seen, ++seen) << row.what;
    ring_buffer__consume(rings_.get());
    ASSERT_EQ(records_.size(), is_reply ? 1U : 0U) << row.what;
    if (!is_reply) continue;
    EXPECT_GT(records_[0].received_ns, 0U) << row.what;
    records_[0].received_ns = 0;
    EXPECT_EQ(std::memcmp(&records_[0], &row.expected, sizeof(reply)), 0) << row.what;
  }
  const frame_counters sum = counters();
  EXPECT_EQ(std::accumulate(std::begin(sum.outcome), std::end(sum.outcome), std::uint64_t{0}),
            sum.seen);
}

// The two compilations of match_reply.h, in the kernel and here, agree on anything: every frame of
// the fuzzer's corpus, and many that are almost one of them.
TEST_F(ReplyFilterTest, KernelAndUserSpaceAgree) {
  constexpr int kMutations = 150;
  constexpr std::size_t kTestRunBytesMax = 1514;
  FrameMutator mutator(2);
  frame_counters before = counters();
  int results = 0;
  const auto compare = [&](const Bytes& frame, const std::string& what) {
    if (frame.size() < kTestRunBytesMin || frame.size() > kTestRunBytesMax) return;
    reply expected{};
    const frame_outcome outcome = match_exactly(frame, expected);
    const bool is_result = outcome_is_result(outcome) != 0;
    records_.clear();
    ASSERT_EQ(run(frame), is_result ? XDP_DROP : XDP_PASS) << what;
    const frame_counters after = counters();
    ASSERT_EQ(after.outcome[outcome], ++before.outcome[outcome]) << what;
    ring_buffer__consume(rings_.get());
    ASSERT_EQ(records_.size(), is_result ? 1U : 0U) << what;
    if (!is_result) return;
    ++results;
    records_[0].received_ns = 0;
    ASSERT_EQ(std::memcmp(&records_[0], &expected, sizeof(reply)), 0) << what;
  };
  int files = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(ECHOSCAN_SOURCE_DIR "/tests/corpus/match_reply_fuzz")) {
    ++files;
    std::ifstream in(entry.path(), std::ios::binary);
    const Bytes frame{std::istreambuf_iterator<char>(in), {}};
    const std::string name = entry.path().filename();
    compare(frame, name);
    for (int i = 0; i < kMutations && !HasFatalFailure(); ++i)
      compare(mutator.mutate(frame), name + ", mutation " + std::to_string(i));
  }
  EXPECT_GE(files, 100);
  EXPECT_GT(results, 1000);
  std::printf("%d results among them\n", results);
}

// A checksum is summed in blocks of halving size: every length of a message, with bytes behind the
// proof at random, is right, and with one bit of them changed it is wrong.
TEST_F(ReplyFilterTest, MessagesOfEveryLengthAreSummed) {
  std::mt19937 random(20261128);
  for (std::size_t bytes = our_payload().size(); bytes <= kPayloadBytesMax; ++bytes) {
    Frame reply;
    while (reply.payload.size() < bytes)
      reply.payload.push_back(static_cast<std::uint8_t>(random()));
    const Bytes right = reply.bytes();
    if (right.size() < kTestRunBytesMin) continue;
    struct reply found {};
    EXPECT_EQ(match_exactly(right, found), FRAME_REPLY) << bytes;
    EXPECT_EQ(run(right), XDP_DROP) << bytes;
    ring_buffer__consume(rings_.get());
    if (bytes == our_payload().size()) continue;
    Bytes wrong = right;
    const std::size_t behind = bytes - our_payload().size();
    wrong[wrong.size() - 1 - random() % behind] ^= static_cast<std::uint8_t>(1U << random() % 8);
    EXPECT_EQ(match_exactly(wrong, found), FRAME_WRONG_ICMP_CHECKSUM) << bytes;
    EXPECT_EQ(run(wrong), XDP_PASS) << bytes;
  }
  const frame_counters sum = counters();
  EXPECT_EQ(sum.outcome[FRAME_REPLY], kPayloadBytesMax - our_payload().size() + 1);
  EXPECT_EQ(sum.outcome[FRAME_WRONG_ICMP_CHECKSUM], kPayloadBytesMax - our_payload().size());
}

// The kernel refuses more than a million, and takes its time for each; the figure is in
// docs/design.md.
TEST_F(ReplyFilterTest, VerifierStaysFarFromItsLimit) {
  constexpr __u32 kVerifiedMax = 50'000;
  bpf_prog_info info{};
  __u32 info_bytes = sizeof(info);
  ASSERT_EQ(
      bpf_obj_get_info_by_fd(bpf_program__fd(skeleton_->progs.reply_filter), &info, &info_bytes),
      0);
  std::printf("%u instructions verified\n", info.verified_insns);
  EXPECT_GT(info.verified_insns, 1000U);
  EXPECT_LT(info.verified_insns, kVerifiedMax);
}

// Over its low mark a ring is named, with each record; below, none is.
TEST_F(ReplyFilterTest, ARingOverItsMarkIsNamed) {
  std::vector<std::uint8_t> frame;
  for (const ReplyCase& row : reply_cases())
    if (row.what == "reply") frame = row.frame;
  const MappedMemory memory =
      MappedMemory::shared(bpf_map__fd(skeleton_->maps.mark), sizeof(ring_mark));
  ASSERT_TRUE(memory);
  auto& mark = *memory.as<ring_mark>();
  constexpr std::uint64_t kRecordBytes = sizeof(reply) + 8;
  pin_to(allowed_cpus().front());  // each CPU has a ring of its own
  mark.low_bytes = 10 * kRecordBytes;
  run(frame, 10);
  EXPECT_EQ(mark.over, 0U);
  run(frame);
  EXPECT_GT(mark.over, 0U);
  mark.over = 0;
  run(frame);
  EXPECT_GT(mark.over, 0U);
  ring_buffer__consume(rings_.get());
  mark.over = 0;
  run(frame, 10);
  EXPECT_EQ(mark.over, 0U);
}

// A full ring is a loss of ours: counted as such, and still dropped, since the reply was ours.
TEST_F(ReplyFilterTest, FullRingIsCounted) {
  std::vector<std::uint8_t> frame;
  for (const ReplyCase& row : reply_cases())
    if (row.what == "reply") frame = row.frame;
  constexpr int kReplies = 1000;
  EXPECT_EQ(run(frame, kReplies), XDP_DROP);
  ring_buffer__consume(rings_.get());
  const frame_counters sum = counters();
  EXPECT_EQ(sum.seen, kReplies);
  EXPECT_GT(sum.outcome[FRAME_RING_FULL], 0U);
  EXPECT_EQ(sum.outcome[FRAME_REPLY], records_.size());
  EXPECT_EQ(sum.outcome[FRAME_REPLY] + sum.outcome[FRAME_RING_FULL], sum.seen);
}

}  // namespace
}  // namespace echoscan::reply_filter_test
