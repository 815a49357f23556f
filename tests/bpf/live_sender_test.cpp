// The in-kernel sender as the kernel compiles it (BPF_PROG_TEST_RUN, not live: nothing is sent):
// its frames are those of user space byte by byte, and it takes a target only when there is one, in
// order, and when a token is due. Needs CAP_BPF and CAP_NET_ADMIN, and no network.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <tuple>
#include <vector>

#include "bpf/match_reply.h"
#include "bpf/reply_rings.h"
#include "scanner/process/clock.h"
#include "scanner/process/file_descriptor.h"
#include "scanner/process/library_handle.h"
#include "scanner/process/mapped_memory.h"
#include "scanner/transmit/frame.h"
#include "scanner/transmit/method/live_program.h"
// Behind the headers that its structs come from.
#include "live_sender.skel.h"
#include "tests/requirement.h"

namespace echoscan::live_sender_test {
namespace {

constexpr probe_key kKey{{0x0706050403020100, 0x0f0e0d0c0b0a0908},
                         {0x1716151413121110, 0x1f1e1d1c1b1a1918}};
const FrameAddresses kAddresses{{{2, 0, 0, 0, 0, 1}}, {{2, 0, 0, 0, 0, 2}}, Ipv4{0xc0000201}};

class LiveSenderTest : public testing::Test {
 protected:
  void SetUp() override {
    REQUIRE_FOR_TEST(geteuid() == 0, "loading a BPF program needs root");
    load(template_);
  }

  void TearDown() override { unload(); }

  void unload() {
    queue_memory_ = MappedMemory();
    skeleton_.reset();
    queue_ = nullptr;
  }

  void load(const FrameTemplate& frame_template) {
    unload();
    skeleton_.reset(live_sender_bpf__open());
    ASSERT_NE(skeleton_, nullptr);
    loaded_ = frame_template;
    const live_config config = make_live_config(frame_template);
    std::memcpy(const_cast<live_config*>(&skeleton_->rodata->config), &config, sizeof(config));
    const int cpu_count = libbpf_num_possible_cpus();
    ASSERT_EQ(bpf_map__set_max_entries(skeleton_->maps.queue_of_cpu, static_cast<__u32>(cpu_count)),
              0);
    ASSERT_EQ(live_sender_bpf__load(skeleton_.get()), 0);
    // Whichever CPU the test runs on works for the one queue.
    const __u32 number = 1;
    for (int cpu = 0; cpu < cpu_count; ++cpu)
      ASSERT_EQ(bpf_map_update_elem(bpf_map__fd(skeleton_->maps.queue_of_cpu), &cpu, &number, 0),
                0);
    const __u32 only = 0;
    const int loopback = 1;
    ASSERT_EQ(bpf_map_update_elem(bpf_map__fd(skeleton_->maps.devices), &only, &loopback, 0), 0);
    queue_memory_ = MappedMemory::shared(bpf_map__fd(skeleton_->maps.queues), sizeof(live_queue));
    ASSERT_TRUE(queue_memory_);
    queue_ = queue_memory_.as<live_queue>();
    for (std::size_t i = 0; i < NextHopTable::kMax; ++i)
      queue_->frame_heads[i] = frame_template.next_hops()->frame_head(i);
  }

  // What a flush would do: nothing is in flight any more.
  void flush() {
    queue_->sent += queue_->entered - queue_->flown;
    queue_->flown = queue_->entered;
  }

  void put(Target target) {
    TargetProof proof{};
    loaded_.prove(std::span(&target, 1), std::span(&proof, 1));
    queue_->ring[tail_ % LIVE_RING_TARGETS] = {
        live_entry(target.address.value, target.pass, 0, target.next_hop, tail_),
        live_proof(proof.cookie, proof.ip_checksum, tail_)};
    ++tail_;
  }

  // The verdict of one run on a page full of what an earlier frame left; the frame is in frame_.
  std::uint32_t run() {
    std::vector<std::uint8_t> page(skeleton_->rodata->config.frame_bytes, 0xa5);
    frame_.resize(page.size());
    DECLARE_LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = page.data(),
                        .data_out = frame_.data(), .data_size_in = static_cast<__u32>(page.size()),
                        .data_size_out = static_cast<__u32>(page.size()), .repeat = 1);
    EXPECT_EQ(bpf_prog_test_run_opts(bpf_program__fd(skeleton_->progs.live_sender), &options), 0);
    EXPECT_EQ(options.data_size_out, static_cast<__u32>(page.size()));
    return options.retval;
  }

  std::uint64_t sent_ns() const { return wire_load64(frame_.data() + 42); }

  FrameTemplate template_{kAddresses, kKey};
  FrameTemplate loaded_ = template_;
  LibraryHandle<live_sender_bpf, live_sender_bpf__destroy> skeleton_;
  MappedMemory queue_memory_;
  live_queue* queue_ = nullptr;
  std::uint64_t tail_ = 0;
  std::vector<std::uint8_t> frame_;
};

TEST_F(LiveSenderTest, FramesAreThoseOfTheTemplate) {
  template_.next_hops()->set(1, {{2, 0, 0, 0, 1, 3}});
  template_.next_hops()->set(63, {{0xfe, 0xfd, 0xfc, 0xfb, 0xfa, 0xf9}});
  load(template_);
  for (const Target target : {Target{Ipv4{0x0a000001}, 0}, Target{Ipv4{0xffffffff}, 255, false, 63},
                              Target{Ipv4{0}, 1}, Target{Ipv4{0xc6120304}, 7, false, 1}}) {
    put(target);
    ASSERT_EQ(run(), XDP_REDIRECT);
    std::vector<std::uint8_t> expected(PROBE_FRAME_BYTES);
    const FrameBuffer probe(expected.data(), PROBE_FRAME_BYTES);
    template_.fill(probe);
    template_.patch(probe, target, sent_ns());
    EXPECT_EQ(frame_, expected) << to_string(target.address);
    EXPECT_GT(sent_ns(), 0U);
    flush();
  }
  EXPECT_EQ(queue_->head, 4U);
  EXPECT_EQ(queue_->unconfirmed, 0U);
}

// Every length within two words of either end, where the program goes from words to bytes.
TEST_F(LiveSenderTest, ALongerFrameEndsAsTheTemplates) {
  std::vector<std::size_t> lengths;
  for (std::size_t bytes = PROBE_FRAME_BYTES; bytes < PROBE_FRAME_BYTES + 18; ++bytes)
    lengths.push_back(bytes);
  for (std::size_t bytes = FrameTemplate::kFrameBytesMax; lengths.size() < 36; --bytes)
    lengths.push_back(bytes);
  for (const std::size_t bytes : lengths) {
    std::vector<std::uint8_t> padding(bytes - PROBE_FRAME_BYTES);
    for (std::size_t i = 0; i < padding.size(); ++i)
      padding[i] = static_cast<std::uint8_t>(i * 7 + bytes);
    const FrameTemplate longer(kAddresses, kKey, padding);
    tail_ = 0;
    load(longer);
    const Target target{Ipv4{0x0a000001}, 2};
    put(target);
    ASSERT_EQ(run(), XDP_REDIRECT) << bytes;
    std::vector<std::uint8_t> expected(bytes);
    longer.fill(expected);
    longer.patch(FrameBuffer(expected.data(), PROBE_FRAME_BYTES), target, sent_ns());
    EXPECT_EQ(frame_, expected) << bytes;
  }
}

// The two words of a slot may be seen one by one: a target is taken when both are new.
TEST_F(LiveSenderTest, WaitsForBothWordsOfATarget) {
  for (int i = 0; i < LIVE_RING_TARGETS + 3; ++i) {
    put({Ipv4{static_cast<std::uint32_t>(i)}, 0});
    live_target& slot = queue_->ring[(tail_ - 1) % LIVE_RING_TARGETS];
    for (__u64 live_target::*word : {&live_target::entry, &live_target::proof}) {
      const __u64 whole = slot.*word;
      slot.*word ^= __u64{3} << 40;  // the lap before
      ASSERT_EQ(run(), XDP_DROP) << i;
      slot.*word = whole;
    }
    ASSERT_EQ(run(), XDP_REDIRECT) << i;
    flush();
  }
}

TEST_F(LiveSenderTest, TakesEachTargetOnceAndInOrderAroundTheRing) {
  constexpr std::uint32_t kTargets = 2 * LIVE_RING_TARGETS + 10;
  EXPECT_EQ(run(), XDP_DROP) << "an empty ring";
  for (std::uint32_t i = 0; i < kTargets; ++i) {
    put({Ipv4{i}, 0});
    ASSERT_EQ(run(), XDP_REDIRECT);
    ASSERT_EQ(wire_load32(frame_.data() + 30), i);
    flush();
    if (i % 1000 == 0) {
      ASSERT_EQ(run(), XDP_DROP) << "an old entry was taken again at " << i;
    }
  }
  EXPECT_EQ(queue_->head, kTargets);
}

// Targets that the driver refused come first, and nothing leaves before the batch is over.
TEST_F(LiveSenderTest, RefusedTargetsComeFirst) {
  put({Ipv4{1}, 0});
  queue_->again[0] = {live_entry(77, 3, 0, 0, 0), live_proof(probe_cookie(&kKey, 77), 0, 0)};
  queue_->again_count = 1;
  queue_->resume_run = LIVE_BATCH;
  for (int i = 0; i < LIVE_BATCH; ++i) ASSERT_EQ(run(), XDP_DROP);
  ASSERT_EQ(run(), XDP_REDIRECT);
  EXPECT_EQ(wire_load32(frame_.data() + 30), 77U);
  EXPECT_EQ(frame_[58], 3);
  flush();
  ASSERT_EQ(run(), XDP_REDIRECT);
  EXPECT_EQ(wire_load32(frame_.data() + 30), 1U);
}

// The interface has been removed: the kernel has taken it out of the map. Every target stays in
// line.
TEST_F(LiveSenderTest, WithoutAnInterfaceTargetsStayInLine) {
  const __u32 only = 0;
  ASSERT_EQ(bpf_map_delete_elem(bpf_map__fd(skeleton_->maps.devices), &only), 0);
  for (std::uint32_t i = 0; i < 100; ++i) put({Ipv4{i}, 0});
  for (int i = 0; i < 5 * LIVE_BATCH; ++i) ASSERT_EQ(run(), XDP_DROP);
  EXPECT_EQ(queue_->refused, 5U) << "one try a batch";
  EXPECT_EQ(queue_->again_count, 1U);
  EXPECT_EQ(queue_->head, 1U);
  EXPECT_EQ(queue_->entered, queue_->flown);
  EXPECT_EQ(queue_->unconfirmed, 0U);
  EXPECT_EQ(queue_->error, static_cast<__u32>(ENODEV));
  const int loopback = 1;
  ASSERT_EQ(bpf_map_update_elem(bpf_map__fd(skeleton_->maps.devices), &only, &loopback, 0), 0);
  ASSERT_EQ(run(), XDP_REDIRECT);
  EXPECT_EQ(wire_load32(frame_.data() + 30), 0U) << "the one that was refused comes first";
}

TEST_F(LiveSenderTest, WhatNoTracepointNamedIsUnconfirmed) {
  for (std::uint32_t i = 0; i < 3; ++i) put({Ipv4{i}, 0});
  for (int i = 0; i < 3; ++i) ASSERT_EQ(run(), XDP_REDIRECT);
  for (int i = 3; i <= LIVE_BATCH; ++i) ASSERT_EQ(run(), XDP_DROP);
  EXPECT_EQ(queue_->unconfirmed, 3U);
  EXPECT_EQ(queue_->sent, 0U);
}

// A ring of replies over the high mark holds every target back; one that has been emptied does not,
// and nobody looks at it any more. Between the marks, sending goes on.
TEST_F(LiveSenderTest, WaitsForTheReceiver) {
  constexpr __u32 kRingBytes = 4096;
  constexpr __u32 kCpu = 0;
  const FileDescriptor ring(
      bpf_map_create(BPF_MAP_TYPE_RINGBUF, "replies", 0, 0, kRingBytes, nullptr));
  const int ring_fd = ring.get();
  ASSERT_EQ(bpf_map_update_elem(bpf_map__fd(skeleton_->maps.rings), &kCpu, &ring_fd, BPF_ANY), 0);
  const MappedMemory pages = MappedMemory::shared(ring_fd, getpagesize());  // the consumer's
  const MappedMemory mark_memory =
      MappedMemory::shared(bpf_map__fd(skeleton_->maps.mark), sizeof(ring_mark));
  ASSERT_TRUE(pages && mark_memory);
  auto& consumed = *pages.as<std::uint64_t>();
  auto& mark = *mark_memory.as<ring_mark>();
  mark.low_bytes = 1024;
  mark.high_bytes = 2048;
  // What is produced stays 0 here: a ring that has been emptied by more than was put in looks full.
  for (const auto& [waiting, is_sent, over_then] :
       {std::tuple(0U, true, 0U), std::tuple(1024U, true, 0U), std::tuple(1025U, true, 1U),
        std::tuple(2048U, true, 1U), std::tuple(2049U, false, 1U), std::tuple(4000U, false, 1U)}) {
    consumed = std::uint64_t{0} - waiting;
    mark.over = kCpu + 1;
    const std::uint64_t held = queue_->held_runs;
    put({Ipv4{waiting}, 0});
    queue_->runs += LIVE_LOOK_RUNS;
    EXPECT_EQ(run(), is_sent ? XDP_REDIRECT : XDP_DROP) << waiting;
    EXPECT_EQ(mark.over, over_then) << waiting;
    EXPECT_EQ(queue_->held_runs, held + (is_sent ? 0 : 1)) << waiting;
    flush();
  }
  // No ring is known to be full: none is looked at.
  mark.over = 0;
  EXPECT_EQ(run(), XDP_REDIRECT);
}

// Frames of one bulk leave together and have one time; the next has another, and so has what comes
// after a run that sent nothing.
TEST_F(LiveSenderTest, AsksForTheTimeOnceABulk) {
  std::uint64_t before_ns = 0;
  for (int bulk = 0; bulk < 3; ++bulk) {
    for (int i = 0; i < LIVE_LOOK_RUNS; ++i) {
      put({Ipv4{1}, 0});
      ASSERT_EQ(run(), XDP_REDIRECT);
      flush();
      if (i == 0) {
        EXPECT_GT(sent_ns(), before_ns);
      } else {
        EXPECT_EQ(sent_ns(), before_ns);
      }
      before_ns = sent_ns();
    }
  }
  for (int i = 0; i < LIVE_LOOK_RUNS; i += 2) {
    ASSERT_EQ(run(), XDP_DROP);
    put({Ipv4{1}, 0});
    ASSERT_EQ(run(), XDP_REDIRECT);
    flush();
    EXPECT_GT(sent_ns(), before_ns);
    before_ns = sent_ns();
  }
}

TEST_F(LiveSenderTest, WaitsForAToken) {
  // Seconds at least, and never longer than the machine is up: an hour was before its clock began.
  const std::uint64_t interval_ns = MonotonicClock().now_ns() / 2;
  const live_bucket slow{interval_ns * LIVE_TICKS_PER_NS, interval_ns * LIVE_TICKS_PER_NS,
                         interval_ns * LIVE_TICKS_PER_NS};
  queue_->pacer = {slow, slow};
  queue_->runs = LIVE_BATCH;  // not the first of its call
  put({Ipv4{1}, 0});
  put({Ipv4{2}, 0});
  EXPECT_EQ(run(), XDP_REDIRECT);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(run(), XDP_DROP);
  EXPECT_EQ(queue_->head, 1U) << "a target was taken without a token";
}

}  // namespace
}  // namespace echoscan::live_sender_test
